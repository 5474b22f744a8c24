// What a command that reads well has to pass before anything is done: its time, its target, the sender's
// rights.
#include "gateway/northbound/command_parser.hpp"

#include <algorithm>

namespace sl::northbound {

using site::Code;
using site::Op;

std::optional<Rejection> check_time(const ParsedCommand& parsed, const Present& now) {
    using std::chrono::seconds;
    const auto& id = parsed.command.id;
    if (!now.trusted) {
        // The broker of MQTT 5 lets messages expire; one of 3.1.1 may hand over yesterday's.
        if (now.mqtt_version >= 5) return std::nullopt;
        return Rejection{Code::clock_untrusted, "ts", "the gateway does not know the time", id};
    }
    if (now.wall > parsed.ts + parsed.ttl + seconds{5})
        return Rejection{Code::expired, "ts", "the command is older than its ttl_s", id};
    if (parsed.ts > now.wall + seconds{120})
        return Rejection{Code::out_of_range, "ts", "lies more than 120 s in the future", id};
    return std::nullopt;
}

std::optional<Rejection> check_target(const site::Command& command, const site::Config& config) {
    using Kind = site::Target::Kind;
    const auto kind = command.target.kind;
    const auto has = [](const auto& list, const std::string& id) {
        return std::any_of(list.begin(), list.end(), [&id](const auto& item) { return item.id == id; });
    };
    for (std::size_t i = 0; i < command.target.ids.size(); ++i) {
        const auto& id = command.target.ids[i];
        const bool known = kind == Kind::lamps    ? has(config.plant.lamps, id)
                           : kind == Kind::groups ? has(config.groups, id)
                                                  : has(config.plant.feeders, id);
        if (known) continue;
        return Rejection{Code::unknown_target,
                         "target." + std::string{target_key(kind)} + "[" + std::to_string(i) + "]",
                         "there is no \"" + id + "\" here", command.id};
    }
    return std::nullopt;
}

bool needs_admin(Op op) noexcept {
    return op == Op::time_set || op == Op::reboot;
}

namespace {

bool targeted(const site::Command& c, const site::Config& config, const site::Lamp& lamp,
              const Matches& matches) {
    using Kind = site::Target::Kind;
    const auto& ids = c.target.ids;
    const auto named = [&ids](const std::string& id) {
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    if (c.target.kind == Kind::all) return true;
    if (c.target.kind == Kind::lamps) return named(lamp.id);
    if (c.target.kind == Kind::feeders) return named(lamp.feeder);
    return std::any_of(config.groups.begin(), config.groups.end(),
                       [&](const site::Group& g) { return named(g.id) && matches(g.select, lamp); });
}

bool op_granted(const site::Command& c, const site::Principal& p) {
    if (needs_admin(c.op) && !p.admin) return false;
    const auto has = [&p](std::string_view op) {
        return std::find(p.ops.begin(), p.ops.end(), op) != p.ops.end();
    };
    return has(name(c.op)) || has("*");
}

bool hold_granted(const site::Command& c, const site::Principal& p, site::SiteTime now) {
    if (c.op != Op::lamp_set && c.op != Op::feeder_set) return true;
    if (const auto* h = std::get_if<site::HoldFor>(&c.hold)) return h->duration <= p.max_hold;
    if (const auto* h = std::get_if<site::HoldUntil>(&c.hold)) return h->end - now <= p.max_hold;
    return p.admin || !std::holds_alternative<site::HoldReleased>(c.hold);
}

}  // namespace

std::optional<Rejection> check_rights(const site::Command& command, const site::Principal* principal,
                                      const site::Config& config, const Matches& matches,
                                      site::SiteTime now) {
    const auto no = [&command](std::string path, std::string message) {
        return Rejection{Code::not_permitted, std::move(path), std::move(message), command.id};
    };
    if (principal == nullptr) return no("principal", "is not known to this gateway");
    if (!op_granted(command, *principal))
        return no("op", principal->id + " may not " + std::string{name(command.op)});
    if (!hold_granted(command, *principal, now))
        return no("hold", "is longer than " + principal->id + " may ask for");
    const bool acts = wants_target(command.op);
    if (!acts || !principal->targets) return std::nullopt;
    for (const auto& lamp : config.plant.lamps) {
        if (targeted(command, config, lamp, matches) && !matches(*principal->targets, lamp))
            return no("target", principal->id + " has no right to " + lamp.id);
    }
    return std::nullopt;
}

}  // namespace sl::northbound
