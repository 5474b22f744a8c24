#include "gateway/northbound/messages.hpp"

#include "gateway/json/writer.hpp"
#include "gateway/northbound/bodies.hpp"

#include <algorithm>

namespace sl::northbound {
namespace {

void alarm_members(json::Writer& w, const site::AlarmTransition& a) {
    w.member("alarm_id", a.alarm_id).member("transition", name(a.transition));
    w.member("code", static_cast<int>(a.code)).member("name", name(a.code));
    w.member("severity", name(severity(a.code))).member("object", a.object);
    w.member("since", site::to_ms(a.since)).member("count", a.count);
    if (!a.cause.empty()) w.member("cause", a.cause);
    if (a.value || a.limit) {
        w.key("value").begin_object();
        if (a.value) w.member("is", *a.value);
        if (a.limit) w.member("limit", *a.limit);
        w.end_object();
    }
    w.member("text", a.text);
}

}  // namespace

std::string alarm_body(const site::AlarmTransition& alarm) {
    std::string out;
    json::Writer w{out};
    w.member("kind", "alarm");
    alarm_members(w, alarm);
    return out;
}

std::vector<std::string> active_bodies(std::span<const site::AlarmTransition> standing, BodyLimits limits,
                                       const std::string& requester) {
    const std::string head = R"("kind":"active","alarms":[)";
    const auto room = std::max<std::size_t>(limits.max_record_bytes, 1'024) - envelope_bytes - 128;
    std::vector<std::string> bodies{head};
    for (const auto& a : standing) {
        std::string item;
        json::Writer w{item};
        w.begin_object();
        alarm_members(w, a);
        w.end_object();
        auto* body = &bodies.back();
        if (body->size() > head.size()) {
            if (body->size() + item.size() > room) {
                *body += ']';
                body = &bodies.emplace_back(head);
            } else {
                *body += ',';
            }
        }
        *body += item;
    }
    bodies.back() += "],\"snap_end\":true";
    if (!requester.empty()) {
        bodies.back() += ",\"snap_id\":";
        json::append_quoted(bodies.back(), requester);
    }
    return bodies;
}

std::string audit_body(const Audit& a) {
    std::string out;
    json::Writer w{out};
    w.member("kind", "audit").member("action", a.action).member("principal", a.principal);
    w.member("via", a.via);
    if (!a.by.empty()) w.member("by", a.by);
    if (!a.why.empty()) w.member("why", a.why);
    if (!a.cause.empty()) w.member("cause", a.cause);
    w.member("code", static_cast<int>(a.code));
    if (!a.text.empty()) w.member("text", a.text);
    return out;
}

std::string time_anchor_body(const std::string& epoch, std::uint32_t boot, std::int64_t up_ms,
                             site::SiteTime ts) {
    std::string out;
    json::Writer w{out};
    w.member("kind", "time_anchor").key("anchor").begin_object();
    w.member("epoch", epoch).member("boot", boot).member("up", up_ms).member("ts", site::to_ms(ts));
    w.end_object();
    return out;
}

std::string config_body(const std::string& sha256, bool ok, const std::string& text) {
    std::string out;
    json::Writer w{out};
    w.member("kind", "config").member("sha256", sha256).member("ok", ok);
    if (!text.empty()) w.member("text", text);
    return out;
}

std::string override_body(const OverrideEvent& event) {
    std::string out, target;
    append_target(target, event.target);
    json::Writer w{out};
    w.member("kind", "override").member("transition", event.transition).member("cause", event.cause);
    w.member("principal", event.principal).member("source", name(event.source)).key("target").raw(target);
    w.member("level_pct", event.level_pct);
    if (event.end) w.member("end", site::to_ms(*event.end));
    return out;
}

std::string accepted_body(const std::string& id, bool is_volatile) {
    std::string out;
    json::Writer w{out};
    w.member("id", id).member("phase", "accepted");
    if (is_volatile) w.member("volatile", true);
    w.member("dup", false);
    return out;
}

std::string progress_body(const std::string& id, int n, int ok) {
    std::string out;
    json::Writer w{out};
    w.member("id", id).member("phase", "progress").member("n", n).member("ok", ok);
    return out;
}

std::string_view result_of(const site::Outcome& outcome) noexcept {
    using site::Code;
    const auto failed = static_cast<std::size_t>(std::count_if(
        outcome.lamps.begin(), outcome.lamps.end(), [](const auto& l) { return l.code != Code::ok; }));
    if (outcome.code == Code::expired) return "expired";
    if (outcome.code == Code::superseded) return "superseded";
    if (outcome.code < Code::no_reply && outcome.code != Code::ok) return "rejected";
    if (failed == 0) return outcome.code == Code::ok ? "ok" : "failed";
    return failed < outcome.lamps.size() ? "partial" : "failed";
}

std::string done_body(const std::string& id, const site::Outcome& outcome, std::chrono::milliseconds took,
                      bool each) {
    std::string out;
    json::Writer w{out};
    const auto ok = std::count_if(outcome.lamps.begin(), outcome.lamps.end(),
                                  [](const auto& l) { return l.code == site::Code::ok; });
    w.member("id", id).member("phase", "done").member("result", result_of(outcome));
    w.member("code", static_cast<int>(outcome.code))
        .member("n", static_cast<std::int64_t>(outcome.lamps.size()));
    w.member("ok", static_cast<std::int64_t>(ok)).key("fails").begin_array();
    for (const auto& l : outcome.lamps) {
        if (l.code == site::Code::ok) continue;
        w.begin_array().value(l.id).value(static_cast<int>(l.code)).value(l.attempts).end_array();
    }
    w.end_array();
    if (each) {
        w.key("oks").begin_array();
        for (const auto& l : outcome.lamps) {
            if (l.code == site::Code::ok) w.value(l.id);
        }
        w.end_array();
    }
    w.member("confirmed", outcome.confirmed).member("took_ms", static_cast<std::int64_t>(took.count()));
    if (!outcome.text.empty()) w.member("text", outcome.text);
    w.member("dup", false);
    return out;
}

// Replies end with the flag, and text in them is escaped, so the last place is the flag's.
std::string duplicate_of(std::string body) {
    constexpr std::string_view flag = "\"dup\":false";
    if (body.ends_with(flag)) body.replace(body.size() - 5, 5, "true");
    return body;
}

std::string diag_body(const Diag& diag) {
    std::string out;
    json::Writer w{out};
    const auto& s = diag.session;
    w.key("mqtt")
        .begin_object()
        .member("conn", s.conn)
        .member("connects", s.connects)
        .member("attempts", s.attempts);
    w.member("published", s.published).member("acknowledged", s.acknowledged).member("refused", s.refused);
    w.member("bytes_out_est", s.bytes_out).member("bytes_in_est", s.bytes_in).end_object();
    w.member("resident_bytes", diag.resident_bytes).member("store_bytes", diag.store_bytes);
    for (const auto& [key, value] : diag.more)
        w.member(key, value);
    return out;
}

}  // namespace sl::northbound
