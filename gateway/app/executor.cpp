#include "gateway/app/executor.hpp"

#include "gateway/schedule/selector.hpp"

#include <algorithm>
#include <utility>

namespace sl::app {

using site::Code;
using site::Command;
using site::Op;
using site::Outcome;
using site::Target;

namespace {

bool listed(const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Outcome plain(Code code, std::string text = {}) {
    Outcome outcome;
    outcome.code = code;
    outcome.text = std::move(text);
    return outcome;
}

}  // namespace

Executor::Executor(const site::Config& config, Lighting& lighting, ExecutorHooks hooks)
    : config_(config), lighting_(lighting), hooks_(std::move(hooks)) {}

std::vector<Op> Executor::executable() {
    return {Op::lamp_set, Op::feeder_set, Op::release,   Op::sync,
            Op::read,     Op::replay,     Op::alarm_ack, Op::log_level};
}

bool Executor::matches(const site::Selector& selector, const site::Lamp& lamp) const {
    return schedule::selects(selector, lamp);
}

std::vector<std::size_t> Executor::lamps_of(const Target& target) const {
    const auto in_group = [&](const site::Lamp& lamp) {
        return std::any_of(config_.groups.begin(), config_.groups.end(), [&](const site::Group& group) {
            return listed(target.ids, group.id) && matches(group.select, lamp);
        });
    };
    std::vector<std::size_t> lamps;
    for (std::size_t i = 0; i < config_.plant.lamps.size(); ++i) {
        const site::Lamp& lamp = config_.plant.lamps[i];
        bool meant = false;
        switch (target.kind) {
            case Target::Kind::all:
                meant = true;
                break;
            case Target::Kind::lamps:
                meant = listed(target.ids, lamp.id);
                break;
            case Target::Kind::feeders:
                meant = listed(target.ids, lamp.feeder);
                break;
            case Target::Kind::groups:
                meant = in_group(lamp);
                break;
        }
        if (meant) lamps.push_back(i);
    }
    return lamps;
}

std::vector<std::size_t> Executor::feeders_of(const Target& target) const {
    std::vector<std::size_t> feeders;
    for (std::size_t f = 0; f < config_.plant.feeders.size(); ++f) {
        const bool named =
            target.kind == Target::Kind::feeders && listed(target.ids, config_.plant.feeders[f].id);
        if (named || target.kind == Target::Kind::all) feeders.push_back(f);
    }
    return feeders;
}

schedule::OverrideRequest Executor::request_of(const Command& command) const {
    schedule::OverrideRequest request;
    request.lamps = lamps_of(command.target);
    request.level = command.level;
    request.fade = command.fade;
    request.layer = command.emergency ? site::Source::emergency : site::Source::override_;
    request.hold = command.hold;
    request.command = command.id;
    request.principal = command.principal;
    return request;
}

void Executor::set_levels(const Command& command, const northbound::Ticket& ticket) {
    const schedule::OverrideRequest request = request_of(command);
    if (request.lamps.empty()) return ticket.done(plain(Code::unknown_target, "the target means no lamp"));
    lighting_.set_levels(request, command.energise, ticket.done);
    hooks_.keep();
}

void Executor::resume_levels(const Command& command, const northbound::Ticket& ticket) {
    lighting_.resume(request_of(command), ticket.done);
    hooks_.keep();
}

// A hold that keeps a feeder off stays until somebody releases it by name (lighting-safety rule 2).
void Executor::hold_feeders(const Command& command, const northbound::Ticket& ticket) {
    const std::vector<std::size_t> feeders = feeders_of(command.target);
    if (feeders.empty()) return ticket.done(plain(Code::unknown_target, "feeder.set wants feeders or all"));
    const bool manual =
        std::any_of(feeders.begin(), feeders.end(), [&](std::size_t f) { return lighting_.manual(f); });
    if (manual) return ticket.done(plain(Code::local_lockout, "the selector stands at MANUAL"));
    lighting_.hold_feeders(feeders, command.feeder_on, command.hold, command.id, command.principal);
    hooks_.keep();
    ticket.done(plain(Code::ok, "remote off is not isolation"));
}

void Executor::release(const Command& command, const northbound::Ticket& ticket) {
    // A hold that keeps a feeder off protects somebody: "all" does not lift it, its name has to be said.
    std::vector<std::size_t> feeders = feeders_of(command.target);
    if (command.target.kind == Target::Kind::all) {
        std::erase_if(feeders, [&](std::size_t f) { return lighting_.arbitration().held_off(f); });
    }
    if (!feeders.empty()) (void)lighting_.release_feeders(feeders);
    std::vector<std::size_t> lamps = lamps_of(command.target);
    if (lamps.empty() && feeders.empty())
        return ticket.done(plain(Code::unknown_target, "the target means nothing"));
    lighting_.release(std::move(lamps), command.id, ticket.done);
    hooks_.keep();
}

void Executor::replay(const Command& command, const northbound::Ticket& ticket) {
    const auto stream = site::stream_from(command.stream);
    if (!stream || !hooks_.replay) return ticket.done(plain(Code::bad_schema, "args.stream: no such stream"));
    const std::int64_t last = hooks_.next_seq(*stream) - 1;
    const site::SeqRange range{command.from, std::min(command.to, last)};
    if (range.from > range.to) return ticket.done(plain(Code::out_of_range, "no such records yet"));
    hooks_.replay(*stream, range, [done = ticket.done, range](std::size_t records) {
        const auto wanted = static_cast<std::size_t>(range.to - range.from + 1);
        done(plain(Code::ok,
                   std::to_string(records) + " of " + std::to_string(wanted) + " records are still kept"));
    });
}

void Executor::execute(const Command& command, northbound::Ticket ticket) {
    switch (command.op) {
        case Op::lamp_set:
            return set_levels(command, ticket);
        case Op::feeder_set:
            return hold_feeders(command, ticket);
        case Op::release:
            return release(command, ticket);
        case Op::replay:
            return replay(command, ticket);
        case Op::read: {
            std::vector<std::size_t> lamps = lamps_of(command.target);
            if (lamps.empty()) return ticket.done(plain(Code::unknown_target, "the target means no lamp"));
            return lighting_.read(std::move(lamps), ticket.done);
        }
        case Op::sync:
            hooks_.snapshot(command.id);
            return ticket.done(plain(Code::ok));
        case Op::alarm_ack: {
            const bool known = hooks_.acknowledge(command.text, command.principal);
            return ticket.done(known ? plain(Code::ok) : plain(Code::unknown_target, "no such open alarm"));
        }
        case Op::log_level: {
            const bool known = hooks_.set_log_level(command.text);
            return ticket.done(known ? plain(Code::ok)
                                     : plain(Code::out_of_range, "debug, info, warning or error"));
        }
        default:
            ticket.done(plain(Code::unknown_op));
            return;
    }
}

void Executor::resume(const Command& command, northbound::Ticket ticket) {
    if (command.op == Op::lamp_set) return resume_levels(command, ticket);
    if (command.op == Op::release) return release(command, ticket);  // twice is once
    ticket.done(plain(Code::interrupted, "the gateway restarted while this was under way; send it again"));
}

}  // namespace sl::app
