#include "gateway/app/reporting.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

namespace sl::app {

using site::Quality;
using site::Quantity;
using site::SiteTime;
using site::Stream;
using site::Urgency;
using std::chrono::milliseconds;

namespace {

// Changes gather for this long (real time), so that a dusk is one message and not seventy. The contract
// allows 1 s.
constexpr milliseconds state_gather{400};
constexpr milliseconds readings_gather{100};
constexpr std::size_t rows_a_record = 100;
// Fewer lamps than this are told one by one.
constexpr std::size_t group_worthwhile = 6;

SiteTime next_boundary(SiteTime now, milliseconds period) {
    const auto passed = now.time_since_epoch();
    return SiteTime{passed - passed % period + period};
}

int rounded(const site::Value& value) {
    return value.ok() ? static_cast<int>(std::lround(value.value)) : -1;
}

}  // namespace

void Reporting::Pending::mark(std::size_t index) {
    if (marked[index]) return;
    marked[index] = true;
    list.push_back(index);
}

std::vector<std::size_t> Reporting::Pending::take() {
    for (const std::size_t index : list)
        marked[index] = false;
    return std::exchange(list, {});
}

Reporting::Reporting(const site::Config& config, const site::SiteState& state, site::Outbox& outbox,
                     ReportingHooks hooks)
    : config_(config),
      state_(state),
      outbox_(outbox),
      hooks_(std::move(hooks)),
      reported_(config.plant.lamps.size()),
      all_lamps_(config.plant.lamps.size()),
      lamps_of_feeder_(config.plant.feeders.size()) {
    const site::Plant& plant = config.plant;
    lamps_.marked.resize(plant.lamps.size());
    readings_.marked.resize(plant.lamps.size());
    feeders_.marked.resize(plant.feeders.size());
    contactors_.marked.resize(plant.contactors.size());
    inputs_.marked.resize(plant.inputs.size());
    meters_.marked.resize(plant.meters.size());
    std::iota(all_lamps_.begin(), all_lamps_.end(), std::size_t{0});
    for (std::size_t i = 0; i < plant.lamps.size(); ++i) {
        for (std::size_t f = 0; f < plant.feeders.size(); ++f) {
            if (plant.feeders[f].id == plant.lamps[i].feeder) lamps_of_feeder_[f].push_back(i);
        }
    }
}

northbound::BodyLimits Reporting::limits() const {
    northbound::BodyLimits limits;
    limits.max_record_bytes = config_.mqtt.max_record_bytes;
    const std::size_t smallest = outbox_.smallest_packet_size();
    if (smallest > 0) limits.max_record_bytes = std::min(limits.max_record_bytes, smallest);
    limits.objects = config_.mqtt.rows_as_objects;
    return limits;
}

Reporting::Visible Reporting::visible(std::size_t lamp) const {
    const site::LampState& state = state_.lamps[lamp];
    Visible seen;
    seen.online = state.online;
    seen.powered = state.powered;
    seen.on = rounded(state[Quantity::on]);
    seen.level = rounded(state[Quantity::level_pct]);
    seen.target = state.target ? state.target->percent() : -1;
    seen.confirmed = state.confirmed;
    seen.source = state.source;
    seen.faults = state.faults;
    return seen;
}

void Reporting::lamp_changed(std::size_t lamp) {
    if (visible(lamp) == reported_[lamp]) return;
    lamps_.mark(lamp);
    if (!state_since_) state_since_ = hooks_.mono();
}

void Reporting::feeder_changed(std::size_t feeder) {
    feeders_.mark(feeder);
    if (!state_since_) state_since_ = hooks_.mono();
}

void Reporting::contactor_changed(std::size_t contactor) {
    contactors_.mark(contactor);
    if (!state_since_) state_since_ = hooks_.mono();
}

void Reporting::input_changed(std::size_t input) {
    inputs_.mark(input);
    if (!state_since_) state_since_ = hooks_.mono();
}

void Reporting::meter_changed(std::size_t meter) {
    meters_.mark(meter);
    if (!state_since_) state_since_ = hooks_.mono();
}

void Reporting::module_changed(std::size_t module) {
    const site::Plant& plant = config_.plant;
    const std::string& id = plant.modules[module].id;
    for (std::size_t i = 0; i < plant.contactors.size(); ++i) {
        if (plant.contactors[i].module == id || plant.contactors[i].aux_module == id) contactor_changed(i);
    }
    for (std::size_t i = 0; i < plant.inputs.size(); ++i) {
        if (plant.inputs[i].module == id) input_changed(i);
    }
}

void Reporting::lamp_read(std::size_t lamp) {
    lamp_changed(lamp);
    if (config_.mqtt.lamp_telemetry.count() > 0) return;
    readings_.mark(lamp);
    if (!readings_since_) readings_since_ = hooks_.mono();
    if (readings_.list.size() >= rows_a_record) flush_readings(hooks_.stamp().ts);
}

void Reporting::append(Stream stream, std::string body, Urgency urgency) {
    const northbound::Stamp stamp = hooks_.stamp();
    site::Record record;
    record.stream = stream;
    record.boot = outbox_.identity().boot;
    record.ts = stamp.ts;
    record.tq = stamp.tq;
    record.up_ms = stamp.up_ms;
    record.meta_rev = stamp.meta_rev;
    record.body = std::move(body);
    outbox_.append(std::move(record), urgency);
}

void Reporting::append_all(Stream stream, northbound::Bodies bodies, Urgency urgency) {
    for (std::string& body : bodies)
        append(stream, std::move(body), urgency);
}

void Reporting::alarm(const site::AlarmTransition& transition) {
    append(Stream::event, northbound::alarm_body(transition), Urgency::now);
}

void Reporting::audit(const northbound::Audit& audit) {
    append(Stream::event, northbound::audit_body(audit), Urgency::now);
}

void Reporting::override_event(const northbound::OverrideEvent& event) {
    append(Stream::event, northbound::override_body(event), Urgency::now);
}

void Reporting::event(std::string body) {
    append(Stream::event, std::move(body), Urgency::now);
}

void Reporting::energy(northbound::Bodies bodies) {
    append_all(Stream::energy, std::move(bodies), Urgency::batched);
}

void Reporting::clock_became_trusted() {
    const northbound::Stamp stamp = hooks_.stamp();
    const site::StoreIdentity& store = outbox_.identity();
    event(northbound::time_anchor_body(store.epoch, store.boot, stamp.up_ms, stamp.ts));
}

void Reporting::snapshot(const std::string& requester) {
    flush_state();
    const SiteTime now = hooks_.stamp().ts;
    append_all(Stream::state, northbound::snapshot_bodies(config_, state_, now, limits(), requester),
               Urgency::now);
    const std::vector<site::AlarmTransition> standing = hooks_.standing_alarms();
    append_all(Stream::event, northbound::active_bodies(standing, limits(), requester), Urgency::now);
    for (const std::size_t lamp : all_lamps_)
        reported_[lamp] = visible(lamp);
}

// One entry for a whole group when nearly all of its lamps are in one and the same healthy state.
bool Reporting::whole_group(const site::Target& target, const std::vector<std::size_t>& members,
                            std::vector<northbound::GroupState>& groups) {
    if (members.size() < group_worthwhile) return false;
    std::map<std::tuple<int, int, site::Source, int>, std::size_t> counts;
    const auto healthy = [this](std::size_t lamp) {
        const Visible now = visible(lamp);
        return now.online && now.powered && now.faults == 0 && now.on >= 0 && now.level >= 0 &&
               now.level == now.target;
    };
    const auto key = [this](std::size_t lamp) {
        const Visible now = visible(lamp);
        return std::tuple(now.on, now.level, now.source, now.confirmed);
    };
    std::size_t changed = 0;
    for (const std::size_t lamp : members) {
        if (!healthy(lamp)) continue;
        ++counts[key(lamp)];
        if (lamps_.marked[lamp]) ++changed;
    }
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == counts.end() || most->second * 4 < members.size() * 3 || changed * 2 < members.size())
        return false;
    northbound::GroupState group;
    group.target = target;
    group.on = std::get<0>(most->first) != 0;
    group.level_pct = std::get<1>(most->first);
    group.source = std::get<2>(most->first);
    group.confirmed = std::get<3>(most->first);
    std::vector<std::size_t> told;
    for (const std::size_t lamp : members) {
        if (healthy(lamp) && key(lamp) == most->first) {
            reported_[lamp] = visible(lamp);
            told.push_back(lamp);
        } else {
            const site::LampState& state = state_.lamps[lamp];
            const Quality why = !state.powered  ? Quality::no_power
                                : !state.online ? Quality::no_reply
                                                : Quality::ok;
            group.except.emplace_back(config_.plant.lamps[lamp].id, why);
        }
    }
    for (const std::size_t lamp : told)
        lamps_.marked[lamp] = false;
    std::erase_if(lamps_.list, [this](std::size_t lamp) { return !lamps_.marked[lamp]; });
    groups.push_back(std::move(group));
    return true;
}

