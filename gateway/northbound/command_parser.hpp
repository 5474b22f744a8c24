// A command from JSON text that nobody has looked at, or exactly why not: contract section 4. Pure.
#pragma once

#include "gateway/site/command.hpp"
#include "gateway/site/config.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace sl::northbound {

struct Rejection {
    site::Code code = site::Code::bad_schema;
    std::string path;     // "args.level_pct", "target.lamps[2]"; empty = the whole
    std::string message;  // for a person
    std::string id;       // of the command, when it could be read
};

struct ParsedCommand {
    site::Command command;  // without principal, via, received_at
    site::WallTime ts;      // by the sender's clock
    std::chrono::seconds ttl{60};
};
using ParseResult = std::variant<ParsedCommand, Rejection>;

inline constexpr std::size_t max_command_bytes = 65'536;

// Never throws. Unknown members at the top are ignored; in target, args and hold they are refused, because a
// limit that is not understood must not be overlooked.
ParseResult parse_command(std::string_view json);
// The same command as text again; parse_command of it gives an equal one.
std::string render_command(const ParsedCommand& parsed);

// Whether the operation means nothing without a target.
bool wants_target(site::Op op) noexcept;
// The member of "target" that holds the ids; not for all, which has none.
std::string_view target_key(site::Target::Kind kind) noexcept;

// How trustworthy now is, for the expiry rule.
struct Present {
    site::WallTime wall;
    bool trusted = false;
    int mqtt_version = 5;
};
std::optional<Rejection> check_time(const ParsedCommand& parsed, const Present& now);
// Every id of the target exists.
std::optional<Rejection> check_target(const site::Command& command, const site::Config& config);
// `matches` evaluates a selector on one lamp.
using Matches = std::function<bool(const site::Selector&, const site::Lamp&)>;
std::optional<Rejection> check_rights(const site::Command& command, const site::Principal* principal,
                                      const site::Config& config, const Matches& matches, site::SiteTime now);
bool needs_admin(site::Op op) noexcept;

}  // namespace sl::northbound
