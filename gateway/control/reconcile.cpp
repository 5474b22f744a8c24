#include "gateway/control/reconcile.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace sl::control {
namespace {

using site::Code;
using site::Quantity;
using site::SiteTime;

std::chrono::seconds backoff(int attempts) {
    const int doublings = std::clamp(attempts - 1, 0, 16);
    return std::min(retry_longest, retry_first * (1 << doublings));
}

bool has_point(const site::DeviceModel& model, Quantity quantity, std::uint8_t head, bool write) {
    return std::any_of(model.points.begin(), model.points.end(), [&](const site::Point& p) {
        return p.quantity == quantity && (p.head == 0 || p.head == head) && (!write || p.writable);
    });
}

std::string protocol_of(const site::Config& config, const std::string& own, const std::string& model_id) {
    if (!own.empty()) return own;
    const auto model = config.models.find(model_id);
    return model == config.models.end() ? std::string{} : model->second.protocol;
}

// Whether a broadcast in this lamp's protocol would reach a device of another model on the same line. Such a
// device might take the frame for something else, a relay module for instance.
bool strangers(const site::Config& config, const site::Lamp& lamp) {
    const std::string protocol = protocol_of(config, lamp.protocol, lamp.model);
    const auto strange = [&](const auto& device) {
        return device.line == lamp.line && device.model != lamp.model &&
               protocol_of(config, device.protocol, device.model) == protocol;
    };
    const site::Plant& plant = config.plant;
    return std::any_of(plant.lamps.begin(), plant.lamps.end(), strange) ||
           std::any_of(plant.meters.begin(), plant.meters.end(), strange) ||
           std::any_of(plant.modules.begin(), plant.modules.end(), strange);
}

}  // namespace

Reconcile::Reconcile(const site::Config& config)
    : config_(config),
      items_(config.plant.lamps.size()),
      routes_(config.plant.lamps.size()),
      by_line_(config.plant.lines.size()),
      writing_(config.plant.lines.size(), false),
      reading_(config.plant.lines.size(), false),
      turn_(config.plant.lines.size(), 0) {
    build_groups();
}

void Reconcile::build_groups() {
    const site::Plant& plant = config_.plant;
    // A group is a line, a model and, where the group point belongs to one head, that head.
    std::map<std::tuple<std::string, std::string, int>, int> known;
    std::map<std::pair<std::string, std::string>, bool> alone;
    for (std::size_t i = 0; i < plant.lamps.size(); ++i) {
        const site::Lamp& lamp = plant.lamps[i];
        const auto line = std::find_if(plant.lines.begin(), plant.lines.end(),
                                       [&lamp](const site::Line& l) { return l.id == lamp.line; });
        if (line == plant.lines.end()) continue;
        routes_[i].line = static_cast<std::size_t>(line - plant.lines.begin());
        by_line_[*routes_[i].line].push_back(i);
        const auto model = config_.models.find(lamp.model);
        if (model == config_.models.end()) continue;
        routes_[i].readable = has_point(model->second, Quantity::level_pct, lamp.head, false);
        if (!model->second.broadcast) continue;
        if (!has_point(model->second, Quantity::group_level_pct, lamp.head, true)) continue;
        const auto [it, fresh] = alone.try_emplace({lamp.line, lamp.model}, false);
        if (fresh) it->second = !strangers(config_, lamp);
        if (!it->second) continue;
        const bool whole = has_point(model->second, Quantity::group_level_pct, 0, true);
        const auto [group, added] = known.try_emplace({lamp.line, lamp.model, whole ? 0 : lamp.head},
                                                      static_cast<int>(groups_.size()));
        if (added) groups_.emplace_back();
        routes_[i].group = group->second;
        groups_[static_cast<std::size_t>(group->second)].push_back(i);
    }
}

