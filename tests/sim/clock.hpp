// The two times of the simulator. Physics (light, heat, energy, contactors, booting) runs in simulated time,
// which may be faster; whatever is measured on a wire (pacing, silence, watchdogs) runs in real time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sl::sim {

struct Now {
    std::int64_t real_ns = 0;  // monotonic
    double sim_s = 0.0;        // seconds since 1970 UTC in simulated time
};

struct CivilTime {
    int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    int weekday = 4;  // 0 = Sunday
};

CivilTime civil_from(double local_s);
double seconds_from(const CivilTime& civil);

struct Instant {
    double utc_s = 0.0;
    int offset_s = 0;  // the zone written behind it: the field's local time
};
// "2026-11-23T16:00:00+08:00" or "...Z".
std::optional<Instant> parse_instant(std::string_view text);
std::string format_instant(double utc_s, int offset_s);

class Clock {
  public:
    // Without a start the simulated clock starts at the machine's time.
    Clock(std::optional<Instant> start, double speed);
    Now now() const;
    void set_speed(double speed);  // from now on
    double speed() const { return speed_; }
    int offset_s() const { return offset_s_; }

  private:
    double base_sim_s_;
    std::int64_t base_real_ns_;
    double speed_;
    int offset_s_;
};

}  // namespace sl::sim
