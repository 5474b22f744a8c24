// The lights at work: asks the plan and the overrides what is wanted, has the contactors step, and carries
// the actions of the pure parts out on the field. Owns no decision of its own.
//
// Two clocks meet here. Plans, holds and contactors live in site time. Bringing a lamp to its level
// (settling, read-back, retries, the time-out of a command) takes as long as the line takes, so
// reconciliation runs on `pace`: site time at start plus real time since, the same thing unless a demo runs
// faster.
#pragma once

#include "gateway/app/field.hpp"
#include "gateway/control/command_tracker.hpp"
#include "gateway/control/feeder_control.hpp"
#include "gateway/control/reconcile.hpp"
#include "gateway/schedule/arbitration.hpp"
#include "gateway/schedule/planner.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace sl::app {

struct LightingHooks {
    std::function<schedule::ClockState()> clock;
    std::function<site::SiteTime()> pace;
    std::function<void(std::size_t lamp)>
        lamp_changed;  // target, source, confirmed or power may have changed
    std::function<void(std::size_t feeder)> feeder_changed;
    std::function<void(const schedule::ArbitrationEvent&)> event;
    std::function<void(std::string kind, std::string object, std::string text)> journal;
};

class Lighting {
  public:
    using Done = std::function<void(site::Outcome)>;

    Lighting(boost::asio::any_io_executor executor, const site::Config& config, const site::Zone& zone,
             site::SiteState& state, Field& field, LightingHooks hooks,
             std::chrono::milliseconds random_start);

    // One evaluation of everything; cheap enough to be called at every change, and at least once a second.
    void tick();
    void stop() noexcept { stopping_ = true; }
    void lamp_returned(std::size_t lamp) { reconcile_.returned(lamp, hooks_.pace()); }
    // A reading of the lamp came in.
    void lamp_read(std::size_t lamp);

    void set_levels(const schedule::OverrideRequest& request, bool energise, Done done);
    void release(std::vector<std::size_t> lamps, const std::string& command, Done done);
    void hold_feeders(const std::vector<std::size_t>& feeders, bool on, const site::Hold& hold,
                      const std::string& command, const std::string& principal);
    bool release_feeders(const std::vector<std::size_t>& feeders);
    // Reads lamps now and says who answered.
    void read(std::vector<std::size_t> lamps, Done done);
    // After a restart: the lamps of an interrupted command are read back and judged against what is wanted
    // now.
    void resume(const schedule::OverrideRequest& request, Done done);

    // State to persist since the last call, and its restoration at start.
    std::vector<std::pair<std::string, std::string>> changes();
    void restore(const std::vector<std::pair<std::string, std::string>>& pairs);

    const schedule::Planner& planner() const noexcept { return planner_; }
    const schedule::Arbitration& arbitration() const noexcept { return arbitration_; }
    const control::FeederControl& feeders() const noexcept { return control_; }
    const schedule::Wanted& wanted(std::size_t lamp) const { return wanted_[lamp]; }
    bool manual(std::size_t feeder) const { return manual_[feeder]; }
    bool any_manual() const;
    std::string relay_trouble(std::size_t contactor) const;
    std::size_t commands_running() const noexcept { return trackers_.size(); }

  private:
    struct Tracked {
        control::CommandTracker tracker;
        Done done;
    };
    struct Relay {
        bool writing = false;
        std::optional<bool> pending;   // to be written, or written and not read back yet
        site::SiteTime pending_since;  // pace
        site::SiteTime valid_from;     // readings from before say nothing about the last write
    };

    void read_selectors();
    void decide(const schedule::ClockState& clock);
    void apply(std::size_t lamp, schedule::Wanted wanted, site::SiteTime pace);
    void step_feeders(site::SiteTime now);
    control::FeederInput feeder_input(std::size_t feeder, site::SiteTime now) const;
    bool dark(std::size_t feeder) const;
    void act(const control::FeederAction& action);
    bool known_dead(std::size_t feeder) const;
    void kick(std::size_t line);
    void publish_power(site::SiteTime now);
    bool switched_by_us(std::size_t feeder) const;
    void refresh(std::size_t lamp);
    void step_trackers();
    void track(const std::string& command, const std::vector<std::size_t>& lamps, std::chrono::seconds fade,
               const std::vector<std::pair<std::size_t, site::Code>>& refused, Done done);
    Priority priority_of(const control::Action& action) const;

    boost::asio::awaitable<void> pump(std::size_t line);
    boost::asio::awaitable<void> execute(control::Action action);
    boost::asio::awaitable<void> write_relay(std::size_t contactor);
    boost::asio::awaitable<void> read_registers(std::vector<std::size_t> feeders);
    boost::asio::awaitable<void> read_all(std::vector<std::size_t> lamps, Done done);

    boost::asio::any_io_executor executor_;
    const site::Config& config_;
    site::SiteState& state_;
    Field& field_;
    LightingHooks hooks_;
    schedule::Planner planner_;
    schedule::Arbitration arbitration_;
    control::FeederControl control_;
    control::Reconcile reconcile_;
    std::vector<schedule::Wanted> wanted_;       // by lamp
    std::vector<schedule::Decision> program_;    // by lamp
    std::vector<bool> ever_decided_;             // by lamp
    std::vector<bool> manual_, registers_read_;  // by feeder
    std::vector<std::vector<std::size_t>> lamps_of_feeder_;
    std::vector<Relay> relays_;  // by contactor
    std::vector<int> pumps_;     // by line: running, at most two (a read, an urgent write)
    std::vector<std::unique_ptr<Tracked>> trackers_;
    bool clock_acts_ = false, stopping_ = false;
};

}  // namespace sl::app
