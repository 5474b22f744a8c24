// The composition root: builds every object of the running gateway, and owns the order of start and stop.
#pragma once

#include "gateway/app/accounts.hpp"
#include "gateway/app/executor.hpp"
#include "gateway/app/field.hpp"
#include "gateway/app/lighting.hpp"
#include "gateway/app/options.hpp"
#include "gateway/app/reactor.hpp"
#include "gateway/app/reporting.hpp"
#include "gateway/fault/engine.hpp"
#include "gateway/northbound/commands.hpp"
#include "gateway/northbound/paho_link.hpp"
#include "gateway/northbound/session.hpp"
#include "gateway/platform/clock.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"
#include "gateway/store/store.hpp"
#include "protocols/wire/asio_timers.hpp"

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace sl::app {

class LocalApi;

class Runtime {
  public:
    Runtime(const Options& options, site::Config config);
    ~Runtime();

    // Runs until SIGTERM, SIGINT or a defect.
    Exit run();

    // What the local API shows.
    const site::Config& config() const noexcept { return config_; }
    const site::SiteState& state() const noexcept { return state_; }
    const site::Zone& zone() const noexcept { return *zone_; }
    const fault::Engine& faults() const noexcept { return faults_; }
    const Lighting& lighting() const noexcept { return lighting_; }
    const Field& field() const noexcept { return field_; }
    const Accounts& accounts() const noexcept { return accounts_; }
    const Reporting& reporting() const noexcept { return reporting_; }
    const northbound::Session* session() const noexcept { return session_.get(); }
    const store::Store& store() const noexcept { return store_; }
    Executor& executor() noexcept { return executor_; }
    // What a person did at the cabinet, as an audit event.
    void audit(const northbound::Audit& entry);
    boost::asio::io_context& io() noexcept { return io_; }
    site::SiteTime now() const { return clock_.now(); }
    site::TimeQuality clock_quality() const { return quality_; }
    std::chrono::milliseconds uptime() const;
    std::string mode() const;

  private:
    FieldEvents field_events();
    LightingHooks lighting_hooks();
    ReportingHooks reporting_hooks();
    ExecutorHooks executor_hooks();
    schedule::ClockState clock_state() const;
    northbound::Stamp stamp() const;

    void build_uplink();
    void wire_store();
    void restore();
    void start();
    void shut_down();
    void tick();
    void slow_tick();
    void watch_clock();
    void watch_faults();
    void watch_holds();
    void tell_transport();
    void keep_plans();
    void keep_books();
    void report_energy(const std::vector<northbound::IntervalRow>& rows);
    void publish_meta();
    void diag();
    void lighting_event(const schedule::ArbitrationEvent& event);
    void save_time();

    Options options_;
    site::Config config_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_};
    platform::SiteClockSource clock_;
    site::MonoTime started_;
    site::SiteTime pace_origin_;
    site::TimeQuality quality_ = site::TimeQuality::none;
    bool trusted_since_boot_ = false;  // the clock, at some time since the machine was started
    std::unique_ptr<site::Zone> zone_;
    wire::AsioTimers timers_;
    Reactor reactor_;
    site::SiteState state_;
    store::Store store_;
    Field field_;
    Lighting lighting_;
    fault::Engine faults_;
    Accounts accounts_;
    Reporting reporting_;
    Executor executor_;
    std::unique_ptr<northbound::PahoLink> link_;
    std::unique_ptr<northbound::CommandGate> gate_;
    std::unique_ptr<northbound::Session> session_;
    std::unique_ptr<LocalApi> api_;
    std::uint32_t meta_rev_ = 1;
    std::optional<site::SiteTime> last_seen_;  // site time at the last clock watch
    site::MonoTime last_watch_;
    site::WallTime saved_at_;
    bool stopping_ = false;
};

}  // namespace sl::app
