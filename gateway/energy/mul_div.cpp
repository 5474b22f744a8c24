#include "gateway/energy/mul_div.hpp"

namespace sl::energy {

namespace {
struct Wide {
    std::uint64_t high, low;
};
}  // namespace

static Wide multiply(std::uint64_t a, std::uint64_t b) noexcept {
    constexpr std::uint64_t mask = 0xffff'ffffU;
    const std::uint64_t low = (a & mask) * (b & mask);
    const std::uint64_t cross = (a >> 32U) * (b & mask) + (low >> 32U);
    const std::uint64_t other = (a & mask) * (b >> 32U) + (cross & mask);
    return Wide{(a >> 32U) * (b >> 32U) + (cross >> 32U) + (other >> 32U), (other << 32U) | (low & mask)};
}

std::int64_t mul_div(std::int64_t a, std::int64_t b, std::int64_t d) noexcept {
    const bool negative = a < 0;
    const std::uint64_t size = negative ? 0U - static_cast<std::uint64_t>(a) : static_cast<std::uint64_t>(a);
    const auto divisor = static_cast<std::uint64_t>(d);
    const Wide product = multiply(size, static_cast<std::uint64_t>(b));
    std::uint64_t rest = product.high;  // b <= d keeps it below the divisor
    std::uint64_t quotient = 0;
    for (unsigned bit = 64; bit-- > 0;) {
        rest = (rest << 1U) | ((product.low >> bit) & 1U);  // divisor < 2^63: no overflow
        quotient <<= 1U;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1U;
        }
    }
    const std::uint64_t left = divisor - rest;
    if (rest > left || (rest == left && (quotient & 1U) != 0)) ++quotient;
    return static_cast<std::int64_t>(negative ? 0U - quotient : quotient);
}

}  // namespace sl::energy