void Reconcile::want(std::size_t lamp, site::Level level, std::chrono::seconds fade, SiteTime now,
                     bool urgent) {
    Item& item = items_.at(lamp);
    item.urgent = urgent;
    if (item.wanted == level) return;
    item.wanted = level;
    item.fade = fade;
    ++item.generation;
    item.attempts = 0;
    item.code = Code::ok;
    item.due = now;
    if (item.phase != Phase::unknown)
        item.phase = item.phase == Phase::idle ? Phase::unknown : Phase::pending;
}

void Reconcile::set_powered(std::size_t lamp, bool powered, bool fresh, SiteTime now) {
    Item& item = items_.at(lamp);
    if (item.powered == powered) return;
    item.powered = powered;
    item.attempts = 0;
    item.due = now;
    item.code = powered ? Code::ok : Code::no_power;
    item.confirmed = 0;
    if (item.wanted) item.phase = powered && fresh ? Phase::pending : Phase::unknown;
}

void Reconcile::returned(std::size_t lamp, SiteTime now) {
    Item& item = items_.at(lamp);
    if (item.attempts == 0 || item.code != Code::no_reply) return;
    item.attempts = 0;
    item.due = std::min(item.due, now);
}

bool Reconcile::matches(const Item& item, double level_pct) const noexcept {
    const int wanted = item.wanted->percent();
    if ((wanted == 0) != (level_pct < 0.5)) return false;
    return std::fabs(level_pct - wanted) <= level_tolerance;
}

void Reconcile::reported(std::size_t lamp, double level_pct, std::optional<double> power_w, SiteTime at) {
    Item& item = items_.at(lamp);
    if (!item.wanted || !item.powered || at < item.settled_at) return;
    if (matches(item, level_pct)) {
        item.phase = Phase::verified;
        item.code = Code::ok;
        const bool dark = item.wanted->is_on() && power_w && *power_w <= 0.0;
        item.confirmed = dark ? 1 : 2;
        return;
    }
    if (item.phase == Phase::sent) {
        fail(item, Phase::pending, Code::readback_mismatch, at);
    } else if (item.phase != Phase::pending) {
        // Found otherwise at start, or changed by someone else.
        item.phase = Phase::pending;
        item.confirmed = 0;
        item.due = at;
    }
}

void Reconcile::fail(Item& item, Phase next, Code code, SiteTime now) {
    ++item.attempts;
    item.code = code;
    item.phase = next;
    item.due = now + backoff(item.attempts);
}

// One broadcast where every powered lamp that it reaches wants the same level and at least two of them have
// yet to be told. Lamps that failed once are then told one by one.
std::optional<Action> Reconcile::group_action(std::size_t line, SiteTime now) const {
    for (const std::vector<std::size_t>& group : groups_) {
        if (routes_[group.front()].line != line) continue;
        Action action;
        int first_time = 0;
        bool same = true;
        for (const std::size_t lamp : group) {
            const Item& item = items_[lamp];
            if (!item.powered) continue;
            if (!item.wanted || (!action.lamps.empty() && *item.wanted != action.level)) same = false;
            if (!same) break;
            action.level = *item.wanted;
            action.fade = std::max(action.fade, item.fade);
            action.lamps.push_back(lamp);
            if (item.phase == Phase::pending && item.attempts == 0 && item.due <= now) ++first_time;
        }
        if (!same || first_time < 2) continue;
        action.kind = Action::Kind::broadcast;
        action.line = line;
        return action;
    }
    return std::nullopt;
}

std::optional<Action> Reconcile::single(std::size_t line, Phase phase, Action::Kind kind, SiteTime now,
                                        bool urgent_only) const {
    const std::vector<std::size_t>& lamps = by_line_[line];
    for (std::size_t i = 0; i < lamps.size(); ++i) {
        const std::size_t lamp = lamps[(turn_[line] + i) % lamps.size()];
        const Item& item = items_[lamp];
        if (item.phase != phase || !item.powered || !item.wanted || item.due > now) continue;
        if (urgent_only && !item.urgent) continue;
        Action action;
        action.kind = kind;
        action.line = line;
        action.lamps = {lamp};
        action.level = *item.wanted;
        action.fade = item.fade;
        return action;
    }
    return std::nullopt;
}

