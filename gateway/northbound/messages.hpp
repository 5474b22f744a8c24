// Bodies of events, replies and diag: contract section 4.
#pragma once

#include "gateway/northbound/rows.hpp"
#include "gateway/northbound/session.hpp"
#include "gateway/site/alarm.hpp"
#include "gateway/site/command.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sl::northbound {

std::string alarm_body(const site::AlarmTransition& alarm);
// The standing alarms after a connect and on sync, paged; the last page carries snap_end and who asked.
std::vector<std::string> active_bodies(std::span<const site::AlarmTransition> standing, BodyLimits limits,
                                       const std::string& requester);

// Who did or asked for what, and what was answered.
struct Audit {
    std::string principal, by, why, via, cause;  // cause: the command's id
    std::string action;                          // the op, or the local action
    site::Code code = site::Code::ok;
    std::string text;
};
std::string audit_body(const Audit& audit);
// Lets consumers date records whose tq is none.
std::string time_anchor_body(const std::string& epoch, std::uint32_t boot, std::int64_t up_ms,
                             site::SiteTime ts);
std::string config_body(const std::string& sha256, bool ok, const std::string& text);
// transition: set, ending, ended, replaced, released
struct OverrideEvent {
    std::string transition, cause, principal;
    site::Source source = site::Source::override_;
    site::Target target;
    int level_pct = 0;
    std::optional<site::SiteTime> end;
};
std::string override_body(const OverrideEvent& event);

std::string accepted_body(const std::string& id, bool is_volatile);
std::string progress_body(const std::string& id, int n, int ok);
// ok, partial, failed, rejected, expired or superseded: what the outcome amounts to.
std::string_view result_of(const site::Outcome& outcome) noexcept;
std::string done_body(const std::string& id, const site::Outcome& outcome, std::chrono::milliseconds took,
                      bool each);
// The stored reply once more, marked.
std::string duplicate_of(std::string body);

struct Diag {
    SessionStats session;
    std::uint64_t resident_bytes = 0, store_bytes = 0;
    std::vector<std::pair<std::string, double>> more;  // further figures, by name
};
std::string diag_body(const Diag& diag);

}  // namespace sl::northbound
