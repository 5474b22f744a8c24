#include "tests/sim/physics.hpp"

#include <algorithm>
#include <cmath>

namespace sl::sim {

namespace {
constexpr std::size_t max_history = 4096;
constexpr double warming_s = 1800.0;     // time constant of the housing
constexpr double rise_at_full_c = 28.0;  // controller in the luminaire, above the air
}  // namespace

std::string_view name(Cause cause) {
    switch (cause) {
        case Cause::write:
            return "write";
        case Cause::group:
            return "group";
        case Cause::broadcast:
            return "broadcast";
        case Cause::failsafe:
            return "failsafe";
        case Cause::power_on:
            return "power-on";
        case Cause::power_off:
            return "power-off";
        case Cause::fault:
            return "fault";
    }
    return "";
}

double led_power_w(double level, double rated_w) {
    if (level <= 0.0) return driver_standby_w;
    const double x = std::min(level, 100.0) / 100.0;
    return driver_standby_w + (rated_w - driver_standby_w) * (0.04 + 0.86 * x + 0.10 * x * x);
}

double led_power_factor(double watts, double rated_w) {
    const double load = std::clamp(watts / rated_w, 0.0, 1.0);
    const double missing = 1.0 - load;
    return std::max(0.35, 0.98 - 0.42 * missing * missing * missing);
}

LampHead::LampHead(HeadSpec spec) : spec_(std::move(spec)) {}

void LampHead::energise(double sim_s, double level) {
    if (energised_) return;
    advance(sim_s);
    energised_ = true;
    command(sim_s, level, 0.0, Cause::power_on);
}

void LampHead::de_energise(double sim_s) {
    if (!energised_) return;
    advance(sim_s);
    command(sim_s, 0.0, 0.0, Cause::power_off);
    energised_ = false;
}

void LampHead::command(double sim_s, double level, double fade_s, Cause cause) {
    advance(sim_s);
    const double before = effective(level_at(sim_s));
    if (level != target_ || cause == Cause::power_on) note(sim_s, level, cause);
    from_ = level_at(sim_s);
    target_ = level;
    fade_start_s_ = sim_s;
    fade_s_ = fade_s;
    if (before <= 0.0 && level > 0.0 && fault_ != HeadFault::stuck_off) ++switchings_;
}

void LampHead::set_fault(double sim_s, HeadFault fault) {
    advance(sim_s);
    fault_ = fault;
    note(sim_s, target_, Cause::fault);
}

void LampHead::note(double sim_s, double level, Cause cause) {
    history_.push_back({sim_s, level, cause});
    if (history_.size() > max_history) history_.pop_front();
}

double LampHead::level_at(double sim_s) const {
    if (fade_s_ <= 0.0 || sim_s >= fade_start_s_ + fade_s_) return target_;
    const double done = std::max(0.0, sim_s - fade_start_s_) / fade_s_;
    return from_ + (target_ - from_) * done;
}

double LampHead::effective(double level) const {
    if (!energised_ || fault_ == HeadFault::stuck_off) return 0.0;
    return fault_ == HeadFault::stuck_on ? 100.0 : level;
}

double LampHead::power_at(double level) const {
    if (!energised_ || fault_ == HeadFault::stuck_off) return 0.0;
    if (fault_ == HeadFault::open) return driver_standby_w;
    return led_power_w(effective(level), spec_.rated_w);
}

void LampHead::integrate(double from_s, double to_s) {
    const double seconds = to_s - from_s;
    const double begin = level_at(from_s);
    const double end = level_at(to_s);
    const double watts = begin == end ? power_at(end) : (power_at(begin) + power_at(end)) / 2.0;
    wh_ += watts * seconds / 3600.0;
    if (energised_) controller_wh_ += controller_w * seconds / 3600.0;
    if (effective(end) > 0.0 && fault_ != HeadFault::open) burning_s_ += seconds;
    const double goal = ambient_c_ + (energised_ ? 3.0 : 0.0) + rise_at_full_c * watts / spec_.rated_w;
    celsius_ += (goal - celsius_) * -std::expm1(-seconds / warming_s);
}

void LampHead::advance(double sim_s) {
    if (last_s_ == 0.0) {
        last_s_ = sim_s;
        celsius_ = ambient_c_;
    }
    if (sim_s <= last_s_) return;
    const double fade_end = fade_start_s_ + fade_s_;
    if (fade_end > last_s_ && fade_end < sim_s) {
        integrate(last_s_, fade_end);
        last_s_ = fade_end;
    }
    integrate(last_s_, sim_s);
    last_s_ = sim_s;
}

void LampHead::set_surroundings(double volts, double ambient_c) {
    volts_ = volts;
    ambient_c_ = ambient_c;
}

HeadReadings LampHead::readings() const {
    HeadReadings out;
    out.celsius = celsius_;
    if (!energised_) return out;
    out.volts = volts_;
    out.watts = power_at(level());
    out.power_factor = led_power_factor(out.watts, spec_.rated_w);
    out.amps = volts_ > 1.0 ? out.watts / (volts_ * out.power_factor) : 0.0;
    out.lit = effective(level()) > 0.0 && fault_ != HeadFault::open;
    return out;
}

}  // namespace sl::sim
