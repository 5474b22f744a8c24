#include "gateway/control/command_tracker.hpp"

#include <algorithm>

namespace sl::control {

using site::Code;

CommandTracker::CommandTracker(std::string id, const site::Plant& plant, const Reconcile& reconcile,
                               std::vector<std::size_t> lamps, std::chrono::seconds fade, site::SiteTime now)
    : id_(std::move(id)), plant_(plant), deadline_(now + command_timeout + fade), open_(lamps.size()) {
    for (const std::size_t lamp : lamps) {
        Item item;
        item.lamp = lamp;
        item.generation = reconcile.progress(lamp).generation;
        items_.push_back(item);
    }
}

void CommandTracker::refuse(std::size_t lamp, Code code) {
    for (Item& item : items_) {
        if (item.lamp != lamp || item.final) continue;
        item.final = true;
        item.code = code;
        --open_;
    }
}

void CommandTracker::look(Item& item, const Progress& progress, bool timed_out) {
    item.attempts = progress.attempts + (progress.settled ? 1 : 0);
    item.confirmed = progress.confirmed;
    item.final = true;
    if (progress.generation != item.generation) {
        item.code = Code::superseded;
    } else if (progress.settled && progress.powered) {
        item.code = Code::ok;
    } else if (!progress.powered) {
        item.code = Code::no_power;
        item.final = timed_out;  // its feeder may be on the way up
    } else if (progress.attempts >= command_attempts || timed_out) {
        item.code = progress.code == Code::ok ? Code::no_reply : progress.code;
    } else {
        item.final = false;
    }
    if (item.final) --open_;
}

bool CommandTracker::step(const Reconcile& reconcile, site::SiteTime now) {
    for (Item& item : items_) {
        if (!item.final) look(item, reconcile.progress(item.lamp), now >= deadline_);
    }
    return done();
}

site::Outcome CommandTracker::outcome() const {
    site::Outcome outcome;
    outcome.confirmed = 2;
    bool any = false;
    for (const Item& item : items_) {
        outcome.lamps.push_back({plant_.lamps[item.lamp].id, item.code, item.attempts});
        if (item.code == Code::ok) {
            any = true;
            outcome.confirmed = std::min(outcome.confirmed, item.confirmed);
        } else if (outcome.code == Code::ok) {
            outcome.code = item.code;
        }
    }
    if (!any) outcome.confirmed = 0;
    return outcome;
}

}  // namespace sl::control
