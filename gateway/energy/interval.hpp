// Register readings in, energy of aligned local intervals out. All in integer Wh; what is not known is left
// open and says why.
#pragma once

#include "gateway/site/quantity.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sl::energy {

// A meter's register: exact Wh, and the digits as the meter shows them (kWh with its own decimals).
struct Register {
    std::int64_t wh = 0;
    std::string text;
    friend bool operator==(const Register&, const Register&) = default;
};
// Digits of a register known in Wh only: kWh with three decimals.
std::string register_text(std::int64_t wh);

// Bits of Interval::flags; names as on the wire.
enum Flag : std::uint32_t {
    flag_rollover = 1U << 0U,
    flag_replaced = 1U << 1U,
    flag_gap = 1U << 2U,
    flag_estimated = 1U << 3U,
    flag_reverse = 1U << 4U,
    flag_clock_step = 1U << 5U,
};
std::vector<std::string_view> flag_names(std::uint32_t flags);

enum class Method : std::uint8_t { metered, summed, modelled };
std::string_view name(Method method) noexcept;

// [from, to). With coverage below 100 `wh` is the part that is known.
struct Interval {
    site::SiteTime from, to;
    std::int64_t wh = 0;
    Register register_from, register_to;
    Method method = Method::metered;
    int coverage_pct = 100;
    std::uint32_t flags = 0;
};

struct RegisterReading {
    site::SiteTime at;
    Register value;
    bool estimated = false;
    bool new_device = false;  // the serial number changed since the last reading
    bool clock_step = false;  // the site clock was set since the last reading
};

struct IntervalOptions {
    std::chrono::milliseconds length{std::chrono::minutes{15}};
    // Two readings further apart than this are not interpolated between. Three missed polls of a meter read
    // every 5 minutes are bridged, a fourth is not.
    std::chrono::milliseconds max_gap{std::chrono::minutes{15}};
    std::int64_t rollover_wh = 0;        // what the register counts modulo; 0 = never rolls over
    std::int64_t max_power_w = 100'000;  // more than this between two readings is another register
    Method method = Method::metered;
};

class IntervalMeter {
  public:
    IntervalMeter(const site::Zone& zone, IntervalOptions options) : zone_(&zone), options_(options) {}

    // Intervals that this reading closes, oldest first. An interval nothing is known of has no row; those
    // beside it are flagged.
    std::vector<Interval> step(const RegisterReading& reading);
    // Energy the register counted where no interval could be told: gaps, clock steps. Intervals + unassigned
    // = what the register advanced, replacements apart.
    std::int64_t unassigned_wh() const noexcept { return unassigned_wh_; }
    // The interval under way: `to` is its end, `wh` what is known so far.
    std::optional<Interval> running() const;

  private:
    struct Advance {
        std::int64_t wh = 0;
        std::uint32_t flags = 0;
        bool broken = false;  // no interpolation from the last reading to this one
        bool known = true;    // wh is real although its time is not
    };
    Advance judge(const RegisterReading& reading) const;
    void bridge(const RegisterReading& reading, const Advance& advance, std::vector<Interval>& out);
    void jump(const RegisterReading& reading, const Advance& advance, std::vector<Interval>& out);
    void begin(site::SiteTime at, const Register& value, std::uint32_t flags);
    void close(const Register& value, std::vector<Interval>& out);
    site::SiteTime floor(site::SiteTime t) const;
    site::SiteTime end_of(site::SiteTime from) const;
    Register at_boundary(std::int64_t wh) const;

    const site::Zone* zone_;
    IntervalOptions options_;
    std::optional<RegisterReading> last_;
    Interval open_;
    std::chrono::milliseconds covered_{0};
    site::SiteTime told_until_{std::chrono::milliseconds::min()};  // end of the last interval given out
    std::int64_t unassigned_wh_ = 0;
};

}  // namespace sl::energy