// A clock stepped back must not keep lamps waiting for hours that were taken back.
void Reconcile::rebase(SiteTime now) {
    if (now < last_now_) {
        for (Item& item : items_) {
            item.due = std::min(item.due, now);
            item.settled_at = std::min(item.settled_at, now);
        }
    }
    last_now_ = now;
}

std::optional<Action> Reconcile::next_action(std::size_t line, SiteTime now) {
    rebase(now);
    if (writing_.at(line)) return std::nullopt;
    std::optional<Action> action;
    if (reading_.at(line)) {
        action = single(line, Phase::pending, Action::Kind::write, now, true);
    } else {
        action = group_action(line, now);
        if (!action) action = single(line, Phase::pending, Action::Kind::write, now, true);
        if (!action) action = single(line, Phase::pending, Action::Kind::write, now);
        if (!action) action = single(line, Phase::unknown, Action::Kind::read, now);
        if (!action) action = single(line, Phase::sent, Action::Kind::read, now);
    }
    if (!action) return std::nullopt;
    action->id = next_id_++;
    (action->kind == Action::Kind::read ? reading_ : writing_)[line] = true;
    std::vector<std::uint32_t>& generations = in_flight_[action->id];
    for (const std::size_t lamp : action->lamps)
        generations.push_back(items_[lamp].generation);
    if (action->kind != Action::Kind::broadcast) {
        const auto& lamps = by_line_[line];
        const auto at = std::find(lamps.begin(), lamps.end(), action->lamps.front());
        turn_[line] = static_cast<std::size_t>(at - lamps.begin()) + 1;
    }
    return action;
}

void Reconcile::sent(std::size_t lamp, const Action& action, SiteTime now) {
    Item& item = items_[lamp];
    const bool acknowledged = action.kind == Action::Kind::write;
    item.confirmed = acknowledged ? 1 : 0;
    item.settled_at = now + action.fade + settle_time;
    item.due = item.settled_at;
    // A model that cannot be read back ends here.
    item.phase = routes_[lamp].readable ? Phase::sent : Phase::verified;
}

void Reconcile::report(const Action& action, std::span<const ActionResult> results, SiteTime now) {
    (action.kind == Action::Kind::read ? reading_ : writing_).at(action.line) = false;
    const auto flight = in_flight_.extract(action.id);
    if (results.empty() || flight.empty()) return;
    for (std::size_t i = 0; i < action.lamps.size(); ++i) {
        const std::size_t lamp = action.lamps[i];
        Item& item = items_.at(lamp);
        const ActionResult& result = results[std::min(i, results.size() - 1)];
        const bool current = item.generation == flight.mapped().at(i);
        if (action.kind == Action::Kind::read) {
            if (result.code == Code::ok && result.level_pct) {
                reported(lamp, *result.level_pct, result.power_w, now);
            } else if (current && item.powered && item.phase != Phase::pending) {
                fail(item, item.phase, result.code == Code::ok ? Code::no_reply : result.code, now);
            }
            continue;
        }
        // An answer to a level that is wanted no more changes nothing: the new level is pending already.
        if (!current || !item.powered) continue;
        if (result.code == Code::ok) {
            sent(lamp, action, now);
        } else {
            fail(item, Phase::pending, result.code, now);
        }
    }
}

std::optional<SiteTime> Reconcile::next_due(std::size_t line) const {
    std::optional<SiteTime> next;
    for (const std::size_t lamp : by_line_.at(line)) {
        const Item& item = items_[lamp];
        const bool open =
            item.phase == Phase::unknown || item.phase == Phase::pending || item.phase == Phase::sent;
        if (open && item.powered && (!next || item.due < *next)) next = item.due;
    }
    return next;
}

Progress Reconcile::progress(std::size_t lamp) const {
    const Item& item = items_.at(lamp);
    return {item.generation, item.wanted.has_value(), item.phase == Phase::verified,
            item.powered,    item.confirmed,          item.attempts,
            item.code};
}

}  // namespace sl::control
