// The clocks of this machine. The only place of the gateway (beside wire/asio_timers) that reads one.
#pragma once

#include "gateway/site/time.hpp"

#include <string>

namespace sl::platform {

site::MonoTime mono_now();
site::WallTime wall_now();

// How far the wall clock can be believed, from the kernel's own NTP state, an RTC and the floor.
//   ntp   the kernel says its clock is disciplined (adjtimex without STA_UNSYNC)
//   rtc   not disciplined, but a hardware clock exists and the time is not below the floor
//   est   no hardware clock; the time is not below the floor
//   none  below the floor: max(build time, last saved time)
site::TimeQuality wall_quality(site::WallTime now, site::WallTime floor);

// When this program was built; no real clock can show less.
site::WallTime build_time();

// Site time as this process sees it. Ordinarily the wall clock; with speed or start given (demo, tests) a
// clock of its own that starts there and runs `speed` times as fast.
class SiteClockSource {
  public:
    SiteClockSource() = default;
    // `start_ms` 0 = now; speed 1 and start 0 = the wall clock.
    SiteClockSource(double speed, site::SiteTime start);

    site::SiteTime now() const;
    site::TimeQuality quality() const;
    double speed() const noexcept { return speed_; }
    bool simulated() const noexcept { return simulated_; }
    // Real time that passes while the site lives through `span`.
    site::milliseconds real(site::milliseconds span) const;
    void set_floor(site::WallTime floor) noexcept { floor_ = floor; }

  private:
    bool simulated_ = false;
    double speed_ = 1.0;
    site::SiteTime start_;
    site::MonoTime origin_;
    site::WallTime floor_;
};

// Random 64 bits from the kernel; for ULIDs and jitter.
std::uint64_t random_bits();
// A ULID (26 characters, Crockford base 32): 48 bits of time, 80 bits of chance.
std::string make_ulid(site::WallTime now);

// How long the machine is up, time in suspend included. Not from /proc, which the unit may hide.
site::milliseconds machine_uptime();

// True when the machine has not been up long at the start of this process: a power-up, not a restart by hand.
bool is_power_up();

}  // namespace sl::platform
