// A command for the lights, whoever sent it: MQTT, the local socket or a test.
#pragma once

#include "gateway/site/level.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sl::site {

enum class Op : std::uint8_t {
    lamp_set,
    feeder_set,
    release,
    sync,
    read,
    replay,
    selftest,
    alarm_ack,
    ledger_ack,
    time_set,
    config_confirm,
    log_level,
    reboot,
    count_
};
std::string_view name(Op op) noexcept;  // "lamp.set"
std::optional<Op> op_from(std::string_view name) noexcept;

// Reply codes of the contract, section 4.
enum class Code : std::uint8_t {
    ok = 0,
    bad_schema = 10,
    unknown_op = 11,
    unknown_target = 12,
    out_of_range = 13,
    not_permitted = 14,
    retained_refused = 15,
    expired = 16,
    clock_untrusted = 18,
    busy = 19,
    no_reply = 20,
    nak = 21,
    readback_mismatch = 22,
    superseded = 23,
    local_lockout = 24,
    no_power = 25,
    interrupted = 26
};

// Layers of arbitration, lighting-safety rule 3, highest first; also `source` of a lamp's state.
enum class Source : std::uint8_t {
    safety,
    local,
    maintenance,
    emergency,
    override_,
    scene,
    sensor,
    program,
    default_,
    failsafe
};
std::string_view name(Source source) noexcept;  // "override" for override_, "default" for default_

struct Target {
    enum class Kind : std::uint8_t { lamps, groups, feeders, all } kind = Kind::all;
    std::vector<std::string> ids;
};

struct HoldFor {
    std::chrono::seconds duration{7'200};
};
struct HoldUntil {
    SiteTime end;
};
struct HoldNextSwitch {};
struct HoldReleased {};
using Hold = std::variant<HoldFor, HoldUntil, HoldNextSwitch, HoldReleased>;

struct Command {
    std::string id;  // ULID of the sender
    Op op = Op::sync;
    std::string principal;     // bound by the broker or by SO_PEERCRED
    std::string by, why, via;  // display only; via = "mqtt", "local"
    SiteTime received_at;
    Target target;
    Level level;  // lamp.set
    std::chrono::seconds fade{0};
    bool emergency = false;  // lamp.set: priority emergency
    bool energise = false;   // lamp.set: may close the feeder
    bool feeder_on = false;  // feeder.set
    Hold hold = HoldFor{};
    bool each = false;              // ack: each -> name the successes too
    std::string stream;             // replay
    std::int64_t from = 0, to = 0;  // replay
    std::string text;               // log.level
};

struct LampResult {
    std::string id;
    Code code = Code::ok;
    int attempts = 0;
};

// How a command ended.
struct Outcome {
    Code code = Code::ok;  // ok, or why nothing or not all was done
    std::string text;      // for a person; names the path of a bad member
    std::vector<LampResult> lamps;
    int confirmed = 0;  // 0 assumed, 1 acknowledged, 2 verified; the weakest of all
};

}  // namespace sl::site
