#include "gateway/northbound/command_parser.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json.hpp>

namespace sl::northbound {
namespace {

namespace js = boost::json;
using site::Code;
using site::Op;

struct Refused {  // thrown and caught inside this file only
    Rejection rejection;
};
[[noreturn]] void refuse(Code code, std::string path, std::string message) {
    throw Refused{Rejection{code, std::move(path), std::move(message), {}}};
}

// One object of the command. Remembers what was asked for, so that the rest can be refused by name.
class Members {
  public:
    Members(const js::object& object, std::string path) : object_(object), path_(std::move(path)) {}

    const js::value* find(std::string_view key) {
        known_.push_back(key);
        return object_.if_contains({key.data(), key.size()});
    }
    std::string at(std::string_view key) const {
        return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
    }
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max) {
        const auto* v = find(key);
        if (v == nullptr) return std::nullopt;
        std::int64_t number = 0;
        if (const auto* i = v->if_int64()) {
            number = *i;
        } else if (const auto* d = v->if_double();
                   d != nullptr && std::trunc(*d) == *d && std::abs(*d) < 9e15) {
            number = static_cast<std::int64_t>(*d);
        } else {
            const bool big = v->is_uint64() || v->is_double();
            refuse(big ? Code::out_of_range : Code::bad_schema, at(key), "must be an integer");
        }
        if (number < min || number > max)
            refuse(Code::out_of_range, at(key),
                   "must lie between " + std::to_string(min) + " and " + std::to_string(max));
        return number;
    }
    std::int64_t required(std::string_view key, std::int64_t min, std::int64_t max) {
        const auto number = integer(key, min, max);
        if (!number) refuse(Code::bad_schema, at(key), "is missing");
        return *number;
    }
    std::optional<std::string> text(std::string_view key, std::size_t longest) {
        const auto* v = find(key);
        if (v == nullptr) return std::nullopt;
        const auto* s = v->if_string();
        if (s == nullptr) refuse(Code::bad_schema, at(key), "must be a string");
        if (s->size() > longest)
            refuse(Code::bad_schema, at(key), "is longer than " + std::to_string(longest) + " bytes");
        return std::string{s->data(), s->size()};
    }
    std::optional<bool> flag(std::string_view key) {
        const auto* v = find(key);
        if (v == nullptr) return std::nullopt;
        if (const auto* b = v->if_bool()) return *b;
        const auto* i = v->if_int64();
        if (i == nullptr || (*i != 0 && *i != 1)) refuse(Code::bad_schema, at(key), "must be true or false");
        return *i == 1;
    }
    void end(Code code) const {
        for (const auto& member : object_) {
            const std::string_view key{member.key().data(), member.key().size()};
            if (std::find(known_.begin(), known_.end(), key) == known_.end())
                refuse(code, at(key.substr(0, 64)), "is not known here");
        }
    }
    std::size_t size() const { return object_.size(); }

  private:
    const js::object& object_;
    std::string path_;
    std::vector<std::string_view> known_;
};

const js::object* object_of(Members& parent, std::string_view key) {
    const auto* v = parent.find(key);
    if (v == nullptr) return nullptr;
    if (!v->is_object()) refuse(Code::bad_schema, parent.at(key), "must be an object");
    return &v->get_object();
}

bool safe_id(std::string_view id) {
    const auto safe = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.' || c == ':';
    };
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), safe);
}

std::vector<std::string> id_list(const js::value& value, const std::string& path) {
    const auto* array = value.if_array();
    if (array == nullptr || array->empty()) refuse(Code::bad_schema, path, "must be a list of ids");
    if (array->size() > 5'000) refuse(Code::out_of_range, path, "names more than 5000");
    std::vector<std::string> out;
    out.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto* s = (*array)[i].if_string();
        if (s == nullptr || s->empty() || s->size() > 64)
            refuse(Code::bad_schema, path + "[" + std::to_string(i) + "]", "must be an id of 1 to 64 bytes");
        out.emplace_back(s->data(), s->size());
    }
    return out;
}

site::Target parse_target(const js::object& object) {
    if (object.size() != 1)
        refuse(Code::bad_schema, "target", "must have exactly one of lamps, groups, feeders and all");
    const auto& member = *object.begin();
    const std::string key{member.key().data(), std::min<std::size_t>(member.key().size(), 64)};
    site::Target target;
    using Kind = site::Target::Kind;
    if (key == "all") {
        if (!member.value().is_bool() || !member.value().get_bool())
            refuse(Code::bad_schema, "target.all", "must be true");
        return target;
    }
    if (key != "lamps" && key != "groups" && key != "feeders")
        refuse(Code::unknown_target, "target." + key, "is not known; use lamps, groups, feeders or all");
    target.kind = key == "lamps" ? Kind::lamps : key == "groups" ? Kind::groups : Kind::feeders;
    target.ids = id_list(member.value(), "target." + key);
    return target;
}

