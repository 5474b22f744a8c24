#include "gateway/platform/clock.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <sys/random.h>
#include <sys/timex.h>
#include <unistd.h>

namespace sl::platform {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

site::MonoTime mono_now() {
    return std::chrono::steady_clock::now();
}

site::WallTime wall_now() {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

site::WallTime build_time() {
    return site::WallTime{std::chrono::seconds{SL_BUILD_EPOCH}};
}

site::TimeQuality wall_quality(site::WallTime now, site::WallTime floor) {
    if (now < std::max(floor, build_time())) return site::TimeQuality::none;
    timex state{};
    const int status = ::adjtimex(&state);
    if (status >= 0 && status != TIME_ERROR && (state.status & STA_UNSYNC) == 0)
        return site::TimeQuality::ntp;
    return ::access("/dev/rtc0", F_OK) == 0 ? site::TimeQuality::rtc : site::TimeQuality::est;
}

SiteClockSource::SiteClockSource(double speed, site::SiteTime start)
    : simulated_(speed != 1.0 || start != site::SiteTime{}),
      speed_(speed),
      start_(start),
      origin_(mono_now()) {
    if (start_ == site::SiteTime{}) start_ = site::SiteTime{wall_now().time_since_epoch()};
}

site::SiteTime SiteClockSource::now() const {
    if (!simulated_) return site::SiteTime{wall_now().time_since_epoch()};
    const std::chrono::duration<double, std::milli> passed = mono_now() - origin_;
    return start_ + milliseconds{std::llround(passed.count() * speed_)};
}

site::TimeQuality SiteClockSource::quality() const {
    return simulated_ ? site::TimeQuality::platform : wall_quality(wall_now(), floor_);
}

milliseconds SiteClockSource::real(milliseconds span) const {
    if (!simulated_) return span;
    return milliseconds{std::llround(std::ceil(static_cast<double>(span.count()) / speed_))};
}

std::uint64_t random_bits() {
    std::uint64_t bits = 0;
    if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
        // Early boot without entropy: jitter still has to differ from gateway to gateway.
        const auto ticks = static_cast<std::uint64_t>(mono_now().time_since_epoch().count());
        constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
        bits = (ticks * golden) ^ static_cast<std::uint64_t>(::getpid());
    }
    return bits;
}

std::string make_ulid(site::WallTime now) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::array<std::uint8_t, 16> bytes{};
    const auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
    for (std::size_t i = 0; i < 6; ++i)
        bytes[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
    const std::array<std::uint64_t, 2> chance{random_bits(), random_bits()};
    std::memcpy(bytes.data() + 6, chance.data(), 10);
    // 130 bits of text for 128 bits of content: two leading zero bits, then groups of five.
    std::string text(26, '0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        for (std::size_t bit = 0; bit < 5; ++bit) {
            const std::size_t position = i * 5 + bit;
            if (position < 2) continue;
            const std::size_t index = position - 2;
            const auto byte = static_cast<unsigned>(bytes[index / 8]);
            value |= ((byte >> (7U - index % 8)) & 1U) << (4U - bit);
        }
        text[i] = alphabet[value];
    }
    return text;
}

milliseconds machine_uptime() {
    timespec up{};
    if (::clock_gettime(CLOCK_BOOTTIME, &up) != 0) return milliseconds{0};
    return duration_cast<milliseconds>(std::chrono::seconds{up.tv_sec} +
                                       std::chrono::nanoseconds{up.tv_nsec});
}

bool is_power_up() {
    constexpr std::chrono::minutes young{3};
    timespec up{};
    if (::clock_gettime(CLOCK_BOOTTIME, &up) != 0) return false;
    return std::chrono::seconds{up.tv_sec} < young;
}

}  // namespace sl::platform
