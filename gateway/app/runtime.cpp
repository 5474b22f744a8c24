#include "gateway/app/runtime.hpp"

#include "gateway/app/app.hpp"
#include "gateway/app/configuration.hpp"
#include "gateway/app/field_parts.hpp"
#include "gateway/app/local_api.hpp"
#include "gateway/platform/service.hpp"
#include "gateway/platform/zone.hpp"
#include "gateway/site/log.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

namespace sl::app {

using site::SiteTime;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds fast_tick{100};
constexpr milliseconds slow{1'000};
constexpr milliseconds farewell{2'500};  // the longest a stop may take for the broker's sake

site::SiteState empty_state(const site::Plant& plant) {
    site::SiteState state;
    state.lamps.resize(plant.lamps.size());
    state.meters.resize(plant.meters.size());
    state.modules.resize(plant.modules.size());
    state.contactors.resize(plant.contactors.size());
    state.feeders.resize(plant.feeders.size());
    state.inputs.resize(plant.inputs.size());
    return state;
}

store::Options store_options(const site::Store& config) {
    store::Options options(config);
    options.started = platform::wall_now();
    return options;
}

milliseconds random_up_to(milliseconds most) {
    return milliseconds{
        static_cast<std::int64_t>(platform::random_bits() % static_cast<std::uint64_t>(most.count() + 1))};
}

// After a power cut feeders of a whole city would close together; a restart by hand keeps nobody waiting.
milliseconds random_start(const platform::SiteClockSource& clock) {
    if (!platform::is_power_up() || clock.simulated()) return milliseconds{0};
    return random_up_to(milliseconds{10'000});
}

}  // namespace

Runtime::Runtime(const Options& options, site::Config config)
    : options_(options),
      config_(std::move(config)),
      clock_(options.speed, options.start),
      started_(platform::mono_now()),
      pace_origin_(clock_.now()),
      quality_(clock_.quality()),
      zone_(platform::load_zone(config_.place.timezone)),
      timers_(io_.get_executor()),
      reactor_(io_.get_executor()),
      state_(empty_state(config_.plant)),
      store_(
          store_options(config_.store),
          [this](std::function<void()> task) { reactor_.post(std::move(task)); },
          [this](milliseconds delay, std::function<void()> task) {
              (void)reactor_.after(delay, std::move(task));
          }),
      field_(io_.get_executor(), io_, timers_, config_, state_, field_events()),
      lighting_(io_.get_executor(), config_, *zone_, state_, field_, lighting_hooks(), random_start(clock_)),
      faults_(config_, [] { return platform::make_ulid(platform::wall_now()); }),
      accounts_(config_, state_, *zone_),
      reporting_(config_, state_, store_, reporting_hooks()),
      executor_(config_, lighting_, executor_hooks()) {
    wire_store();
    build_uplink();
    api_ = std::make_unique<LocalApi>(*this);
}

Runtime::~Runtime() = default;

std::chrono::milliseconds Runtime::uptime() const {
    return std::chrono::duration_cast<milliseconds>(platform::mono_now() - started_);
}

std::string Runtime::mode() const {
    if (lighting_.any_manual()) return "manual";
    return clock_state().may_act() ? "auto" : "failsafe";
}

schedule::ClockState Runtime::clock_state() const {
    schedule::ClockState clock;
    clock.now = clock_.now();
    clock.tq = quality_;
    // An estimate carries the table on only from a time that was trusted since the machine was started:
    // without a battery the clock of a machine that was off for a night shows yesterday evening.
    const bool estimate = quality_ == site::TimeQuality::est;
    clock.plausible = quality_ != site::TimeQuality::none && (!estimate || trusted_since_boot_);
    return clock;
}

northbound::Stamp Runtime::stamp() const {
    return northbound::Stamp{clock_.now(), quality_, uptime().count(), meta_rev_};
}

FieldEvents Runtime::field_events() {
    FieldEvents events;
    events.now = [this] { return clock_.now(); };
    events.real = [this](milliseconds site_span) { return clock_.real(site_span); };
    events.read = [this](ObjectRef object) {
        switch (object.kind) {
            case ObjectKind::lamp:
                lighting_.lamp_read(object.index);
                accounts_.lamp_read(object.index);
                reporting_.lamp_read(object.index);
                break;
            case ObjectKind::meter:
                accounts_.meter_read(object.index);
                break;
            case ObjectKind::module:
                break;
        }
    };
    events.missed = [this](ObjectRef object) {
        if (object.kind == ObjectKind::lamp) reporting_.lamp_changed(object.index);
    };
    events.input_changed = [this](std::size_t input) {
        reporting_.input_changed(input);
        lighting_.tick();
    };
    events.contactor_changed = [this](std::size_t contactor) { reporting_.contactor_changed(contactor); };
    events.presence_changed = [this](ObjectRef object) {
        if (object.kind == ObjectKind::lamp) lighting_.lamp_returned(object.index);
        if (object.kind == ObjectKind::meter) reporting_.meter_changed(object.index);
        if (object.kind == ObjectKind::module) reporting_.module_changed(object.index);
    };
    events.line_state = [this](std::size_t line, bool up, std::string_view why) {
        const std::string area = "line " + config_.plant.lines[line].id;
        if (up) {
            site::log(site::LogLevel::info, area, "open");
        } else {
            site::log(site::LogLevel::warning, area,
                      fmt::format("{} cannot be opened: {}", config_.plant.lines[line].device, why));
        }
    };
    return events;
}

LightingHooks Runtime::lighting_hooks() {
    LightingHooks hooks;
    hooks.clock = [this] { return clock_state(); };
    hooks.pace = [this] { return pace_origin_ + uptime(); };
    hooks.lamp_changed = [this](std::size_t lamp) { reporting_.lamp_changed(lamp); };
    hooks.feeder_changed = [this](std::size_t feeder) { reporting_.feeder_changed(feeder); };
    hooks.event = [this](const schedule::ArbitrationEvent& event) { lighting_event(event); };
    hooks.journal = [this](std::string kind, std::string object, std::string text) {
        store_.append_journal(
            store::JournalEntry{clock_.now(), std::move(kind), std::move(object), std::move(text)});
    };
    return hooks;
}

ReportingHooks Runtime::reporting_hooks() {
    ReportingHooks hooks;
    hooks.stamp = [this] { return stamp(); };
    hooks.mono = [] { return platform::mono_now(); };
    hooks.standing_alarms = [this] {
        std::vector<site::AlarmTransition> standing;
        for (const fault::ActiveAlarm& alarm : faults_.active()) {
            standing.push_back(site::AlarmTransition{alarm.alarm_id, site::Transition::raise, alarm.code,
                                                     alarm.object, alarm.since, alarm.count, alarm.cause,
                                                     alarm.value, alarm.limit, alarm.text});
        }
        return standing;
    };
    return hooks;
}

ExecutorHooks Runtime::executor_hooks() {
    ExecutorHooks hooks;
    hooks.snapshot = [this](const std::string& requester) { reporting_.snapshot(requester); };
    hooks.keep = [this] { keep_plans(); };
    if (config_.mqtt.enabled) {
        hooks.replay = [this](site::Stream stream, site::SeqRange range,
                              std::function<void(std::size_t)> done) {
            session_->replay(stream, range, std::move(done));
        };
    }
    hooks.next_seq = [this](site::Stream stream) { return store_.next_seq(stream); };
    hooks.acknowledge = [this](const std::string& alarm_id, const std::string& by) {
        const auto transition = faults_.acknowledge(alarm_id, by);
        if (transition) reporting_.alarm(*transition);
        return transition.has_value();
    };
    hooks.set_log_level = [](const std::string& level) {
        const auto lowest = platform::log_level_from(level);
        if (lowest) platform::log_to_stderr(*lowest);
        return lowest.has_value();
    };
    return hooks;
}

void Runtime::audit(const northbound::Audit& entry) {
    if (gate_) {
        gate_->audit(entry);  // which limits how many a second go out
    } else {
        reporting_.audit(entry);
    }
}

void Runtime::build_uplink() {
    if (!config_.mqtt.enabled) return;
    link_ = std::make_unique<northbound::PahoLink>(
        [this](std::function<void()> task) { reactor_.post(std::move(task)); }, platform::wall_now);
    const auto chance = [] { return static_cast<double>(platform::random_bits() >> 11U) * 0x1p-53; };
    northbound::SessionOptions options;
    options.site = config_.place.site;
    options.gateway = config_.place.gateway;
    options.mqtt = config_.mqtt;
    const bool power_up = platform::is_power_up() && !clock_.simulated();
    options.start_reason = power_up ? "power_on" : "restart";
    options.spread_start = power_up;
    // Readings that go out as they come are spread already.
    options.pacing = config_.mqtt.pacing && config_.mqtt.lamp_telemetry.count() > 0 && clock_.speed() == 1.0;
    northbound::SessionHooks hooks;
    hooks.stamp = [this] { return stamp(); };
    hooks.status = [this] {
        northbound::StatusInfo info;
        info.firmware = SL_VERSION;
        info.config_revision = config_.sha256.substr(0, 16);
        info.mode = mode();
        return info;
    };
    hooks.ready = [this] {
        site::log(site::LogLevel::info, "mqtt", "connected");
        reporting_.snapshot({});
    };
    hooks.down = [](const std::string& why) {
        site::log(site::LogLevel::warning, "mqtt", "not connected: " + why);
    };
    hooks.command = [this](const northbound::Incoming& message,
                           const northbound::Topics::CommandTopic& where) { gate_->receive(message, where); };
    session_ =
        std::make_unique<northbound::Session>(options, store_, *link_, reactor_, chance, std::move(hooks));
    northbound::GateHooks gate;
    gate.stamp = [this] { return stamp(); };
    gate.wall = platform::wall_now;
    gate.matches = [this](const site::Selector& s, const site::Lamp& lamp) {
        return executor_.matches(s, lamp);
    };
    gate.execute = [this](const site::Command& command, northbound::Ticket ticket) {
        executor_.execute(command, std::move(ticket));
        keep_plans();  // a hold that was accepted is not forgotten by a restart a moment later
    };
    gate.resume = [this](const site::Command& command, northbound::Ticket ticket) {
        executor_.resume(command, std::move(ticket));
    };
    gate.executable = Executor::executable();
    gate_ = std::make_unique<northbound::CommandGate>(config_, store_, session_->topics(), reactor_, chance,
                                                      std::move(gate));
}

void Runtime::wire_store() {
    const auto told = [this](bool ok, const std::string& why) {
        if (ok) site::log(site::LogLevel::info, "store", "records are kept");  // of trouble it tells itself
        fault::Finding finding;
        finding.active = !ok;
        finding.text = why;
        faults_.external(site::AlarmCode::store_degraded, config_.place.gateway, finding, clock_.now());
        if (session_) session_->publish_status();
    };
    store_.on_health(told);
    // One that was refused before anybody listened is a finding as well.
    if (!store_.ok()) told(false, store_.why());
}

// Whether the clock has run on from a trusted time without the machine having been off: both clocks then show
// the same span.
static bool carried_on(site::WallTime saved_wall, milliseconds saved_up) {
    constexpr std::chrono::seconds drift{30};
    const milliseconds up = platform::machine_uptime() - saved_up;
    if (saved_up.count() == 0 || up.count() < 0) return false;
    return std::chrono::abs(platform::wall_now() - saved_wall - up) < drift;
}

void Runtime::restore() {
    lighting_.restore(store_.states("arb."));
    lighting_.restore(store_.states("contactor."));
    if (const auto saved = store_.state("clock.saved")) {
        char* rest = nullptr;
        const site::WallTime wall{milliseconds{std::strtoll(saved->c_str(), &rest, 10)}};
        const milliseconds up{std::strtoll(rest, nullptr, 10)};
        clock_.set_floor(wall);
        trusted_since_boot_ = carried_on(wall, up);
    }
    quality_ = clock_.quality();
    trusted_since_boot_ = trusted_since_boot_ || site::trusted(quality_);
    store::HistoryQuery tonight;
    tonight.from = accounts_.night_begin(clock_.now());
    tonight.to = clock_.now();
    tonight.limit = 100'000;
    store_.query_intervals(
        tonight, [this](const std::vector<store::HistoryInterval>& found) { accounts_.seed(found); });
}

void Runtime::start() {
    restore();
    if (session_) {
        publish_meta();  // before the first record, which names its revision
        tell_transport();
    }
    field_.start();
    if (!options_.wire_log.empty()) field_.set_wire_log(options_.wire_log);
    lighting_.tick();
    reactor_.every(fast_tick, [this] { tick(); });
    reactor_.every(slow, [this] { slow_tick(); });
    if (const auto period = platform::watchdog_period()) {
        reactor_.every(std::chrono::duration_cast<milliseconds>(*period),
                       [] { platform::notify_watchdog(); });
    }
    api_->start();
    if (session_) {
        session_->start();
        gate_->resume();
        reactor_.every(config_.mqtt.diag_every, [this] { diag(); });
    }
    platform::notify_ready(
        fmt::format("{} lamps on {} lines", config_.plant.lamps.size(), config_.plant.lines.size()));
    site::log(site::LogLevel::info, "gateway",
              fmt::format("{} {} is running: {} lamps, clock {}", config_.place.site, config_.place.gateway,
                          config_.plant.lamps.size(), site::name(quality_)));
}

Exit Runtime::run() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.async_wait([this](const boost::system::error_code& error, int) {
        if (!error) shut_down();
    });
    start();
    io_.run();
    return Exit::done;
}

void Runtime::shut_down() {
    if (stopping_) return;
    stopping_ = true;
    site::log(site::LogLevel::info, "gateway", "stopping; contactors and lamps stay as they are");
    platform::notify_stopping();
    lighting_.stop();
    field_.stop();
    api_->stop();
    keep_plans();
    report_energy(accounts_.drain());
    save_time();
    const auto leave = [this] {
        reactor_.cancel_all();
        // What the field still has under way ends in this turn of the loop; then there is nothing left to
        // run.
        reactor_.post([this] { io_.stop(); });
    };
    (void)reactor_.after(farewell, leave);
    if (session_) {
        session_->stop(leave);
    } else {
        leave();
    }
}

Exit run(const Options& options) {
    platform::log_to_stderr(site::LogLevel::info);
    settings::Loaded loaded = load_configuration(options);
    for (const settings::Diagnostic& diagnostic : loaded.diagnostics) {
        (void)std::fputs(settings::render(diagnostic).c_str(), stderr);
    }
    if (!loaded.config) {
        (void)std::fprintf(stderr, "%s\n", settings::summary(loaded).c_str());
        return Exit::config_invalid;
    }
    if (const auto level = platform::log_level_from(loaded.config->log_level))
        platform::log_to_stderr(*level);
    Runtime runtime(options, std::move(*loaded.config));
    return runtime.run();
}

}  // namespace sl::app
