#pragma once

#include <cstdint>

namespace sl::energy {

// a * b / d rounded half to even, exact over the whole range. Wants 0 <= b <= d and d > 0, so the result
// fits. By hand, because 32-bit ARM has no 128-bit integer.
std::int64_t mul_div(std::int64_t a, std::int64_t b, std::int64_t d) noexcept;

}  // namespace sl::energy
