#include "gateway/fault/engine.hpp"

#include <algorithm>

namespace sl::fault {
namespace {

using site::AlarmCode;
using site::Quantity;
using site::SiteTime;

constexpr double nominal_voltage = 230.0;
constexpr double usual_power_factor = 0.9;

template <typename Things>
std::optional<std::size_t> index_of(const Things& things, const std::string& id) {
    const auto found =
        std::find_if(things.begin(), things.end(), [&id](const auto& t) { return t.id == id; });
    if (found == things.end()) return std::nullopt;
    return static_cast<std::size_t>(found - things.begin());
}

// Active power, or apparent power by the current where the controller measures no power.
struct Sample {
    double watts = 0.0;
    SiteTime at;
};
std::optional<Sample> power_sample(const site::LampState& s) {
    const site::Value& power = s[Quantity::power_w];
    if (power.ok()) return Sample{power.value, power.at};
    const bool measures =
        power.quality != site::Quality::unsupported && power.quality != site::Quality::unknown;
    const site::Value& current = s[Quantity::current_a];
    if (measures || !current.ok()) return std::nullopt;
    const site::Value& voltage = s[Quantity::voltage_v];
    const double volts = voltage.ok() ? voltage.value : nominal_voltage;
    return Sample{current.value * volts * usual_power_factor, current.at};
}

std::string names_of(std::uint32_t faults) {
    std::string text;
    for (std::uint32_t bit = 0; bit < static_cast<std::uint32_t>(site::FaultBit::count_); ++bit) {
        if ((faults & (1U << bit)) == 0) continue;
        if (!text.empty()) text += ", ";
        text += site::name(static_cast<site::FaultBit>(bit));
    }
    return text;
}

Finding finding(bool active, std::string text, std::optional<double> value = std::nullopt,
                std::optional<double> limit = std::nullopt) {
    Finding f;
    f.active = active;
    f.text = std::move(text);
    f.value = value;
    f.limit = limit;
    return f;
}

bool flag(const std::vector<bool>& flags, std::size_t index, bool otherwise) {
    return index < flags.size() ? flags[index] : otherwise;
}

}  // namespace

Engine::Engine(const site::Config& config, std::function<std::string()> make_ulid, Options options)
    : config_(config),
      options_(std::move(options)),
      book_(std::move(make_ulid)),
      meter_offline_(config.plant.meters.size(), false),
      module_offline_(config.plant.modules.size(), false),
      lines_(config.plant.lines.size()),
      line_down_(config.plant.lines.size(), false),
      clock_(options_.clock_grace, site::milliseconds{0}) {
    const site::Plant& plant = config.plant;
    for (const site::Lamp& lamp : plant.lamps) {
        LampDetectors d{SampleDetector{options_.failure_samples, options_.clear_samples},
                        SampleDetector{options_.burning_samples, options_.clear_samples},
                        SampleDetector{2, options_.clear_samples},
                        false,
                        std::nullopt,
                        false,
                        {},
                        index_of(plant.lines, lamp.line),
                        index_of(plant.feeders, lamp.feeder)};
        lamps_.push_back(d);
    }
    for (const site::Device& d : plant.meters)
        line_of_meter_.push_back(index_of(plant.lines, d.line));
    for (const site::Device& d : plant.modules)
        line_of_module_.push_back(index_of(plant.lines, d.line));
}

// A line is down when its port is gone, or when all of two or more powered units on it are lost. While all of
// them have missed at least once, no single unit is judged: it may be the line.
void Engine::count_lines(const site::SiteState& state, const Surroundings& around, SiteTime now) {
    std::fill(lines_.begin(), lines_.end(), LineCensus{});
    const int lost_after = config_.polling.offline_after;
    const auto count = [this, lost_after](const std::optional<std::size_t>& line, int misses) {
        if (!line) return;
        LineCensus& census = lines_[*line];
        ++census.units;
        if (misses > 0) ++census.missing;
        if (misses >= lost_after) ++census.lost;
    };
    for (std::size_t i = 0; i < lamps_.size(); ++i) {
        if (state.lamps[i].powered) count(lamps_[i].line, state.lamps[i].misses);
    }
    for (std::size_t i = 0; i < line_of_meter_.size(); ++i)
        count(line_of_meter_[i], state.meters[i].misses);
    for (std::size_t i = 0; i < line_of_module_.size(); ++i)
        count(line_of_module_[i], state.modules[i].misses);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        const LineCensus& census = lines_[i];
        const bool open = flag(around.line_open, i, true);
        const bool all_lost = census.units >= 2 && census.lost == census.units;
        // Without a powered unit nothing is learnt about the line: what was known stays.
        const bool answered = census.units > census.missing;
        const bool down = !open || all_lost || (line_down_[i] && !answered);
        line_down_[i] = down;
        book_.set(AlarmCode::line_down, config_.plant.lines[i].id,
                  finding(down, open ? "none of its units answers" : "the port cannot be opened",
                          static_cast<double>(census.lost)),
                  now);
    }
}

