#include "gateway/control/feeder_control.hpp"

#include <algorithm>

namespace sl::control {
namespace {

using site::SiteTime;

template <typename Things>
std::optional<std::size_t> index_of(const Things& things, const std::string& id) {
    const auto found =
        std::find_if(things.begin(), things.end(), [&id](const auto& t) { return t.id == id; });
    if (found == things.end()) return std::nullopt;
    return static_cast<std::size_t>(found - things.begin());
}

void lose_power(site::LampState& lamp) {
    lamp.misses = 0;
    for (site::Value& value : lamp.values) {
        if (value.quality != site::Quality::unknown && value.quality != site::Quality::unsupported) {
            value.quality = site::Quality::no_power;
        }
    }
}

}  // namespace

FeederControl::FeederControl(const site::Config& config, SiteTime start,
                             std::chrono::milliseconds random_start)
    : config_(config),
      feeders_of_(config.plant.contactors.size()),
      lead_(config.plant.feeders.size(), lead_margin),
      last_(config.plant.feeders.size()),
      always_live_(config.plant.feeders.size(), true),
      always_since_(config.plant.feeders.size(), start) {
    const site::Plant& plant = config.plant;
    for (std::size_t feeder = 0; feeder < plant.feeders.size(); ++feeder) {
        std::optional<std::size_t> contactor;
        if (plant.feeders[feeder].kind == site::FeederKind::switched) {
            contactor = index_of(plant.contactors, plant.feeders[feeder].contactor);
        }
        contactor_of_.push_back(contactor);
        if (contactor) feeders_of_[*contactor].push_back(feeder);
    }
    for (std::size_t i = 0; i < plant.contactors.size(); ++i) {
        std::chrono::seconds delay{0};
        for (const std::size_t feeder : feeders_of_[i])
            delay = std::max(delay, plant.feeders[feeder].open_delay);
        contactors_.emplace_back(plant.contactors[i], delay, start, start + random_start);
    }
    for (const site::Lamp& lamp : plant.lamps) {
        const auto feeder = index_of(plant.feeders, lamp.feeder);
        const auto model = config.models.find(lamp.model);
        const std::chrono::seconds boot =
            model == config.models.end() ? std::chrono::seconds{0} : model->second.boot;
        feeder_of_lamp_.push_back(feeder);
        boot_.push_back(boot);
        if (feeder) lead_[*feeder] = std::max(lead_[*feeder], boot + lead_margin);
    }
}

ContactorInput FeederControl::gather(std::size_t contactor, std::span<const FeederInput> inputs,
                                     const ContactorSeen& seen) const {
    ContactorInput in;
    in.output = seen.output;
    in.aux = seen.aux;
    for (const std::size_t feeder : feeders_of_[contactor]) {
        const FeederInput& f = inputs[feeder];
        in.wanted = in.wanted || f.wanted;
        in.held_off = in.held_off || f.held_off;
        in.protective_off = in.protective_off || f.protective_off;
        in.manual = in.manual || f.manual;
        in.lamps_dark = in.lamps_dark && f.lamps_dark;
        in.registers_read = in.registers_read && f.registers_read;
        if (f.voltage) in.voltage = in.voltage.value_or(false) || *f.voltage;
    }
    return in;
}

std::vector<FeederAction> FeederControl::step(SiteTime now, std::span<const FeederInput> inputs,
                                              std::span<const ContactorSeen> seen) {
    std::vector<FeederAction> all;
    last_.assign(inputs.begin(), inputs.end());
    if (last_close_ && *last_close_ > now) last_close_.reset();  // the clock was stepped back
    for (std::size_t i = 0; i < contactors_.size(); ++i) {
        if (feeders_of_[i].empty()) continue;
        const ContactorInput in = gather(i, inputs, seen[i]);
        const bool turn = !last_close_ || now - *last_close_ >= close_spacing;
        const std::string_view reason = in.protective_off ? "protection"
                                        : in.held_off     ? "hold"
                                        : in.wanted       ? "light due"
                                                          : "no light due";
        for (const RelayAction action : contactors_[i].step(now, in, turn)) {
            if (action == RelayAction::close) last_close_ = now;
            all.push_back({action, i, contactors_[i].commanded(), feeders_of_[i], reason});
        }
    }
    for (std::size_t feeder = 0; feeder < last_.size(); ++feeder) {
        if (contactor_of_[feeder]) continue;
        const bool live = last_[feeder].voltage.value_or(true);
        if (live && !always_live_[feeder]) always_since_[feeder] = now;
        always_live_[feeder] = live;
    }
    return all;
}

bool FeederControl::energised(std::size_t feeder) const {
    const auto contactor = contactor_of_.at(feeder);
    return contactor ? contactors_[*contactor].energised() : always_live_[feeder];
}

std::optional<SiteTime> FeederControl::powered_from(std::size_t lamp) const {
    const auto feeder = feeder_of_lamp_.at(lamp);
    if (!feeder) return SiteTime{};
    if (!energised(*feeder)) return std::nullopt;
    const auto contactor = contactor_of_[*feeder];
    if (!contactor) return always_since_[*feeder];
    const ContactorControl& control = contactors_[*contactor];
    // Found closed at the start: the controllers have been up for long.
    if (control.operations() == 0) return control.energised_since();
    return control.energised_since() + boot_[lamp];
}

std::vector<std::size_t> FeederControl::publish(SiteTime now, site::SiteState& state) const {
    for (std::size_t i = 0; i < contactors_.size() && i < state.contactors.size(); ++i) {
        state.contactors[i].commanded = contactors_[i].commanded();
        state.contactors[i].changed = contactors_[i].changed();
        state.contactors[i].operations = contactors_[i].operations();
    }
    for (std::size_t feeder = 0; feeder < last_.size() && feeder < state.feeders.size(); ++feeder) {
        site::FeederState& f = state.feeders[feeder];
        const auto contactor = contactor_of_[feeder];
        f.energised = energised(feeder);
        f.energised_since = contactor ? contactors_[*contactor].energised_since() : always_since_[feeder];
        f.wanted = last_[feeder].wanted;
        f.held_off = last_[feeder].held_off;
        f.source = last_[feeder].source;
    }
    std::vector<std::size_t> gained;
    for (std::size_t lamp = 0; lamp < boot_.size() && lamp < state.lamps.size(); ++lamp) {
        site::LampState& s = state.lamps[lamp];
        const std::optional<SiteTime> from = powered_from(lamp);
        const bool powered = from && now >= *from;
        if (powered && !s.powered) {
            s.misses = 0;
            gained.push_back(lamp);
        }
        if (!powered && s.powered) lose_power(s);
        s.powered = powered;
    }
    return gained;
}

std::vector<std::pair<std::string, std::string>> FeederControl::changes() {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t i = 0; i < contactors_.size(); ++i) {
        std::string text = contactors_[i].history();
        std::string& saved = saved_["contactor." + config_.plant.contactors[i].id];
        if (saved == text) continue;
        saved = text;
        pairs.emplace_back("contactor." + config_.plant.contactors[i].id, std::move(text));
    }
    return pairs;
}

void FeederControl::restore(std::span<const std::pair<std::string, std::string>> pairs) {
    for (const auto& [key, value] : pairs) {
        for (std::size_t i = 0; i < contactors_.size(); ++i) {
            if (key != "contactor." + config_.plant.contactors[i].id) continue;
            contactors_[i].restore_history(value);
            saved_[key] = value;
        }
    }
}

bool feeder_wanted(std::span<const site::Level> now, std::span<const site::Level> ahead) noexcept {
    const auto lit = [](site::Level level) { return level.is_on(); };
    return std::any_of(now.begin(), now.end(), lit) || std::any_of(ahead.begin(), ahead.end(), lit);
}

}  // namespace sl::control
