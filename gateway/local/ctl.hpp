// streetlightctl: what its verbs share.
#pragma once

#include "gateway/local/ctl_client.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace sl::local {

// Fixed for ever; scripts rely on them.
enum class Exit {
    done = 0,
    failed = 1,
    usage = 2,
    unreachable = 3,
    unknown_object = 4,
    not_allowed = 5,
    no_answer = 6,  // no lamp asked answered
    partly = 7,     // some did, some did not
    bad_config = 8,
    refused = 9,  // by a safety rule: local switch, no power, minimum on time
};

enum class JsonMode { off, pretty, short_ };

struct CtlOptions {
    std::string socket = "/run/streetlight/api.sock";
    JsonMode json = JsonMode::off;
    bool legend = true;
    bool quiet = false;
    bool colour = false;
};

// Texts for people, out of the API's answers. Pure.
struct View {
    bool legend = true;
    bool colour = false;
    std::string status(const boost::json::value& document) const;
    std::string lamps(const boost::json::value& document) const;
    std::string lamp(const boost::json::value& document) const;
    std::string feeders(const boost::json::value& document) const;
    std::string meters(const boost::json::value& document) const;
    std::string alarms(const boost::json::value& document) const;
    std::string sun(const boost::json::value& document) const;
};

// One line on how a command ended, and the exit code that goes with it.
struct Verdict {
    Exit exit = Exit::done;
    std::string text;
};
Verdict verdict_on(const boost::json::value& reply);

// Nagios: 0 OK, 1 WARNING, 2 CRITICAL; the line begins with the word.
struct Health {
    int exit = 0;
    std::string line;
};
Health health_of(const boost::json::value& status);

// "20m", "2h", "1h30m", "90s", "90"; nullopt for anything else or 0.
std::optional<long> duration_s(std::string_view text);
// The next instant (ms UTC) at which it is "06:00" by the clock of `now` ("2026-11-23T21:01:44+08:00"), whose
// value is now_ms; or the instant of a full ISO text. Across a change of the zone's offset it is an hour off.
std::optional<long long> until_ms(std::string_view text, std::string_view now, long long now_ms);

// One event of the stream as a line for people.
std::string watch_line(std::string_view topic, std::string_view data);

// The same document, indented by two.
std::string pretty(std::string_view json);

struct LampSet {
    std::string select;
    int level = 0;
    std::string for_, until;
    bool next_switch = false, until_released = false;
    std::optional<long> fade_s;
    bool emergency = false, energise = false;
    std::string why;
};
// The command's JSON; empty, with `error` set, when the hold cannot be understood. `status` is the gateway's.
std::string lamp_set_json(const LampSet& set, std::string_view target, const boost::json::value& status,
                          std::string& error);

// Verbs.
Exit show(const CtlOptions& options, std::string_view target,
          std::string (View::*text)(const boost::json::value&) const);
Exit set_lamps(const CtlOptions& options, const LampSet& set);
Exit release_lamps(const CtlOptions& options, const std::string& select);
Exit watch(const CtlOptions& options, const std::vector<std::string>& topics);
int health(const CtlOptions& options);

struct SunRequest {
    std::optional<double> latitude, longitude;
    std::string zone, from;
    int days = 1;
};
Exit sun(const CtlOptions& options, const SunRequest& request);

// The local date of this machine's clock, for `sun` without --from.
std::string today(std::string_view zone);

}  // namespace sl::local
