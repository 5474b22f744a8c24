// Lighting, second half: what is asked of it, and the coroutines that carry actions to the field.
#include "gateway/app/field_parts.hpp"
#include "gateway/app/lighting.hpp"
#include "gateway/site/log.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

namespace sl::app {

using boost::asio::awaitable;
using site::Code;
using std::chrono::milliseconds;

namespace {

// Longer than any contactor takes to move and its auxiliary contact to follow.
constexpr milliseconds contactor_settles{300};
// A silent module must not take the line from the lamps on it: the pause grows.
constexpr milliseconds relay_retry{1'000}, relay_retry_longest{8'000};
// Longer than any write and its read-back on a busy line.
constexpr std::chrono::seconds relay_overdue{20};

Code code_of(const boost::system::error_code& error) {
    switch (static_cast<wire::Errc>(error.value())) {
        case wire::Errc::busy:
        case wire::Errc::unsupported:
        case wire::Errc::no_such_point:
        case wire::Errc::bad_value:
        case wire::Errc::not_permitted:
        case wire::Errc::device_failure:
        case wire::Errc::bad_request:
            return Code::nak;
        default:
            return Code::no_reply;
    }
}

}  // namespace

void Lighting::kick(std::size_t line) {
    if (pumps_[line] >= 2 || stopping_) return;
    ++pumps_[line];
    boost::asio::co_spawn(executor_, pump(line), log_failure("line"));
}

awaitable<void> Lighting::pump(std::size_t line) {
    while (!stopping_) {
        const auto next = reconcile_.next_action(line, hooks_.pace());
        if (!next) break;
        control::Action action = *next;
        co_await execute(std::move(action));
        step_trackers();
    }
    --pumps_[line];
}

Priority Lighting::priority_of(const control::Action& action) const {
    if (action.kind == control::Action::Kind::read) return Priority::reread;
    const bool asked = std::any_of(action.lamps.begin(), action.lamps.end(), [this](std::size_t lamp) {
        return wanted_[lamp].source == site::Source::override_ ||
               wanted_[lamp].source == site::Source::emergency;
    });
    return asked ? Priority::command : Priority::schedule;
}

awaitable<void> Lighting::execute(control::Action action) {
    const std::size_t first = action.lamps.front();
    const Priority priority = priority_of(action);
    control::ActionResult result;
    if (action.kind == control::Action::Kind::read) {
        const bool answered = co_await field_.read_lamp(first, priority);
        const site::LampState& state = state_.lamps[first];
        const site::Value& level = state[site::Quantity::level_pct];
        const site::Value& power = state[site::Quantity::power_w];
        if (!answered) result.code = Code::no_reply;
        if (answered && level.ok()) result.level_pct = level.value;
        if (answered && power.ok()) result.power_w = power.value;
    } else {
        wire::Result<void> written;
        if (action.kind == control::Action::Kind::broadcast) {
            written = co_await field_.broadcast_level(first, action.level, priority);
        } else {
            written = co_await field_.write_level(first, action.level, priority);
        }
        if (written.has_error()) result.code = code_of(written.error());
    }
    reconcile_.report(action, {&result, 1}, hooks_.pace());
    for (const std::size_t lamp : action.lamps)
        refresh(lamp);
}

awaitable<void> Lighting::write_relay(std::size_t contactor) {
    Relay& relay = relays_[contactor];
    milliseconds pause = relay_retry;
    while (relay.pending && !stopping_) {
        const bool closed = *relay.pending;
        const wire::Result<void> written = co_await field_.write_output(contactor, closed);
        if (written.has_error()) {
            co_await field_.wait(pause);
            pause = std::min(2 * pause, relay_retry_longest);
            continue;
        }
        state_.contactors[contactor].commanded = closed;
        co_await field_.wait(contactor_settles);
        const site::SiteTime asked = hooks_.clock().now;
        bool read = co_await field_.read_contactor(contactor);
        read = read ||
               state_.contactors[contactor].reported_at >= asked;  // only the auxiliary's module is silent
        if (relay.pending != closed) continue;                     // overtaken while we were busy
        if (!read) {
            co_await field_.wait(pause);
            pause = std::min(2 * pause, relay_retry_longest);
            continue;  // a write nobody has seen the result of is not believed
        }
        relay.valid_from = asked;
        relay.pending.reset();
    }
    relay.writing = false;
    tick();
}

// Evidence that a contactor cannot be worked at all; empty while it can.
std::string Lighting::relay_trouble(std::size_t contactor) const {
    const Relay& relay = relays_[contactor];
    if (!relay.pending || hooks_.pace() - relay.pending_since < relay_overdue) return {};
    return fmt::format("commanded {}, its module does not confirm it", *relay.pending ? "closed" : "open");
}

awaitable<void> Lighting::read_registers(std::vector<std::size_t> feeders) {
    for (const std::size_t feeder : feeders) {
        const std::string& id = config_.plant.feeders[feeder].meter;
        for (std::size_t m = 0; m < config_.plant.meters.size(); ++m) {
            if (config_.plant.meters[m].id != id) continue;
            (void)co_await field_.read_meter(m, Priority::schedule);
        }
        registers_read_[feeder] = true;
    }
}

void Lighting::set_levels(const schedule::OverrideRequest& request, bool energise, Done done) {
    const site::SiteTime now = hooks_.clock().now;
    schedule::OverrideRequest accepted = request;
    accepted.lamps.clear();
    std::vector<std::pair<std::size_t, Code>> refused;
    for (const std::size_t lamp : request.lamps) {
        const auto feeder = arbitration_.feeder_of(lamp);
        const bool held_off = feeder && arbitration_.held_off(*feeder);
        if (feeder && manual_[*feeder]) {
            refused.emplace_back(lamp, Code::local_lockout);
        } else if (held_off || (feeder && !energise && known_dead(*feeder))) {
            refused.emplace_back(lamp, Code::no_power);
        } else {
            accepted.lamps.push_back(lamp);
        }
    }
    const auto next_switch = [this](std::size_t lamp, site::SiteTime t) {
        return planner_.next_switch(lamp, t);
    };
    (void)arbitration_.set(accepted, now, next_switch);
    decide(hooks_.clock());
    track(request.command, request.lamps, request.fade, refused, std::move(done));
    tick();
}

void Lighting::track(const std::string& command, const std::vector<std::size_t>& lamps,
                     std::chrono::seconds fade, const std::vector<std::pair<std::size_t, Code>>& refused,
                     Done done) {
    control::CommandTracker tracker(command, config_.plant, reconcile_, lamps, fade, hooks_.pace());
    for (const auto& [lamp, code] : refused)
        tracker.refuse(lamp, code);
    auto tracked = std::make_unique<Tracked>(Tracked{std::move(tracker), std::move(done)});
    trackers_.push_back(std::move(tracked));
}

void Lighting::release(std::vector<std::size_t> lamps, const std::string& command, Done done) {
    (void)arbitration_.release(lamps);
    decide(hooks_.clock());
    // Where there is no power there is nothing to bring about: the release itself is done.
    std::erase_if(lamps, [this](std::size_t lamp) { return !state_.lamps[lamp].powered; });
    track(command, lamps, std::chrono::seconds{0}, {}, std::move(done));
    tick();
}

void Lighting::hold_feeders(const std::vector<std::size_t>& feeders, bool on, const site::Hold& hold,
                            const std::string& command, const std::string& principal) {
    const site::SiteTime now = hooks_.clock().now;
    for (const std::size_t feeder : feeders)
        arbitration_.hold_feeder(feeder, on, hold, command, principal, now);
    tick();
}

bool Lighting::release_feeders(const std::vector<std::size_t>& feeders) {
    bool any = false;
    for (const std::size_t feeder : feeders)
        any = arbitration_.release_feeder(feeder) || any;
    tick();
    return any;
}

void Lighting::read(std::vector<std::size_t> lamps, Done done) {
    boost::asio::co_spawn(executor_, read_all(std::move(lamps), std::move(done)), log_failure("read"));
}

// Accepted before a restart. What is not in force any more was not yet on disk: it is asked for again. The
// lamps are read first, as after every restart, so one that burns as wanted already hears nothing.
void Lighting::resume(const schedule::OverrideRequest& request, Done done) {
    decide(hooks_.clock());
    schedule::OverrideRequest forgotten = request;
    std::erase_if(forgotten.lamps, [&](std::size_t lamp) { return wanted_[lamp].ref == request.command; });
    const auto next_switch = [this](std::size_t lamp, site::SiteTime t) {
        return planner_.next_switch(lamp, t);
    };
    if (!forgotten.lamps.empty()) (void)arbitration_.set(forgotten, hooks_.clock().now, next_switch);
    decide(hooks_.clock());
    track(request.command, request.lamps, request.fade, {}, std::move(done));
    tick();
}

// A lamp whose controller starts up, or whose contactor nobody has read yet, is not a lamp without power.
bool Lighting::known_dead(std::size_t feeder) const {
    const site::Feeder& plant = config_.plant.feeders[feeder];
    if (state_.feeders[feeder].energised) return false;
    for (std::size_t c = 0; c < config_.plant.contactors.size(); ++c) {
        const site::ContactorState& state = state_.contactors[c];
        if (config_.plant.contactors[c].id != plant.contactor) continue;
        // Straight from the module: `energised` follows with the next tick only.
        return state.aux ? !*state.aux : state.reported && !*state.reported;
    }
    return true;
}

awaitable<void> Lighting::read_all(std::vector<std::size_t> lamps, Done done) {
    site::Outcome outcome;
    for (const std::size_t lamp : lamps) {
        site::LampResult result;
        result.id = config_.plant.lamps[lamp].id;
        result.attempts = 1;
        if (!state_.lamps[lamp].powered) {
            result.code = Code::no_power;
        } else {
            const bool answered = co_await field_.read_lamp(lamp, Priority::command);
            if (stopping_) co_return;  // not the lamp's silence; the next start answers the command
            if (!answered) result.code = Code::no_reply;
        }
        if (result.code != Code::ok && outcome.code == Code::ok) outcome.code = result.code;
        outcome.lamps.push_back(std::move(result));
    }
    outcome.confirmed = 2;
    done(std::move(outcome));
}

}  // namespace sl::app
