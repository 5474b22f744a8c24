// The verbs of streetlightctl: ask the gateway, print, and end with the exit code that fits.
#include "gateway/json/writer.hpp"
#include "gateway/local/ctl.hpp"
#include "gateway/local/ctl_values.hpp"
#include "gateway/local/query.hpp"

#include <cstdio>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sl::local {
namespace {

using boost::json::value;

constexpr std::chrono::seconds quick{10};
constexpr std::chrono::seconds patient{600};  // a command waits for every lamp

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}
void complain(std::string_view text) {
    fmt::print(stderr, "streetlightctl: {}\n", text);
}

Exit exit_of_status(int status) {
    switch (status) {
        case 400:
            return Exit::usage;
        case 403:
            return Exit::not_allowed;
        case 404:
            return Exit::unknown_object;
        case 409:
            return Exit::refused;
        default:
            return Exit::failed;
    }
}

// Says what the gateway said against it: {"error":{"message","hint"}}.
Exit refused(const HttpReply& reply) {
    boost::system::error_code error;
    const value document = boost::json::parse(reply.body, error);
    const value& what = at(document, "error");
    const std::string message = text_of(at(what, "message"));
    complain(message.empty() ? fmt::format("the gateway answered {}", reply.status) : message);
    if (const std::string hint = text_of(at(what, "hint")); !hint.empty()) fmt::print(stderr, "  {}\n", hint);
    return exit_of_status(reply.status);
}

// The gateway could not be asked at all.
Exit no_way(const Client& client) {
    complain(client.error());
    if (!client.forbidden()) {
        fmt::print(
            stderr,
            "  is streetlightd running? another socket is named with --socket or STREETLIGHT_SOCKET\n");
        return Exit::unreachable;
    }
    fmt::print(stderr,
               "  who uses it must be in the group of the socket: usermod -aG streetlight-view NAME\n");
    return Exit::not_allowed;
}

// One call; on anything but a 200 with JSON the reason is printed and `exit` set.
std::optional<value> ask(const CtlOptions& options, std::string_view target, std::string& body, Exit& exit) {
    Client client(options.socket);
    const auto reply = client.call("GET", target, "", quick);
    if (!reply) {
        exit = no_way(client);
        return std::nullopt;
    }
    if (reply->status != 200) {
        exit = refused(*reply);
        return std::nullopt;
    }
    boost::system::error_code error;
    value document = boost::json::parse(reply->body, error);
    if (error) {
        complain("the gateway's answer is not JSON");
        exit = Exit::failed;
        return std::nullopt;
    }
    body = reply->body;
    return document;
}

// Sends a command and tells how it went.
Exit command(const CtlOptions& options, const std::string& body) {
    Client client(options.socket);
    const auto reply = client.call("POST", "/api/v1/commands", body, patient);
    if (!reply) return no_way(client);
    boost::system::error_code error;
    const value document = boost::json::parse(reply->body, error);
    if (error || at(document, "result").is_null()) return refused(*reply);
    if (options.json != JsonMode::off) {
        print(options.json == JsonMode::pretty ? pretty(reply->body) : reply->body);
        return verdict_on(document).exit;
    }
    const Verdict verdict = verdict_on(document);
    if (verdict.exit == Exit::done && options.quiet) return verdict.exit;
    const bool lamps_answered = verdict.exit == Exit::done || verdict.exit == Exit::partly;
    if (lamps_answered) {
        print(verdict.text + "\n");
    } else {
        complain(verdict.text);
    }
    return verdict.exit;
}

std::string lamps_target(const std::string& select) {
    return "/api/v1/lamps?select=" + percent_encode(select);
}

// The command's target for a selection: all and feeders as such, else the lamps one by one.
std::optional<std::string> target_of(const CtlOptions& options, const std::string& select, Exit& exit) {
    std::string text;
    json::Writer out(text);
    std::string body;
    if (select == "all") return R"({"all":true})";
    const auto feeders = ask(options, "/api/v1/feeders", body, exit);
    if (!feeders) return std::nullopt;
    for (const value& feeder : list_of(at(*feeders, "feeders"))) {
        if (text_of(at(feeder, "id")) != select) continue;
        out.begin_object().key("feeders").begin_array().value(select).end_array().end_object();
        return text;
    }
    const auto lamps = ask(options, lamps_target(select), body, exit);
    if (!lamps) return std::nullopt;
    if (list_of(at(*lamps, "lamps")).empty()) {
        complain("no lamp fits '" + select + "'");
        exit = Exit::unknown_object;
        return std::nullopt;
    }
    out.begin_object().key("lamps").begin_array();
    for (const value& lamp : list_of(at(*lamps, "lamps")))
        out.value(text_of(at(lamp, "id")));
    out.end_array().end_object();
    return text;
}