bool Engine::line_doubtful(const std::optional<std::size_t>& line) const {
    if (!line) return false;
    const LineCensus& census = lines_[*line];
    return line_down_[*line] || (census.units >= 2 && census.missing == census.units);
}

void Engine::judge_presence(std::size_t lamp, const site::LampState& s, SiteTime now) {
    LampDetectors& d = lamps_[lamp];
    if (s.misses == 0 && s.online) {
        d.offline = false;
    } else if (s.misses >= config_.polling.offline_after && !line_doubtful(d.line)) {
        d.offline = true;
    }
    book_.set(AlarmCode::lamp_offline, config_.plant.lamps[lamp].id,
              finding(d.offline, "no answer", static_cast<double>(s.misses),
                      static_cast<double>(config_.polling.offline_after)),
              now);
}

void Engine::judge_power(std::size_t lamp, const site::LampState& s, SiteTime now) {
    LampDetectors& d = lamps_[lamp];
    const site::Lamp& plant = config_.plant.lamps[lamp];
    const std::optional<Sample> sample = power_sample(s);
    const bool settled = d.changed <= now && now - d.changed >= options_.settle;
    if (!sample || !settled || !d.target || sample->at < d.changed + options_.settle) {
        d.failure.inhibit();
        d.burning.inhibit();
        return;
    }
    const site::Value& level = s[Quantity::level_pct];
    const double percent = level.ok() ? level.value : d.target->percent();
    const auto curve = options_.curve.find(plant.lamp_class);
    const double g = curve == options_.curve.end() ? 1.0 : curve->second;
    const double expected = expected_power_w(plant.rated_w, percent, g);
    if (d.target->is_on() && expected >= options_.judge_from_w) {
        const double limit = options_.failure_ratio * expected;
        const bool failed = d.failure.step(sample->watts < limit, sample->at);
        Finding f = finding(failed, "should be lit and draws too little", sample->watts, limit);
        f.cause = book_.id_of(AlarmCode::lamp_controller_fault, plant.id);
        book_.set(AlarmCode::lamp_failure, plant.id, std::move(f), now);
    }
    if (!d.target->is_on()) {
        const double limit = std::max(options_.burning_floor_w, options_.burning_ratio * plant.rated_w);
        const bool burning = d.burning.step(sample->watts > limit, sample->at);
        book_.set(AlarmCode::lamp_day_burning, plant.id,
                  finding(burning, "switched off and draws power", sample->watts, limit), now);
    } else {
        // Lit on purpose: a lamp that burnt by day has become one like all others.
        d.burning.step(false, sample->at);
        book_.set(AlarmCode::lamp_day_burning, plant.id,
                  finding(d.burning.raised(), "switched off and draws power", sample->watts), now);
    }
}

