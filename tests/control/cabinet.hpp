// A cabinet in virtual time for tests: contactors that cut the power of controllers, controllers that boot
// and hold a level, and the gateway's own parts wired to them as the daemon wires them.
#pragma once

#include "gateway/control/feeder_control.hpp"
#include "gateway/control/reconcile.hpp"
#include "gateway/schedule/arbitration.hpp"
#include "gateway/schedule/planner.hpp"

#include <memory>
#include <vector>

namespace sl::test {

using namespace std::chrono_literals;
using site::SiteTime;

// The street: what exists whether or not a gateway runs.
struct Street {
    struct Relay {
        bool closed = false;
        SiteTime changed{};
    };
    struct Controller {
        int level = 0;
        SiteTime powered_at{};
        bool silent = false;
    };
    std::vector<Relay> relays;
    std::vector<Controller> lamps;
    std::vector<std::size_t> relay_of_lamp;
    std::chrono::seconds boot{5};

    bool live(std::size_t lamp, SiteTime t) const {
        const Relay& relay = relays[relay_of_lamp[lamp]];
        return relay.closed && t >= lamps[lamp].powered_at + boot;
    }
    int burning(std::size_t lamp) const { return relays[relay_of_lamp[lamp]].closed ? lamps[lamp].level : 0; }
    void operate(std::size_t relay, bool close, SiteTime t) {
        if (relays[relay].closed == close) return;
        relays[relay] = {close, t};
        for (std::size_t lamp = 0; lamp < lamps.size(); ++lamp) {
            if (relay_of_lamp[lamp] != relay || !close) continue;
            lamps[lamp].powered_at = t;
            lamps[lamp].level = 100;  // the controller's level at power-on
        }
    }
};

struct Frames {
    int broadcasts = 0, writes = 0, reads = 0, off_writes = 0, closes = 0, opens = 0;
};

class Gateway {
  public:
    Gateway(const site::Config& config, const site::Zone& zone, SiteTime start,
            std::chrono::milliseconds random_start)
        : config_(config),
          planner_(config, zone),
          arbitration_(config.plant),
          feeders_(config, start, random_start),
          reconcile_(config),
          first_(config.plant.lamps.size(), true) {
        state_.lamps.resize(config.plant.lamps.size());
        for (auto& lamp : state_.lamps)
            lamp.powered = false;
        state_.feeders.resize(config.plant.feeders.size());
        state_.contactors.resize(config.plant.contactors.size());
    }

    void step(SiteTime now, Street& street) {
        arbitration_.tick(now);
        drive_feeders(now, street);
        power_changes(now);
        for (std::size_t lamp = 0; lamp < wanted_.size(); ++lamp) {
            reconcile_.want(lamp, wanted_[lamp].level, wanted_[lamp].fade, now);
        }
        for (int i = 0; i < 8; ++i)
            exchange(now, street);
    }

    const Frames& frames() const { return frames_; }
    schedule::Arbitration& arbitration() { return arbitration_; }
    const control::Reconcile& reconcile() const { return reconcile_; }
    const control::FeederControl& feeders() const { return feeders_; }
    site::Level wanted(std::size_t lamp) const { return wanted_.at(lamp).level; }
    std::vector<std::pair<std::string, std::string>> persisted() { return feeders_.changes(); }
    void restore(const std::vector<std::pair<std::string, std::string>>& pairs) { feeders_.restore(pairs); }

  private:
    void drive_feeders(SiteTime now, Street& street) {
        wanted_.clear();
        planner_.decide_all(now, decisions_);
        std::vector<control::FeederInput> inputs(config_.plant.feeders.size());
        std::vector<std::vector<site::Level>> levels(inputs.size()), ahead(inputs.size());
        std::vector<schedule::Decision> later;
        for (std::size_t lamp = 0; lamp < decisions_.size(); ++lamp) {
            wanted_.push_back(
                arbitration_.resolve(lamp, now, decisions_[lamp], planner_.rule_id(decisions_[lamp]), {}));
            const std::size_t feeder = *arbitration_.feeder_of(lamp);
            levels[feeder].push_back(wanted_.back().level);
            if (wanted_.back().source == site::Source::program) {
                ahead[feeder].push_back(planner_.decide(lamp, now + feeders_.lead(feeder)).level);
            }
            if (street.live(lamp, now) && street.lamps[lamp].level > 0) inputs[feeder].lamps_dark = false;
        }
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            inputs[i].wanted = control::feeder_wanted(levels[i], ahead[i]);
            inputs[i].held_off = arbitration_.held_off(i);
        }
        std::vector<control::FeederControl::ContactorSeen> seen;
        for (const auto& relay : street.relays) {
            seen.push_back({control::Seen{relay.closed, now}, control::Seen{relay.closed, now}});
        }
        for (const control::FeederAction& action : feeders_.step(now, inputs, seen)) {
            if (action.action == control::RelayAction::close) ++frames_.closes;
            if (action.action == control::RelayAction::open) ++frames_.opens;
            const bool relay = action.action == control::RelayAction::close ||
                               action.action == control::RelayAction::open ||
                               action.action == control::RelayAction::reassert;
            if (relay) street.operate(action.contactor, action.closed, now);
        }
    }

