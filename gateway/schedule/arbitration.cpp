#include "gateway/schedule/arbitration.hpp"

#include <algorithm>

namespace sl::schedule {
namespace {

using site::SiteTime;
using site::Source;

bool in_force(const std::optional<Override>& entry, SiteTime now) {
    return entry && entry->start <= now && (!entry->end || now < *entry->end);
}

std::optional<SiteTime> end_of(const site::Hold& hold, SiteTime now, std::optional<SiteTime> next_switch) {
    if (const auto* length = std::get_if<site::HoldFor>(&hold)) return now + length->duration;
    if (const auto* until = std::get_if<site::HoldUntil>(&hold)) return until->end;
    if (std::holds_alternative<site::HoldReleased>(hold)) return std::nullopt;
    return next_switch.value_or(now + default_hold);
}

// Lamps of one command share one event.
void report(std::vector<ArbitrationEvent>& events, ArbitrationEvent::Kind kind, const Override& entry,
            Source layer, std::size_t lamp) {
    const auto same = std::find_if(events.begin(), events.end(), [&](const ArbitrationEvent& e) {
        return e.kind == kind && e.command == entry.command && e.layer == layer && e.end == entry.end;
    });
    if (same != events.end()) {
        same->lamps.push_back(lamp);
        return;
    }
    events.push_back({kind, entry.command, entry.principal, {lamp}, std::nullopt, layer, entry.end});
}

}  // namespace

Arbitration::Arbitration(const site::Plant& plant)
    : plant_(plant), lamps_(plant.lamps.size()), holds_(plant.feeders.size()) {
    for (const site::Lamp& lamp : plant.lamps) {
        const auto found = std::find_if(plant.feeders.begin(), plant.feeders.end(),
                                        [&lamp](const site::Feeder& f) { return f.id == lamp.feeder; });
        std::optional<std::size_t> index;
        if (found != plant.feeders.end()) index = static_cast<std::size_t>(found - plant.feeders.begin());
        feeder_of_lamp_.push_back(index);
    }
}

std::optional<std::size_t> Arbitration::slot(Source layer) noexcept {
    if (layer == Source::emergency) return 0;
    if (layer == Source::override_) return 1;
    return std::nullopt;
}
Source Arbitration::layer_of(std::size_t slot) noexcept {
    return slot == 0 ? Source::emergency : Source::override_;
}

std::vector<std::string> Arbitration::set(const OverrideRequest& request, SiteTime now,
                                          const NextSwitch& next_switch) {
    std::vector<std::string> replaced;
    const std::size_t layer = slot(request.layer).value_or(1);
    for (const std::size_t lamp : request.lamps) {
        std::optional<SiteTime> next;
        if (std::holds_alternative<site::HoldNextSwitch>(request.hold) && next_switch) {
            next = next_switch(lamp, now);
        }
        std::optional<Override>& entry = lamps_.at(lamp)[layer];
        if (entry && entry->command != request.command &&
            std::find(replaced.begin(), replaced.end(), entry->command) == replaced.end()) {
            replaced.push_back(entry->command);
        }
        const std::optional<SiteTime> end = end_of(request.hold, now, next);
        // Shorter than the time of warning: whoever set it knows.
        const bool warned = end && *end - now <= warn_before_end;
        entry = Override{request.level, request.fade, now, end, request.command, request.principal, warned};
    }
    return replaced;
}

std::size_t Arbitration::release(std::span<const std::size_t> lamps) {
    std::size_t released = 0;
    for (const std::size_t lamp : lamps) {
        for (std::optional<Override>& entry : lamps_.at(lamp)) {
            if (entry) ++released;
            entry.reset();
        }
    }
    return released;
}

void Arbitration::hold_feeder(std::size_t feeder, bool on, const site::Hold& hold, std::string command,
                              std::string principal, SiteTime now) {
    FeederHold entry;
    entry.on = on;
    entry.start = now;
    entry.end = end_of(hold, now, std::nullopt);
    entry.command = std::move(command);
    entry.principal = std::move(principal);
    holds_.at(feeder) = std::move(entry);
}

bool Arbitration::release_feeder(std::size_t feeder) {
    const bool had = holds_.at(feeder).has_value();
    holds_[feeder].reset();
    return had;
}

void Arbitration::tick_lamp(std::size_t lamp, std::size_t index, SiteTime now,
                            std::vector<ArbitrationEvent>& events) {
    std::optional<Override>& entry = lamps_[lamp][index];
    if (!entry || !entry->end) return;
    using Kind = ArbitrationEvent::Kind;
    if (now >= *entry->end) {
        report(events, Kind::override_ended, *entry, layer_of(index), lamp);
        entry.reset();
    } else if (!entry->warned && now >= *entry->end - warn_before_end) {
        entry->warned = true;
        report(events, Kind::override_ending, *entry, layer_of(index), lamp);
    }
}

void Arbitration::tick_feeder(std::size_t feeder, SiteTime now, std::vector<ArbitrationEvent>& events) {
    std::optional<FeederHold>& hold = holds_[feeder];
    if (!hold || !hold->end || now < *hold->end) return;
    using Kind = ArbitrationEvent::Kind;
    ArbitrationEvent event{Kind::hold_overdue,  hold->command, hold->principal, {}, feeder,
                           Source::maintenance, hold->end};
    if (hold->on) {
        event.kind = Kind::on_hold_ended;
        events.push_back(std::move(event));
        hold.reset();
        return;
    }
    // Re-armed from now: hours missed while the gateway was off are not made up for. A clock stepped back
    // must not silence the reminder.
    if (now >= hold->last_alarm && now < hold->last_alarm + overdue_repeat) return;
    hold->last_alarm = now;
    events.push_back(std::move(event));
}

std::vector<ArbitrationEvent> Arbitration::tick(SiteTime now) {
    std::vector<ArbitrationEvent> events;
    for (std::size_t lamp = 0; lamp < lamps_.size(); ++lamp) {
        for (std::size_t index = 0; index < layers; ++index)
            tick_lamp(lamp, index, now, events);
    }
    for (std::size_t feeder = 0; feeder < holds_.size(); ++feeder)
        tick_feeder(feeder, now, events);
    return events;
}

SiteTime Arbitration::next_edge(SiteTime now) const {
    SiteTime next = far_future;
    const auto consider = [&next, now](SiteTime t) { next = std::min(next, std::max(t, now)); };
    for (const Slots& slots : lamps_) {
        for (const std::optional<Override>& entry : slots) {
            if (!entry || !entry->end) continue;
            consider(entry->warned ? *entry->end : *entry->end - warn_before_end);
        }
    }
    for (const std::optional<FeederHold>& hold : holds_) {
        if (!hold || !hold->end) continue;
        consider(hold->on ? *hold->end : std::max(*hold->end, hold->last_alarm + overdue_repeat));
    }
    return next;
}

const Override* Arbitration::find(std::size_t lamp, Source layer, SiteTime now) const {
    const std::optional<std::size_t> index = slot(layer);
    if (!index) return nullptr;
    const std::optional<Override>& entry = lamps_.at(lamp)[*index];
    return in_force(entry, now) ? &*entry : nullptr;
}

const FeederHold* Arbitration::hold(std::size_t feeder) const {
    const std::optional<FeederHold>& entry = holds_.at(feeder);
    return entry ? &*entry : nullptr;
}
bool Arbitration::held_off(std::size_t feeder) const {
    return holds_.at(feeder) && !holds_[feeder]->on;
}
bool Arbitration::held_on(std::size_t feeder, SiteTime now) const {
    const std::optional<FeederHold>& entry = holds_.at(feeder);
    return entry && entry->on && (!entry->end || now < *entry->end);
}

Wanted Arbitration::resolve(std::size_t lamp, SiteTime now, const Decision& program, std::string_view rule_id,
                            const Facts& facts) const {
    Wanted wanted;
    wanted.valid_until = far_future;
    if (facts.safety) {
        wanted.level = *facts.safety;
        wanted.source = Source::safety;
        wanted.reason = "safety asks for light";
        return wanted;
    }
    if (facts.local_manual) {
        wanted.level = site::Level{100};
        wanted.source = Source::local;
        wanted.reason = "selector at MANUAL: light for the crew";
        return wanted;
    }
    const std::optional<std::size_t> feeder = feeder_of_lamp_.at(lamp);
    if (feeder && held_off(*feeder)) {
        wanted.source = Source::maintenance;
        wanted.ref = holds_[*feeder]->command;
        wanted.reason = "feeder held off by " + holds_[*feeder]->principal;
        return wanted;
    }
    for (std::size_t index = 0; index < layers; ++index) {
        const std::optional<Override>& entry = lamps_[lamp][index];
        if (!in_force(entry, now)) continue;
        wanted.level = entry->level;
        wanted.fade = entry->fade;
        wanted.source = layer_of(index);
        wanted.ref = entry->command;
        wanted.valid_until = entry->end.value_or(far_future);
        wanted.reason = "set by " + entry->principal;
        return wanted;
    }
    wanted.level = program.level;
    wanted.fade = program.fade;
    wanted.source = program.source;
    wanted.ref = rule_id;
    wanted.valid_until = program.valid_until;
    wanted.reason = program.source == Source::failsafe   ? "clock not trusted: on until it is"
                    : program.source == Source::default_ ? "no schedule selects the lamp: dusk to dawn"
                                                         : "schedule";
    return wanted;
}

}  // namespace sl::schedule