void Engine::judge_controller(std::size_t lamp, const site::LampState& s, SiteTime now) {
    const site::Value& faults = s[Quantity::faults];
    if (!faults.ok()) return;
    const bool raised = lamps_[lamp].controller.step(s.faults != 0, faults.at);
    // While it counts good samples an open alarm keeps its last text.
    if (raised && s.faults == 0) return;
    book_.set(AlarmCode::lamp_controller_fault, config_.plant.lamps[lamp].id,
              finding(raised, names_of(s.faults), static_cast<double>(s.faults)), now);
}

void Engine::judge_lamp(std::size_t lamp, const site::SiteState& state, const Surroundings& around,
                        SiteTime now) {
    const site::LampState& s = state.lamps[lamp];
    LampDetectors& d = lamps_[lamp];
    if (s.target != d.target || s.powered != d.powered || d.changed > now) {
        d.target = s.target;
        d.powered = s.powered;
        d.changed = now;
    }
    if (!s.powered || (d.feeder && flag(around.manual, *d.feeder, false))) {
        d.failure.inhibit();
        d.burning.inhibit();
        d.controller.inhibit();
        return;
    }
    judge_presence(lamp, s, now);
    if (d.offline || line_doubtful(d.line)) return;
    judge_controller(lamp, s, now);
    judge_power(lamp, s, now);
}

void Engine::judge_meters(const site::SiteState& state, SiteTime now) {
    for (std::size_t i = 0; i < line_of_meter_.size(); ++i) {
        const site::MeterState& s = state.meters[i];
        if (s.misses == 0 && s.online) {
            meter_offline_[i] = false;
        } else if (s.misses >= config_.polling.offline_after && !line_doubtful(line_of_meter_[i])) {
            meter_offline_[i] = true;
        }
        book_.set(AlarmCode::meter_offline, config_.plant.meters[i].id,
                  finding(meter_offline_[i], "no answer", static_cast<double>(s.misses)), now);
    }
}

void Engine::judge_modules(const site::SiteState& state, SiteTime now) {
    for (std::size_t i = 0; i < line_of_module_.size(); ++i) {
        const site::ModuleState& s = state.modules[i];
        if (s.misses == 0 && s.online) {
            module_offline_[i] = false;
        } else if (s.misses >= config_.polling.offline_after && !line_doubtful(line_of_module_[i])) {
            module_offline_[i] = true;
        }
        book_.set(AlarmCode::module_offline, config_.plant.modules[i].id,
                  finding(module_offline_[i], "no answer", static_cast<double>(s.misses)), now);
    }
}

void Engine::judge_cabinet(const site::SiteState& state, const Surroundings& around, SiteTime now) {
    const site::Plant& plant = config_.plant;
    for (std::size_t i = 0; i < plant.contactors.size(); ++i) {
        const std::string text =
            i < around.contactor_mismatch.size() ? around.contactor_mismatch[i] : std::string{};
        book_.set(AlarmCode::contactor_mismatch, plant.contactors[i].id, finding(!text.empty(), text), now);
    }
    for (std::size_t i = 0; i < plant.inputs.size(); ++i) {
        const bool manual = plant.inputs[i].role == site::InputRole::local_manual;
        const bool active = state.inputs[i].active.value_or(false);
        book_.set(manual ? AlarmCode::local_manual : AlarmCode::input_active, plant.inputs[i].id,
                  finding(active, plant.inputs[i].name), now);
    }
    book_.set(AlarmCode::clock_untrusted, config_.place.gateway,
              finding(clock_.step(!around.clock_trusted, now), "no trusted time"), now);
}

std::vector<site::AlarmTransition> Engine::step(const site::SiteState& state, const Surroundings& around,
                                                SiteTime now) {
    count_lines(state, around, now);
    for (std::size_t lamp = 0; lamp < lamps_.size(); ++lamp)
        judge_lamp(lamp, state, around, now);
    judge_meters(state, now);
    judge_modules(state, now);
    judge_cabinet(state, around, now);
    return book_.take(now);
}

}  // namespace sl::fault