    void power_changes(SiteTime now) {
        const std::vector<std::size_t> gained = feeders_.publish(now, state_);
        for (std::size_t lamp = 0; lamp < state_.lamps.size(); ++lamp) {
            // Found live at start: read first.
            reconcile_.set_powered(lamp, state_.lamps[lamp].powered, !first_[lamp], now);
            if (feeders_.contactor(0).adopted()) first_[lamp] = false;
        }
        (void)gained;
    }

    void exchange(SiteTime now, Street& street) {
        const auto action = reconcile_.next_action(0, now);
        if (!action) return;
        std::vector<control::ActionResult> results;
        for (const std::size_t lamp : action->lamps) {
            control::ActionResult result;
            const bool answers = street.live(lamp, now) && !street.lamps[lamp].silent;
            if (!answers) result.code = site::Code::no_reply;
            if (action->kind == control::Action::Kind::broadcast) result.code = site::Code::ok;
            if (answers && action->kind == control::Action::Kind::read) {
                result.level_pct = street.lamps[lamp].level;
            }
            if (answers && action->kind != control::Action::Kind::read) {
                street.lamps[lamp].level = action->level.percent();
            }
            results.push_back(result);
        }
        if (action->kind == control::Action::Kind::broadcast) ++frames_.broadcasts;
        if (action->kind == control::Action::Kind::write) ++frames_.writes;
        if (action->kind == control::Action::Kind::read) ++frames_.reads;
        if (action->kind != control::Action::Kind::read && !action->level.is_on()) ++frames_.off_writes;
        reconcile_.report(*action, results, now);
    }

    const site::Config& config_;
    schedule::Planner planner_;
    schedule::Arbitration arbitration_;
    control::FeederControl feeders_;
    control::Reconcile reconcile_;
    site::SiteState state_;
    std::vector<schedule::Decision> decisions_;
    std::vector<schedule::Wanted> wanted_;
    std::vector<bool> first_;
    Frames frames_;
};

inline site::DeviceModel lamp_model() {
    site::DeviceModel model;
    model.id = "lamp/test";
    model.protocol = "modbus-rtu";
    model.broadcast = true;
    model.boot = 5s;
    site::Point level;
    level.quantity = site::Quantity::level_pct;
    level.writable = true;
    site::Point group;
    group.quantity = site::Quantity::group_level_pct;
    group.writable = true;
    model.points = {level, group};
    return model;
}

// Two feeders with a contactor each, `lamps` lamps on one line, a night of 100/60/100 %.
inline site::Config cabinet_config(int lamps) {
    site::Config c;
    c.place.latitude = 37.69;
    c.place.longitude = 112.75;
    c.plant.lines.resize(1);
    c.plant.lines[0].id = "lamps485";
    c.models["lamp/test"] = lamp_model();
    for (int i = 1; i <= 2; ++i) {
        site::Contactor k;
        k.id = "K" + std::to_string(i);
        c.plant.contactors.push_back(k);
        site::Feeder f;
        f.id = "F" + std::to_string(i);
        f.contactor = k.id;
        c.plant.feeders.push_back(f);
    }
    for (int i = 1; i <= lamps; ++i) {
        site::Lamp lamp;
        lamp.id = "L" + std::to_string(i);
        lamp.line = "lamps485";
        lamp.model = "lamp/test";
        lamp.feeder = i <= lamps / 2 ? "F1" : "F2";
        c.plant.lamps.push_back(lamp);
    }
    site::Profile p;
    p.id = "main-road";
    p.steps = {{site::SunPoint{site::SunEvent::dusk, 0min}, site::Level{100}, 0s},
               {site::ClockPoint{23h}, site::Level{60}, 30s},
               {site::ClockPoint{5h}, site::Level{100}, 30s},
               {site::SunPoint{site::SunEvent::dawn, 0min}, site::Level{0}, 0s}};
    c.profiles = {p};
    c.schedules = {{"everyday", 10, "all", "main-road", ""}};
    return c;
}

inline Street street_of(const site::Config& config) {
    Street street;
    street.relays.resize(config.plant.contactors.size());
    street.lamps.resize(config.plant.lamps.size());
    for (const site::Lamp& lamp : config.plant.lamps)
        street.relay_of_lamp.push_back(lamp.feeder == "F1" ? 0 : 1);
    return street;
}

}  // namespace sl::test
