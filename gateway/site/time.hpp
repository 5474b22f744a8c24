// The clocks of the gateway, told apart by type. None of them is read here: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace sl::site {

using std::chrono::milliseconds;

// Site time: when things happen on the street. Schedules, dwells, holds, intervals and every `ts` are site
// time. A demo or a test may run it faster than reality, or jump it. Milliseconds since 1970-01-01 UTC, no
// leap seconds.
struct SiteClock {
    using duration = milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<SiteClock, duration>;
    static constexpr bool is_steady = false;
};
using SiteTime = SiteClock::time_point;

// Real time by the wall (UTC): certificates, ttl of commands, store metadata.
using WallTime = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

// Real time that only moves forward: wire timeouts, MQTT, watchdog, commits, backoff.
using MonoTime = std::chrono::steady_clock::time_point;

constexpr std::int64_t to_ms(SiteTime t) {
    return t.time_since_epoch().count();
}
constexpr SiteTime site_ms(std::int64_t ms) {
    return SiteTime{milliseconds{ms}};
}

// Trust in a time stamp; names as on the wire (contract section 3).
enum class TimeQuality : std::uint8_t { none, est, platform, meter, rtc, cell, gnss, ntp };
std::string_view name(TimeQuality quality) noexcept;
// Schedules act only on a trusted clock: everything but none and est.
constexpr bool trusted(TimeQuality q) noexcept {
    return q >= TimeQuality::platform;
}

// The local zone of a site. Implemented over the system's zone database in platform/.
class Zone {
  public:
    Zone() = default;
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;
    virtual ~Zone() = default;
    // Seconds to add to UTC to get local time at that instant.
    virtual std::chrono::seconds offset(SiteTime t) const = 0;
    // UTC instant of a local wall time. In a gap (spring) the instant of the jump; when ambiguous (autumn)
    // the first one.
    virtual SiteTime to_utc(std::chrono::local_time<milliseconds> local) const = 0;
    virtual std::string_view name() const = 0;
    std::chrono::local_time<milliseconds> to_local(SiteTime t) const {
        return std::chrono::local_time<milliseconds>{t.time_since_epoch() + offset(t)};
    }
};

}  // namespace sl::site