void Reporting::flush_lamps(SiteTime now) {
    std::vector<northbound::GroupState> groups;
    site::Target everything;
    if (!whole_group(everything, all_lamps_, groups)) {
        for (std::size_t f = 0; f < lamps_of_feeder_.size(); ++f) {
            site::Target feeder;
            feeder.kind = site::Target::Kind::feeders;
            feeder.ids.push_back(config_.plant.feeders[f].id);
            (void)whole_group(feeder, lamps_of_feeder_[f], groups);
        }
    }
    if (!groups.empty()) append(Stream::state, northbound::group_state_body(groups), Urgency::now);
    std::vector<std::size_t> rest = lamps_.take();
    std::erase_if(rest, [this](std::size_t lamp) { return visible(lamp) == reported_[lamp]; });
    if (rest.empty()) return;
    std::sort(rest.begin(), rest.end());
    for (const std::size_t lamp : rest)
        reported_[lamp] = visible(lamp);
    append_all(Stream::state, northbound::lamp_state_bodies(config_, state_, rest, now, limits()),
               Urgency::now);
}

void Reporting::flush_state() {
    state_since_.reset();
    const SiteTime now = hooks_.stamp().ts;
    const auto send = [&](Pending& pending, auto&& bodies) {
        const std::vector<std::size_t> changed = pending.take();
        if (!changed.empty()) {
            append_all(Stream::state, bodies(config_, state_, changed, now, limits()), Urgency::now);
        }
    };
    send(feeders_, northbound::feeder_state_bodies);
    send(contactors_, northbound::contactor_state_bodies);
    send(inputs_, northbound::input_state_bodies);
    send(meters_, northbound::meter_state_bodies);
    if (!lamps_.list.empty()) flush_lamps(now);
}

