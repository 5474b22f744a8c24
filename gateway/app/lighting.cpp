#include "gateway/app/lighting.hpp"

#include "gateway/app/field_parts.hpp"
#include "gateway/site/log.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

namespace sl::app {

using site::Code;
using site::Level;
using site::SiteTime;

Lighting::Lighting(boost::asio::any_io_executor executor, const site::Config& config, const site::Zone& zone,
                   site::SiteState& state, Field& field, LightingHooks hooks,
                   std::chrono::milliseconds random_start)
    : executor_(std::move(executor)),
      config_(config),
      state_(state),
      field_(field),
      hooks_(std::move(hooks)),
      planner_(config, zone),
      arbitration_(config.plant),
      control_(config, hooks_.clock().now, random_start),
      reconcile_(config),
      wanted_(config.plant.lamps.size()),
      ever_decided_(config.plant.lamps.size(), false),
      manual_(config.plant.feeders.size(), false),
      registers_read_(config.plant.feeders.size(), true),
      lamps_of_feeder_(config.plant.feeders.size()),
      relays_(config.plant.contactors.size()),
      pumps_(config.plant.lines.size(), 0) {
    for (std::size_t i = 0; i < config.plant.lamps.size(); ++i) {
        const auto feeder = arbitration_.feeder_of(i);
        if (feeder) lamps_of_feeder_[*feeder].push_back(i);
        state_.lamps[i].powered = false;  // until its feeder says otherwise
    }
}

bool Lighting::any_manual() const {
    return std::find(manual_.begin(), manual_.end(), true) != manual_.end();
}

void Lighting::decide(const schedule::ClockState& clock) {
    if (clock.may_act()) {
        planner_.decide_all(clock.now, program_);
    } else {
        program_.resize(config_.plant.lamps.size());
        for (std::size_t i = 0; i < program_.size(); ++i)
            program_[i] = planner_.decide(i, clock);
    }
    for (const schedule::ArbitrationEvent& event : arbitration_.tick(clock.now))
        hooks_.event(event);
    const SiteTime pace = hooks_.pace();
    for (std::size_t i = 0; i < program_.size(); ++i) {
        const auto feeder = arbitration_.feeder_of(i);
        schedule::Arbitration::Facts facts;
        facts.local_manual = feeder && manual_[*feeder];
        schedule::Wanted wanted =
            arbitration_.resolve(i, clock.now, program_[i], planner_.rule_id(program_[i]), facts);
        if (feeder && arbitration_.held_off(*feeder) && !facts.local_manual) {
            wanted.level = Level{0};
            wanted.source = site::Source::override_;
            wanted.reason = "feeder held off";
        }
        apply(i, std::move(wanted), pace);
    }
}

void Lighting::apply(std::size_t lamp, schedule::Wanted wanted, SiteTime pace) {
    const bool first = !ever_decided_[lamp];
    const bool level_changed = first || wanted.level != wanted_[lamp].level;
    const bool changed = level_changed || wanted.source != wanted_[lamp].source;
    ever_decided_[lamp] = true;
    wanted_[lamp] = std::move(wanted);
    if (!changed) return;
    const schedule::Wanted& now = wanted_[lamp];
    site::LampState& state = state_.lamps[lamp];
    state.target = now.level;
    state.source = now.source;
    if (level_changed) {
        state.confirmed = 0;
        const bool urgent = now.source == site::Source::override_ || now.source == site::Source::emergency ||
                            now.source == site::Source::local;
        reconcile_.want(lamp, now.level, now.fade, pace, urgent);
    }
    hooks_.lamp_changed(lamp);
}

bool Lighting::dark(std::size_t feeder) const {
    return std::all_of(lamps_of_feeder_[feeder].begin(), lamps_of_feeder_[feeder].end(),
                       [this](std::size_t lamp) {
                           const site::LampState& state = state_.lamps[lamp];
                           const site::Value& level = state[site::Quantity::level_pct];
                           return !state.powered || !state.online || (level.ok() && level.value < 0.5);
                       });
}

control::FeederInput Lighting::feeder_input(std::size_t feeder, SiteTime now) const {
    const std::vector<std::size_t>& lamps = lamps_of_feeder_[feeder];
    std::vector<Level> at_once, ahead;
    at_once.reserve(lamps.size());
    ahead.reserve(lamps.size());
    const SiteTime later = now + control_.lead(feeder);
    for (const std::size_t lamp : lamps) {
        at_once.push_back(wanted_[lamp].level);
        ahead.push_back(clock_acts_ ? planner_.decide(lamp, later).level : wanted_[lamp].level);
    }
    control::FeederInput in;
    in.held_off = arbitration_.held_off(feeder);
    in.wanted = control::feeder_wanted(at_once, ahead) || arbitration_.held_on(feeder, now);
    in.manual = manual_[feeder];
    in.lamps_dark = dark(feeder);
    in.registers_read = registers_read_[feeder];
    const bool by_hold = in.held_off || arbitration_.held_on(feeder, now);
    const bool untrusted = !clock_acts_;
    in.source = by_hold     ? site::Source::override_
                : untrusted ? site::Source::failsafe
                            : site::Source::program;
    return in;
}

void Lighting::step_feeders(SiteTime now) {
    std::vector<control::FeederInput> inputs;
    inputs.reserve(config_.plant.feeders.size());
    for (std::size_t f = 0; f < config_.plant.feeders.size(); ++f)
        inputs.push_back(feeder_input(f, now));
    std::vector<control::FeederControl::ContactorSeen> seen(relays_.size());
    for (std::size_t c = 0; c < relays_.size(); ++c) {
        const site::ContactorState& state = state_.contactors[c];
        // A reading from before the last write was acknowledged must not speak against that write.
        const bool current = !relays_[c].pending;
        if (state.reported && current && state.reported_at >= relays_[c].valid_from) {
            seen[c].output = control::Seen{*state.reported, state.reported_at};
        }
        if (state.aux) {
            const bool fresh = current && state.aux_at >= relays_[c].valid_from;
            seen[c].aux = control::Seen{*state.aux, fresh ? state.aux_at : SiteTime{}};
        }
    }
    for (const control::FeederAction& action : control_.step(now, inputs, seen))
        act(action);
    publish_power(now);
}

void Lighting::publish_power(SiteTime now) {
    std::vector<bool> before(state_.lamps.size());
    for (std::size_t i = 0; i < before.size(); ++i)
        before[i] = state_.lamps[i].powered;
    std::vector<std::pair<bool, bool>> feeders;
    for (const site::FeederState& feeder : state_.feeders)
        feeders.emplace_back(feeder.energised, feeder.wanted);
    (void)control_.publish(now, state_);
    const SiteTime pace = hooks_.pace();
    for (std::size_t i = 0; i < before.size(); ++i) {
        const bool powered = state_.lamps[i].powered;
        if (powered == before[i]) continue;
        const auto feeder = arbitration_.feeder_of(i);
        const bool ours = feeder && switched_by_us(*feeder);
        reconcile_.set_powered(i, powered, ours, pace);
        if (powered) field_.lamp_powered(i);
        state_.lamps[i].confirmed = reconcile_.progress(i).confirmed;
        hooks_.lamp_changed(i);
    }
    for (std::size_t f = 0; f < feeders.size(); ++f) {
        const site::FeederState& state = state_.feeders[f];
        if (feeders[f] == std::pair(state.energised, state.wanted)) continue;
        if (feeders[f].first != state.energised) {
            hooks_.journal("switching", config_.plant.feeders[f].id, state.energised ? "energised" : "dead");
        }
        hooks_.feeder_changed(f);
    }
}

bool Lighting::switched_by_us(std::size_t feeder) const {
    for (std::size_t c = 0; c < config_.plant.contactors.size(); ++c) {
        if (config_.plant.contactors[c].id == config_.plant.feeders[feeder].contactor) {
            return control_.contactor(c).operations() > 0;
        }
    }
    return false;
}

void Lighting::act(const control::FeederAction& action) {
    using control::RelayAction;
    switch (action.action) {
        case RelayAction::close:
        case RelayAction::open:
            site::log(site::LogLevel::info, "contactor " + config_.plant.contactors[action.contactor].id,
                      fmt::format("{} ({})", action.closed ? "close" : "open", action.reason));
            hooks_.journal("decision", config_.plant.contactors[action.contactor].id,
                           fmt::format("{} {}", control::name(action.action), action.reason));
            [[fallthrough]];
        case RelayAction::reassert: {
            Relay& relay = relays_[action.contactor];
            if (relay.pending != action.closed) relay.pending_since = hooks_.pace();
            relay.pending = action.closed;
            if (!relay.writing) {
                relay.writing = true;
                boost::asio::co_spawn(executor_, write_relay(action.contactor), log_failure("contactor"));
            }
            break;
        }
        case RelayAction::lamps_off:
            break;  // they are wanted at 0 already; opening waits until they are dark
        case RelayAction::read_registers:
            for (const std::size_t feeder : action.feeders)
                registers_read_[feeder] = false;
            boost::asio::co_spawn(executor_, read_registers(action.feeders), log_failure("meter"));
            break;
    }
}

// One selector at MANUAL is enough, whatever the others say. No relay is written any more then, also not the
// write that a silent module has kept waiting.
void Lighting::read_selectors() {
    bool at_manual = false;
    for (std::size_t i = 0; i < config_.plant.inputs.size(); ++i) {
        const bool selector = config_.plant.inputs[i].role == site::InputRole::local_manual;
        at_manual = at_manual || (selector && state_.inputs[i].active.value_or(false));
    }
    std::fill(manual_.begin(), manual_.end(), at_manual);
    if (!at_manual) return;
    for (Relay& relay : relays_)
        relay.pending.reset();
}

void Lighting::tick() {
    if (stopping_) return;
    const schedule::ClockState clock = hooks_.clock();
    clock_acts_ = clock.may_act();
    read_selectors();
    decide(clock);
    step_feeders(clock.now);
    for (std::size_t line = 0; line < pumps_.size(); ++line)
        kick(line);
    step_trackers();
}

void Lighting::lamp_read(std::size_t lamp) {
    const site::LampState& state = state_.lamps[lamp];
    const site::Value& level = state[site::Quantity::level_pct];
    if (level.ok()) {
        const site::Value& power = state[site::Quantity::power_w];
        std::optional<double> power_w;
        if (power.ok()) power_w = power.value;
        reconcile_.reported(lamp, level.value, power_w, hooks_.pace());
    }
    refresh(lamp);
}

void Lighting::refresh(std::size_t lamp) {
    const int confirmed = reconcile_.progress(lamp).confirmed;
    if (state_.lamps[lamp].confirmed == confirmed) return;
    state_.lamps[lamp].confirmed = confirmed;
    hooks_.lamp_changed(lamp);
}

void Lighting::step_trackers() {
    if (stopping_) return;  // the next start reads back and answers
    const SiteTime pace = hooks_.pace();
    for (std::size_t i = 0; i < trackers_.size();) {
        if (!trackers_[i]->tracker.step(reconcile_, pace)) {
            ++i;
            continue;
        }
        const std::unique_ptr<Tracked> finished = std::move(trackers_[i]);
        trackers_.erase(trackers_.begin() + static_cast<std::ptrdiff_t>(i));
        finished->done(finished->tracker.outcome());
    }
}

std::vector<std::pair<std::string, std::string>> Lighting::changes() {
    auto pairs = arbitration_.changes();
    for (auto& pair : control_.changes())
        pairs.push_back(std::move(pair));
    return pairs;
}

void Lighting::restore(const std::vector<std::pair<std::string, std::string>>& pairs) {
    const std::size_t unread = arbitration_.restore(pairs);
    control_.restore(pairs);
    if (unread > 0) {
        site::log(site::LogLevel::warning, "lighting",
                  fmt::format("{} stored overrides could not be read", unread));
    }
}

}  // namespace sl::app
