#include "gateway/northbound/commands.hpp"

#include "gateway/json/writer.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

namespace sl::northbound {
namespace {

using site::Code;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds site_spread{30'000};  // answers of a whole site to one command
constexpr seconds progress_every{10};
constexpr int audits_per_second = 10;

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

std::string from_hex(std::string_view hex) {
    const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += static_cast<char>((digit(hex[i]) * 16 + digit(hex[i + 1])) & 0xFF);
    return out;
}

std::string explain(const Rejection& r) {
    return r.path.empty() ? r.message : r.path + " " + r.message;
}

std::string text_of(const boost::json::object& object, const char* key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    const auto& text = value->get_string();
    return {text.data(), text.size()};
}

}  // namespace

CommandGate::CommandGate(const site::Config& config, site::Outbox& outbox, Topics topics, Reactor& reactor,
                         Random random, GateHooks hooks)
    : config_(config),
      outbox_(outbox),
      topics_(std::move(topics)),
      reactor_(reactor),
      random_(std::move(random)),
      hooks_(std::move(hooks)) {}

CommandGate::~CommandGate() {
    *alive_ = false;
}

bool CommandGate::may_answer(const Incoming& message) const {
    return message.response_topic.empty() || topics_.may_reply_to(message.response_topic);
}

CommandGate::Verdict CommandGate::judge(const Incoming& message, const Topics::CommandTopic& where) const {
    auto result = parse_command(message.payload);
    Verdict v;
    if (auto* bad = std::get_if<Rejection>(&result)) {
        v.rejection = std::move(*bad);
        if (message.retain) v.rejection->code = Code::retained_refused;
        return v;
    }
    v.parsed = std::get<ParsedCommand>(std::move(result));
    auto& c = v.parsed.command;
    const auto stamp = hooks_.stamp();
    c.principal = where.principal;
    c.via = "mqtt";
    c.received_at = stamp.ts;
    const auto& principals = config_.mqtt.principals;
    const auto it = std::find_if(principals.begin(), principals.end(),
                                 [&](const auto& p) { return p.id == where.principal; });
    const auto* principal = it == principals.end() ? nullptr : &*it;
    const auto no = [&](Code code, const char* path, const char* why) {
        v.rejection = Rejection{code, path, why, c.id};
    };
    if (message.retain) {
        no(Code::retained_refused, "", "a retained command is never carried out");
    } else if (!may_answer(message)) {
        no(Code::not_permitted, "response topic", "must lie below the site's _reply");
    } else {
        v.rejection = check_rights(c, principal, config_, hooks_.matches, stamp.ts);
    }
    return v;
}

void CommandGate::receive(const Incoming& message, const Topics::CommandTopic& where) {
    auto [rejection, parsed] = judge(message, where);
    if (rejection) return reject(message, where, *rejection, parsed);
    const auto& c = parsed.command;
    if (answer_repeat(message, c.id)) return;
    const Present now{hooks_.wall(), trusted(hooks_.stamp().tq), config_.mqtt.version};
    rejection = check_time(parsed, now);
    if (!rejection) rejection = check_target(c, config_);
    const auto& can = hooks_.executable;
    if (!rejection && std::find(can.begin(), can.end(), c.op) == can.end())
        rejection =
            Rejection{Code::unknown_op, "op", std::string{name(c.op)} + " is not supported yet", c.id};
    if (!rejection && running_.size() >= max_running)
        rejection = Rejection{Code::busy, "", "32 commands are under way", c.id};
    if (rejection) return reject(message, where, *rejection, parsed);
    accept(message, where, std::move(parsed));
}

// A rejection is not remembered: the same id may come again, corrected.
void CommandGate::reject(const Incoming& message, const Topics::CommandTopic& where,
                         const Rejection& rejection, const ParsedCommand& parsed) {
    site::Outcome outcome;
    outcome.code = rejection.code;
    outcome.text = explain(rejection);
    const bool answer = may_answer(message);
    reply(done_body(rejection.id, outcome, milliseconds{0}, false), answer ? message.response_topic : "",
          answer ? message.correlation : "");
    const auto& c = parsed.command;
    Audit entry{where.principal, c.by, c.why, "mqtt", rejection.id, {}, rejection.code, outcome.text};
    entry.action = c.id.empty() ? "unreadable" : std::string{name(c.op)};
    audit(std::move(entry));
}

bool CommandGate::answer_repeat(const Incoming& message, const std::string& id) {
    const auto* known = outbox_.find_command(id);
    if (known == nullptr) return running_.contains(id);
    auto body = known->done_body.empty() ? known->accepted_body : known->done_body;
    if (!body.empty()) reply(duplicate_of(std::move(body)), message.response_topic, message.correlation);
    return true;
}

void CommandGate::accept(const Incoming& message, const Topics::CommandTopic& where, ParsedCommand parsed) {
    const auto id = parsed.command.id;
    site::Outbox::CommandRecord record;
    record.id = id;
    record.received = hooks_.wall();
    if (!where.to_site) record.accepted_body = accepted_body(id, false);
    json::Writer w{record.request};
    w.begin_object().member("principal", where.principal).member("site", where.to_site);
    w.member("response_topic", message.response_topic).member("correlation", to_hex(message.correlation));
    w.key("command").raw(render_command(parsed)).end_object();
    Running running;
    running.command = std::move(parsed.command);
    running.response_topic = message.response_topic;
    running.correlation = message.correlation;
    running.to_site = where.to_site;
    running.received = running.progressed = reactor_.now();
    running_.emplace(id, std::move(running));
    outbox_.store_command(std::move(record), [this, alive = alive_, id](bool durable) {
        if (*alive) begin(id, durable);
    });
}

// Committed: say so, then act, in this order.
void CommandGate::begin(const std::string& id, bool durable) {
    const auto it = running_.find(id);
    if (it == running_.end() || std::exchange(it->second.accepted, true)) return;
    const auto& r = it->second;
    if (!r.to_site) reply(accepted_body(id, !durable), r.response_topic, r.correlation);
    const auto command = r.command;
    hooks_.execute(command, ticket(id));
}

Ticket CommandGate::ticket(const std::string& id) {
    Ticket t;
    t.done = [this, alive = alive_, id](const site::Outcome& outcome) {
        if (*alive) finish(id, outcome);
    };
    t.progress = [this, alive = alive_, id](int n, int ok) {
        if (*alive) progress(id, n, ok);
    };
    return t;
}

void CommandGate::progress(const std::string& id, int n, int ok) {
    const auto it = running_.find(id);
    if (it == running_.end() || it->second.to_site) return;
    auto& r = it->second;
    if (reactor_.now() - r.progressed < progress_every) return;
    r.progressed = reactor_.now();
    reply(progress_body(id, n, ok), r.response_topic, r.correlation);
}

void CommandGate::finish(const std::string& id, const site::Outcome& outcome) {
    const auto it = running_.find(id);
    if (it == running_.end()) return;  // done already
    const auto r = std::move(it->second);
    running_.erase(it);
    const auto took = std::chrono::duration_cast<milliseconds>(reactor_.now() - r.received);
    auto body = done_body(id, outcome, took, r.command.each);
    outbox_.finish_command(id, body);
    const auto& c = r.command;
    audit(Audit{c.principal, c.by, c.why, c.via, id, std::string{name(c.op)}, outcome.code, outcome.text});
    if (!r.to_site) return reply(std::move(body), r.response_topic, r.correlation);
    const auto delay =
        milliseconds{static_cast<milliseconds::rep>(static_cast<double>(site_spread.count()) * random_())};
    reactor_.after(delay, [this, alive = alive_, body = std::move(body), to = r.response_topic,
                           correlation = r.correlation] {
        if (*alive) reply(body, to, correlation);
    });
}

void CommandGate::resume() {
    for (const auto& record : outbox_.unfinished_commands()) {
        boost::system::error_code error;
        const auto value = boost::json::parse(record.request, error);
        Running running;
        running.command.id = record.id;
        running.accepted = true;
        running.received = running.progressed = reactor_.now();
        const auto* object = error ? nullptr : value.if_object();
        const auto* stored = object == nullptr ? nullptr : object->if_contains("command");
        bool readable = false;
        if (stored != nullptr) {
            auto parsed = parse_command(boost::json::serialize(*stored));
            if (auto* good = std::get_if<ParsedCommand>(&parsed)) {
                readable = true;
                running.command = std::move(good->command);
                running.command.principal = text_of(*object, "principal");
                running.command.via = "mqtt";
                running.response_topic = text_of(*object, "response_topic");
                running.correlation = from_hex(text_of(*object, "correlation"));
                const auto* site = object->if_contains("site");
                running.to_site = site != nullptr && site->is_bool() && site->get_bool();
            }
        }
        const auto command = running.command;
        // Nobody knows whether it was still said that the command is accepted. Twice is once: the key is (id,
        // phase).
        if (!running.to_site && !record.accepted_body.empty())
            reply(record.accepted_body, running.response_topic, running.correlation);
        running_.emplace(record.id, std::move(running));
        if (readable && hooks_.resume) {
            hooks_.resume(command, ticket(record.id));
        } else {
            site::Outcome outcome;
            outcome.code = Code::interrupted;
            outcome.text = "the gateway was restarted";
            finish(record.id, outcome);
        }
    }
}

void CommandGate::audit(Audit entry) {
    const auto now = reactor_.now();
    if (now - audit_second_ >= seconds{1}) {
        audit_second_ = now;
        audits_ = 0;
    }
    if (++audits_ > audits_per_second) {
        ++unaudited_;
        return;
    }
    if (unaudited_ > 0)
        entry.text += " (and " + std::to_string(std::exchange(unaudited_, 0)) + " more before)";
    append(site::Stream::event, audit_body(entry), {}, {});
}

void CommandGate::reply(std::string body, const std::string& response_topic, const std::string& correlation) {
    append(site::Stream::reply, std::move(body), response_topic, correlation);
}

void CommandGate::append(site::Stream stream, std::string body, const std::string& response_topic,
                         const std::string& correlation) {
    const auto stamp = hooks_.stamp();
    site::Record record;
    record.stream = stream;
    record.boot = outbox_.identity().boot;
    record.ts = stamp.ts;
    record.tq = stamp.tq;
    record.up_ms = stamp.up_ms;
    record.meta_rev = stamp.meta_rev;
    record.body = std::move(body);
    record.response_topic = response_topic;
    record.correlation = correlation;
    outbox_.append(std::move(record), site::Urgency::now);
}

}  // namespace sl::northbound
