// What the local API shows and asks for. The composition root fills it; the API copies nothing and owns
// nothing. Everything is called on the reactor thread. A function left empty means "this gateway has no such
// thing": its part of an answer is null, its route answers 404.
#pragma once

#include "gateway/local/request.hpp"
#include "gateway/site/alarm.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/outbox.hpp"
#include "gateway/site/state.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sl::local {

struct ActiveAlarm {
    site::AlarmTransition alarm;  // as last reported; `since` is the raise
    site::SiteTime last;          // of the last transition
    bool acknowledged = false;
};

// The lighting night that is on, or the next one by day.
struct NightInfo {
    bool night = false;                           // the plan wants light now
    std::optional<site::SiteTime> on_at, off_at;  // first lamp on, last lamp off
    std::optional<site::SiteTime> next_change;
    std::string on_reason, off_reason;  // "civil dusk", "guard rail"
};

struct UplinkInfo {
    bool enabled = false;
    bool connected = false;
    site::SiteTime since;  // of that state
    std::string reason;    // why it is not connected, for a person
};

struct StreamInfo {
    site::Stream stream = site::Stream::event;
    std::int64_t next_seq = 1;  // produced so far: next_seq - 1
    std::int64_t pending = 0;   // committed, not acknowledged by the broker
    std::int64_t lost = 0;      // records in announced lost ranges, since the epoch began
};

struct OutboxInfo {
    std::string epoch;
    std::vector<StreamInfo> streams;
    std::uint64_t store_bytes = 0;
    bool store_ok = true;
    std::string store_text;  // what is wrong with the store, for a person
};

// Since the beginning of the lighting night (noon).
struct EnergyInfo {
    site::SiteTime from;
    std::int64_t metered_wh = 0;   // by the meters
    std::int64_t lamps_wh = 0;     // by the lamps' own registers
    std::int64_t baseline_wh = 0;  // what the former lamps would have used; 0 = unknown
    double saving = 0.0;           // in the currency of price_per_kwh
    double coverage_pct = 100.0;   // share of the time with readings
};

// One field line.
struct LineInfo {
    std::string id, device;
    bool open = false;
    std::uint64_t exchanges = 0, answered = 0, retries = 0;
    std::uint64_t timeouts = 0, bad_frames = 0, foreign = 0;
    double load_pct = 0.0;  // share of the last minute the line was in use
    double cycle_s = 0.0;   // one turn over all its devices
    std::string error;      // why it is not open, for a person
};

struct ApiContext {
    const site::Config* config = nullptr;
    const site::SiteState* state = nullptr;
    const site::Zone* zone = nullptr;
    std::string version;

    std::function<site::SiteTime()> now;
    std::function<site::TimeQuality()> clock_quality;
    std::function<std::chrono::seconds()> uptime;
    std::function<std::string()> mode;  // "auto", "manual", "failsafe"

    std::function<std::vector<ActiveAlarm>()> alarms;
    std::function<NightInfo()> night;
    std::function<UplinkInfo()> uplink;
    std::function<OutboxInfo()> outbox;
    std::function<EnergyInfo()> energy_tonight;
    std::function<std::vector<LineInfo>()> lines;

    // Takes a command in the JSON of the MQTT contract (v, id, ts and ttl_s may be absent) through the same
    // gate as one from the broker. `done` gets the HTTP status and the body of the final reply:
    // 200 with {"id","phase":"done","result",...}, whatever the lamps did; 400, 403, 404, 409 or 503 with the
    // same body when it was rejected.
    using CommandDone = std::function<void(int http_status, std::string reply_json)>;
    std::function<void(const std::string& json, Role role, const std::string& user, CommandDone done)>
        command;

    // False when the word is not a level.
    std::function<bool(const std::string& level)> set_log_level;
};

}  // namespace sl::local