bool write_hold(json::Writer& out, const LampSet& set, const value& status, std::string& error) {
    const int said = (set.for_.empty() ? 0 : 1) + (set.until.empty() ? 0 : 1) + (set.next_switch ? 1 : 0) +
                     (set.until_released ? 1 : 0);
    if (said > 1) {
        error = "--for, --until, --next-switch and --until-released exclude each other";
        return false;
    }
    if (said == 0) return true;  // the gateway's own default: 2 h
    out.key("hold").begin_object();
    if (!set.for_.empty()) {
        const auto seconds = duration_s(set.for_);
        if (!seconds) error = "--for wants a duration such as 20m, 2h or 1h30m, not '" + set.for_ + "'";
        out.member("for_s", static_cast<std::int64_t>(seconds.value_or(0)));
    } else if (!set.until.empty()) {
        const auto end = until_ms(set.until, text_of(at(status, "time")), integer_of(at(status, "now_ms")));
        if (!end) {
            error = "--until wants 06:00 or a future 2026-11-24T06:00 by the gateway's clock, not '" +
                    set.until + "'";
        }
        out.member("until", static_cast<std::int64_t>(end.value_or(0)));
    } else {
        out.member(set.next_switch ? "next_switch" : "released", true);
    }
    out.end_object();
    return error.empty();
}

}  // namespace

std::string lamp_set_json(const LampSet& set, std::string_view target, const value& status,
                          std::string& error) {
    error.clear();
    std::string text;
    json::Writer out(text);
    out.begin_object().member("v", 1).member("op", "lamp.set").key("target").raw(target);
    out.key("args").begin_object().member("level_pct", set.level);
    if (set.fade_s) out.member("fade_s", static_cast<std::int64_t>(*set.fade_s));
    if (set.emergency) out.member("priority", "emergency");
    if (set.energise) out.member("energise", true);
    out.end_object();
    if (!write_hold(out, set, status, error)) return "";
    if (!set.why.empty()) out.member("why", set.why);
    out.member("ack", "fails").end_object();
    return text;
}

Exit show(const CtlOptions& options, std::string_view target, std::string (View::*text)(const value&) const) {
    Exit exit = Exit::done;
    std::string body;
    const auto document = ask(options, target, body, exit);
    if (!document) return exit;
    if (options.json == JsonMode::pretty) {
        print(pretty(body));
    } else if (options.json == JsonMode::short_) {
        print(body);
    } else {
        print((View{options.legend, options.colour}.*text)(*document));
    }
    return Exit::done;
}

Exit set_lamps(const CtlOptions& options, const LampSet& set) {
    Exit exit = Exit::done;
    std::string body;
    const auto status = ask(options, "/api/v1/status", body, exit);
    if (!status) return exit;
    const auto target = target_of(options, set.select, exit);
    if (!target) return exit;
    std::string error;
    const std::string request = lamp_set_json(set, *target, *status, error);
    if (request.empty()) {
        complain(error);
        return Exit::usage;
    }
    return command(options, request);
}

Exit release_lamps(const CtlOptions& options, const std::string& select) {
    Exit exit = Exit::done;
    const auto target = target_of(options, select, exit);
    if (!target) return exit;
    return command(options, R"({"v":1,"op":"release","target":)" + *target + "}");
}

Exit watch(const CtlOptions& options, const std::vector<std::string>& topics) {
    Client client(options.socket);
    const std::string target =
        "/api/v1/events?topics=" + percent_encode(fmt::format("{}", fmt::join(topics, ",")));
    const bool json_lines = options.json != JsonMode::off;
    const bool followed = client.follow(target, [json_lines](std::string_view event, std::string_view data) {
        if (json_lines) {
            print(fmt::format("{{\"event\":\"{}\",\"data\":{}}}\n", event, data));
        } else {
            print(watch_line(event, data));
        }
        std::fflush(stdout);
    });
    if (client.refused() != 0) return refused({client.refused(), client.error()});
    if (!followed) return no_way(client);
    complain(client.error());
    return Exit::failed;
}

int health(const CtlOptions& options) {
    Client client(options.socket);
    const auto reply = client.call("GET", "/api/v1/status", "", quick);
    boost::system::error_code error;
    const value status = reply ? boost::json::parse(reply->body, error) : value{};
    if (!reply || reply->status != 200 || error) {
        const bool forbidden = reply && reply->status == 403;
        print(fmt::format("STREETLIGHT {} - {}\n", forbidden ? "UNKNOWN" : "CRITICAL",
                          forbidden ? "this user may not read the gateway"
                          : reply   ? "the gateway's answer makes no sense"
                                    : client.error()));
        return forbidden ? 3 : 2;
    }
    const Health state = health_of(status);
    print(state.line);
    return state.exit;
}

std::string pretty(std::string_view json) {
    std::string out;
    std::size_t depth = 0;
    bool text = false;
    const auto new_line = [&] { out.append(1, '\n').append(depth * 2, ' '); };
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (text || c == '"') {
            out += c;
            if (c == '"') text = !text;
            if (text && c == '\\' && i + 1 < json.size()) out += json[++i];
        } else if (c == '{' || c == '[') {
            out += c;
            const bool empty = i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
            if (empty) {
                out += json[++i];
            } else {
                ++depth;
                new_line();
            }
        } else if (c == '}' || c == ']') {
            depth -= depth > 0 ? 1U : 0U;
            new_line();
            out += c;
        } else if (c == ',') {
            out += c;
            new_line();
        } else if (c == ':') {
            out += ": ";
        } else if (c != '\n' && c != ' ') {
            out += c;
        }
    }
    return out += '\n';
}

}  // namespace sl::local