void Reporting::flush_readings(SiteTime now) {
    readings_since_.reset();
    const std::vector<std::size_t> read = readings_.take();
    if (read.empty()) return;
    rows_ += read.size();
    append_all(Stream::telemetry, northbound::lamp_telemetry_bodies(config_, state_, read, now, limits()),
               Urgency::batched);
}

void Reporting::periodic(SiteTime now) {
    const milliseconds lamps = config_.mqtt.lamp_telemetry, meters = config_.mqtt.meter_telemetry;
    const milliseconds snapshots = config_.mqtt.snapshot_every;
    const auto due = [now](std::optional<SiteTime>& next, milliseconds period) {
        if (period.count() == 0) return false;
        // A clock stepped back must not silence the report until the old boundary comes again.
        const bool first = !next || *next > now + period;
        const bool reached = next && now >= *next;
        if (first || reached) next = next_boundary(now, period);
        return reached && !first;
    };
    if (due(next_lamps_, lamps)) {
        std::vector<std::size_t> powered = all_lamps_;
        std::erase_if(powered, [this](std::size_t lamp) { return !state_.lamps[lamp].powered; });
        rows_ += powered.size();
        if (!powered.empty()) {
            append_all(Stream::telemetry,
                       northbound::lamp_telemetry_bodies(config_, state_, powered, now, limits()),
                       Urgency::batched);
        }
    }
    if (due(next_meters_, meters)) {
        std::vector<std::size_t> all(config_.plant.meters.size());
        std::iota(all.begin(), all.end(), std::size_t{0});
        append_all(Stream::telemetry, northbound::meter_telemetry_bodies(config_, state_, all, now, limits()),
                   Urgency::batched);
    }
    if (due(next_snapshot_, snapshots)) snapshot({});
}

void Reporting::tick() {
    const northbound::Stamp stamp = hooks_.stamp();
    const site::MonoTime now = hooks_.mono();
    if (state_since_ && now - *state_since_ >= state_gather) flush_state();
    if (readings_since_ && now - *readings_since_ >= readings_gather) flush_readings(stamp.ts);
    periodic(stamp.ts);
}

}  // namespace sl::app
