// One LED luminaire as its controller measures it. All of it advances in simulated time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace sl::sim {

enum class Cause : std::uint8_t { write, group, broadcast, failsafe, power_on, power_off, fault };
std::string_view name(Cause cause);

// The level the lamp was told, from `sim_s` on. Tests read from this that a lamp never saw an "off".
struct LevelChange {
    double sim_s = 0.0;
    double level = 0.0;
    Cause cause = Cause::write;
};

enum class HeadFault : std::uint8_t { none, open, stuck_on, stuck_off };

struct HeadSpec {
    std::string id;        // "L001"
    double rated_w = 100;  // at 100 %
    std::size_t feeder = 0;
    int phase = 0;  // 0..2
    int order = 1;  // along the cable, from the cabinet
    double initial_wh = 0.0;
};

struct HeadReadings {
    double volts = 0, amps = 0, watts = 0, power_factor = 0, celsius = 0;
    bool lit = false;
};

// Supply of the controller itself; it is not part of what the controller measures, the meter sees it.
inline constexpr double controller_w = 0.8;
// LED driver energised but dimmed to nothing.
inline constexpr double driver_standby_w = 0.4;

// Power of a driver of `rated_w` at a level of 0..100 %: efficiency is best near full load, so the curve
// bends slightly upwards.
double led_power_w(double level, double rated_w);
// Falls when dimmed, as the input filter's capacitor stays: 0.98 at full load, about 0.67 at a tenth.
double led_power_factor(double watts, double rated_w);

class LampHead {
  public:
    explicit LampHead(HeadSpec spec);

    void energise(double sim_s, double level);
    void de_energise(double sim_s);
    bool energised() const { return energised_; }
    void command(double sim_s, double level, double fade_s, Cause cause);
    void set_fault(double sim_s, HeadFault fault);

    // Integrates energy, burning time and heat up to `sim_s`.
    void advance(double sim_s);
    void set_surroundings(double volts, double ambient_c);

    const HeadSpec& spec() const { return spec_; }
    HeadFault fault() const { return fault_; }
    double wanted() const { return target_; }
    double level() const { return level_at(last_s_); }  // in force
    HeadReadings readings() const;
    double register_wh() const { return spec_.initial_wh + wh_; }
    double drawn_wh() const { return wh_; }
    double controller_wh() const { return controller_wh_; }
    double burning_s() const { return burning_s_; }
    std::uint32_t switchings() const { return switchings_; }
    bool reports_open() const { return fault_ == HeadFault::open && target_ > 0 && energised_; }
    const std::deque<LevelChange>& history() const { return history_; }

  private:
    double level_at(double sim_s) const;
    double effective(double level) const;
    double power_at(double level) const;
    void integrate(double from_s, double to_s);
    void note(double sim_s, double level, Cause cause);

    HeadSpec spec_;
    HeadFault fault_ = HeadFault::none;
    bool energised_ = false;
    double last_s_ = 0.0;
    double from_ = 0.0, target_ = 0.0, fade_start_s_ = 0.0, fade_s_ = 0.0;
    double volts_ = 230.0, ambient_c_ = 10.0, celsius_ = 10.0;
    double wh_ = 0.0, controller_wh_ = 0.0, burning_s_ = 0.0;
    std::uint32_t switchings_ = 0;
    std::deque<LevelChange> history_;
};

}  // namespace sl::sim
