// From the table of the site to the bodies of records: pure functions, one per kind of message of the
// contract (sections 3-5). A body is what site::Record::body holds.
#pragma once

#include "gateway/northbound/rows.hpp"
#include "gateway/site/alarm.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sl::northbound {

using Bodies = std::vector<std::string>;
// Positions in the vectors of Plant and SiteState.
using Indices = std::span<const std::size_t>;

// What a requester is told at the end of a snapshot; empty id: a snapshot nobody asked for.
struct SnapshotEnd {
    bool last = false;  // adds "snap_end" to the last body
    std::string id;
};

Bodies lamp_telemetry_bodies(const site::Config& config, const site::SiteState& state, Indices lamps,
                             site::SiteTime ts, BodyLimits limits);
Bodies meter_telemetry_bodies(const site::Config& config, const site::SiteState& state, Indices meters,
                              site::SiteTime ts, BodyLimits limits);
Bodies lamp_state_bodies(const site::Config& config, const site::SiteState& state, Indices lamps,
                         site::SiteTime ts, BodyLimits limits);
Bodies feeder_state_bodies(const site::Config& config, const site::SiteState& state, Indices feeders,
                           site::SiteTime ts, BodyLimits limits);
Bodies contactor_state_bodies(const site::Config& config, const site::SiteState& state, Indices contactors,
                              site::SiteTime ts, BodyLimits limits);
Bodies input_state_bodies(const site::Config& config, const site::SiteState& state, Indices inputs,
                          site::SiteTime ts, BodyLimits limits);
Bodies meter_state_bodies(const site::Config& config, const site::SiteState& state, Indices meters,
                          site::SiteTime ts, BodyLimits limits);
// Everything, in this order: feeder, contactor, input, meter, lamp. The last body carries snap_end.
Bodies snapshot_bodies(const site::Config& config, const site::SiteState& state, site::SiteTime ts,
                       BodyLimits limits, const std::string& requester);

// "All of them are so, except": what a dusk costs instead of a row per lamp.
struct GroupState {
    site::Target target;
    bool on = false;
    int level_pct = 0;
    site::Source source = site::Source::program;
    int confirmed = 0;
    std::vector<std::pair<std::string, site::Quality>> except;
};
std::string group_state_body(std::span<const GroupState> groups);

struct IntervalRow {
    std::string object;  // meter, feeder, group or class
    site::SiteTime from, to;
    std::optional<std::int64_t> wh;          // nullopt: an open gap
    std::string register_from, register_to;  // digit strings as the register shows them; may be empty
    std::string method = "metered";
    int coverage_pct = 100;
    std::vector<std::string> flags;
};
Bodies interval_bodies(std::span<const IntervalRow> rows, BodyLimits limits);

void append_target(std::string& out, const site::Target& target);  // {"groups":["a"]}

}  // namespace sl::northbound