constexpr std::int64_t latest_ms = 253'402'300'799'000;  // the year 9999

site::Hold parse_hold(const js::object& object) {
    Members hold{object, "hold"};
    if (hold.size() != 1)
        refuse(Code::bad_schema, "hold", "must have exactly one of for_s, until, next_switch and released");
    site::Hold out;
    if (const auto for_s = hold.integer("for_s", 1, 2'592'000))
        out = site::HoldFor{std::chrono::seconds{*for_s}};
    if (const auto until = hold.integer("until", 0, latest_ms)) out = site::HoldUntil{site::site_ms(*until)};
    const auto next = hold.flag("next_switch"), released = hold.flag("released");
    if (next && *next) out = site::HoldNextSwitch{};
    if (released && *released) out = site::HoldReleased{};
    if ((next && !*next) || (released && !*released))
        refuse(Code::bad_schema, "hold", "must be true when given");
    hold.end(Code::bad_schema);
    return out;
}

void parse_lamp_set(Members& args, site::Command& c) {
    c.level = site::Level{static_cast<int>(args.required("level_pct", 0, 100))};
    c.fade = std::chrono::seconds{args.integer("fade_s", 0, 3'600).value_or(0)};
    const auto priority = args.text("priority", 32).value_or("override");
    if (priority != "override" && priority != "emergency")
        refuse(Code::bad_schema, "args.priority", "must be override or emergency");
    c.emergency = priority == "emergency";
    c.energise = args.flag("energise").value_or(false);
}

void parse_replay(Members& args, site::Command& c) {
    constexpr std::int64_t last = (std::int64_t{1} << 53) - 1;
    constexpr std::array known{"event", "reply", "state", "energy", "telemetry"};
    c.stream = args.text("stream", 16).value_or("");
    if (std::find(known.begin(), known.end(), c.stream) == known.end())
        refuse(Code::bad_schema, "args.stream", "must be event, reply, state, energy or telemetry");
    c.from = args.required("from", 1, last);
    c.to = args.required("to", 1, last);
    if (c.to < c.from) refuse(Code::out_of_range, "args.to", "lies before args.from");
}

void parse_args(const js::object& object, site::Command& c) {
    Members args{object, "args"};
    switch (c.op) {
        case Op::lamp_set:
            parse_lamp_set(args, c);
            break;
        case Op::feeder_set:
            if (const auto on = args.flag("on")) {
                c.feeder_on = *on;
            } else {
                refuse(Code::bad_schema, "args.on", "is missing");
            }
            break;
        case Op::replay:
            parse_replay(args, c);
            break;
        case Op::alarm_ack:
            c.text = args.text("alarm_id", 64).value_or("");
            break;
        case Op::ledger_ack:
            c.from = args.required("n", 0, latest_ms);
            c.text = args.text("hash", 64).value_or("");
            break;
        case Op::time_set:
            c.from = args.required("ts", 0, latest_ms);
            break;
        case Op::config_confirm:
            c.text = args.text("sha256", 64).value_or("");
            break;
        case Op::log_level:
            c.text = args.text("level", 16).value_or("");
            break;
        default:
            break;
    }
    args.end(Code::bad_schema);
}

void parse_body(Members& top, ParsedCommand& out) {
    auto& c = out.command;
    if (top.required("v", 0, 1'000'000) != 1) refuse(Code::bad_schema, "v", "must be 1");
    const auto op = top.text("op", 64);
    if (!op) refuse(Code::bad_schema, "op", "is missing");
    const auto known = site::op_from(*op);
    if (!known) refuse(Code::unknown_op, "op", "is not known: " + *op);
    c.op = *known;
    out.ts = site::WallTime{std::chrono::milliseconds{top.required("ts", 0, latest_ms)}};
    out.ttl = std::chrono::seconds{top.integer("ttl_s", 1, 3'600).value_or(60)};
    c.by = top.text("by", 128).value_or("");
    c.why = top.text("why", 256).value_or("");
    const auto ack = top.text("ack", 16).value_or("fails");
    if (ack != "fails" && ack != "each") refuse(Code::bad_schema, "ack", "must be fails or each");
    c.each = ack == "each";
    if (const auto* target = object_of(top, "target")) {
        c.target = parse_target(*target);
    } else if (wants_target(c.op)) {
        refuse(Code::bad_schema, "target", "is missing");
    }
    if (c.op == Op::feeder_set && c.target.kind != site::Target::Kind::feeders &&
        c.target.kind != site::Target::Kind::all)
        refuse(Code::unknown_target, "target", "must be feeders or all for feeder.set");
    if (const auto* hold = object_of(top, "hold")) c.hold = parse_hold(*hold);
    const auto* args = object_of(top, "args");
    parse_args(args != nullptr ? *args : js::object{}, c);
}

ParseResult parse_object(const js::object& object) {
    Members top{object, ""};
    ParsedCommand out;
    try {
        const auto id = top.text("id", 64);
        if (!id) refuse(Code::bad_schema, "id", "is missing");
        if (!safe_id(*id)) refuse(Code::bad_schema, "id", "must be 1 to 64 of A-Z a-z 0-9 _ - . :");
        out.command.id = *id;
        parse_body(top, out);
        return out;
    } catch (Refused& refused) {
        refused.rejection.id = out.command.id;
        return std::move(refused.rejection);
    }
}

js::object hold_object(const site::Hold& hold) {
    if (const auto* h = std::get_if<site::HoldFor>(&hold)) return {{"for_s", h->duration.count()}};
    if (const auto* h = std::get_if<site::HoldUntil>(&hold)) return {{"until", site::to_ms(h->end)}};
    if (std::holds_alternative<site::HoldNextSwitch>(hold)) return {{"next_switch", true}};
    return {{"released", true}};
}

js::object args_object(const site::Command& c) {
    switch (c.op) {
        case Op::lamp_set:
            return {{"level_pct", c.level.percent()},
                    {"fade_s", c.fade.count()},
                    {"priority", c.emergency ? "emergency" : "override"},
                    {"energise", c.energise}};
        case Op::feeder_set:
            return {{"on", c.feeder_on}};
        case Op::replay:
            return {{"stream", c.stream}, {"from", c.from}, {"to", c.to}};
        case Op::alarm_ack:
            return {{"alarm_id", c.text}};
        case Op::ledger_ack:
            return {{"n", c.from}, {"hash", c.text}};
        case Op::time_set:
            return {{"ts", c.from}};
        case Op::config_confirm:
            return {{"sha256", c.text}};
        case Op::log_level:
            return {{"level", c.text}};
        default:
            return {};
    }
}

}  // namespace

bool wants_target(Op op) noexcept {
    return op == Op::lamp_set || op == Op::feeder_set || op == Op::release;
}

std::string_view target_key(site::Target::Kind kind) noexcept {
    using Kind = site::Target::Kind;
    return kind == Kind::lamps ? "lamps" : kind == Kind::groups ? "groups" : "feeders";
}

ParseResult parse_command(std::string_view json) {
    if (json.size() > max_command_bytes)
        return Rejection{Code::bad_schema, {}, "is longer than 65536 bytes", {}};
    js::parse_options options;
    options.max_depth = 8;
    boost::system::error_code error;
    try {
        const auto value = js::parse({json.data(), json.size()}, error, {}, options);
        if (error) return Rejection{Code::bad_schema, {}, "is not JSON: " + error.message(), {}};
        if (!value.is_object()) return Rejection{Code::bad_schema, {}, "must be a JSON object", {}};
        return parse_object(value.get_object());
    } catch (const std::exception& e) {  // memory; Boost.JSON's length limits
        return Rejection{Code::bad_schema, {}, e.what(), {}};
    }
}

std::string render_command(const ParsedCommand& parsed) {
    const auto& c = parsed.command;
    js::object target;
    if (c.target.kind == site::Target::Kind::all) {
        target["all"] = true;
    } else {
        const auto key = target_key(c.target.kind);
        target[{key.data(), key.size()}] = js::array(c.target.ids.begin(), c.target.ids.end());
    }
    const js::object out{{"v", 1},
                         {"id", c.id},
                         {"op", std::string{name(c.op)}},
                         {"ts", parsed.ts.time_since_epoch().count()},
                         {"ttl_s", parsed.ttl.count()},
                         {"by", c.by},
                         {"why", c.why},
                         {"target", target},
                         {"args", args_object(c)},
                         {"hold", hold_object(c.hold)},
                         {"ack", c.each ? "each" : "fails"}};
    return js::serialize(out);
}

}  // namespace sl::northbound
