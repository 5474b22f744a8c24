// Runtime, second half: what happens by the clock.
#include "gateway/app/field_parts.hpp"
#include "gateway/app/local_api.hpp"
#include "gateway/app/runtime.hpp"
#include "gateway/northbound/connect_check.hpp"
#include "gateway/northbound/meta.hpp"
#include "gateway/platform/service.hpp"
#include "gateway/site/log.hpp"

#include <functional>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

namespace sl::app {

using site::SiteTime;
using std::chrono::milliseconds;

namespace {

// A difference between site time and the monotonic clock that no drift explains.
constexpr std::chrono::seconds clock_step{2};
constexpr std::chrono::seconds time_saved_every{600};

}  // namespace

// Ten times a second. With site time running at its own pace the lights are looked at once a second; a demo
// that runs faster needs them looked at as often as its site seconds pass.
void Runtime::tick() {
    if (stopping_) return;
    if (clock_.speed() > 1.0) lighting_.tick();
    reporting_.tick();
    keep_books();
}

void Runtime::slow_tick() {
    if (stopping_) return;
    watch_clock();
    lighting_.tick();
    watch_faults();
    keep_plans();
    field_.look_after_devices();
    api_->tick();
    save_time();
}

void Runtime::keep_plans() {
    for (auto& [key, value] : lighting_.changes())
        store_.put_state(std::move(key), std::move(value));
}

void Runtime::watch_clock() {
    const site::TimeQuality before = quality_;
    quality_ = clock_.quality();
    const SiteTime now = clock_.now();
    const site::MonoTime mono = platform::mono_now();
    if (last_seen_) {
        const auto real = std::chrono::duration_cast<milliseconds>(mono - last_watch_);
        const double passed = static_cast<double>(real.count()) * clock_.speed();
        const double shown = static_cast<double>((now - *last_seen_).count());
        const double tolerance = static_cast<double>(milliseconds{clock_step}.count()) * clock_.speed();
        if (std::abs(shown - passed) > tolerance) {
            accounts_.clock_stepped();
            const std::string text = fmt::format("stepped by {:.1f} s", (shown - passed) / 1e3);
            site::log(site::LogLevel::warning, "clock", text);
            store_.append_journal(store::JournalEntry{now, "input", "clock", text});
        }
    }
    last_seen_ = now;
    last_watch_ = mono;
    trusted_since_boot_ = trusted_since_boot_ || site::trusted(quality_);
    if (before == quality_) return;
    site::log(site::LogLevel::info, "clock",
              fmt::format("trust {} -> {}", site::name(before), site::name(quality_)));
    if (!site::trusted(before) && site::trusted(quality_)) reporting_.clock_became_trusted();
}

void Runtime::save_time() {
    if (clock_.simulated() || !site::trusted(quality_)) return;
    const site::WallTime now = platform::wall_now();
    if (!stopping_ && now - saved_at_ < time_saved_every) return;
    saved_at_ = now;
    store_.put_state("clock.saved", fmt::format("{} {}", now.time_since_epoch().count(),
                                                platform::machine_uptime().count()));
}

// Open as long as the hold is, also across a restart; the hourly event of arbitration only reminds.
void Runtime::watch_holds() {
    const SiteTime now = clock_.now();
    for (std::size_t f = 0; f < config_.plant.feeders.size(); ++f) {
        const schedule::FeederHold* hold = lighting_.arbitration().hold(f);
        fault::Finding finding;
        finding.active = hold != nullptr && !hold->on && hold->end && now >= *hold->end;
        if (finding.active) {
            finding.text =
                "held off by " + hold->principal + " beyond its time; only a named release closes it";
        }
        faults_.external(site::AlarmCode::feeder_hold_overdue, config_.plant.feeders[f].id, finding, now);
    }
}

// A standing alarm, loopback excepted (the configuration has been asked for it by name).
void Runtime::tell_transport() {
    const auto broker = northbound::broker_address(config_.mqtt.url);
    if (!broker || broker->tls || northbound::is_loopback(broker->host)) return;
    fault::Finding finding;
    finding.active = true;
    finding.text = "MQTT without TLS: anyone on the way can read and forge it";
    faults_.external(site::AlarmCode::insecure_transport, config_.place.gateway, finding, clock_.now());
}

void Runtime::watch_faults() {
    watch_holds();
    fault::Surroundings around;
    for (std::size_t f = 0; f < config_.plant.feeders.size(); ++f)
        around.manual.push_back(lighting_.manual(f));
    for (std::size_t line = 0; line < field_.lines(); ++line)
        around.line_open.push_back(field_.line_up(line));
    for (std::size_t c = 0; c < config_.plant.contactors.size(); ++c) {
        const control::Mismatch mismatch = lighting_.feeders().contactor(c).mismatch();
        std::string text{control::name(mismatch)};
        if (text.empty()) text = lighting_.relay_trouble(c);
        around.contactor_mismatch.push_back(std::move(text));
    }
    around.clock_trusted = site::trusted(quality_);
    for (const site::AlarmTransition& transition : faults_.step(state_, around, clock_.now())) {
        site::log(
            transition.transition == site::Transition::raise ? site::LogLevel::warning : site::LogLevel::info,
            "alarm",
            fmt::format("{} {} {} {}", site::name(transition.transition), site::name(transition.code),
                        transition.object, transition.text));
        reporting_.alarm(transition);
        api_->alarm(transition);
    }
}

void Runtime::keep_books() {
    const std::vector<northbound::IntervalRow> rows = accounts_.tick(clock_.now());
    std::vector<store::HistoryInterval> history = accounts_.take_history();
    if (!history.empty()) store_.append_intervals(std::move(history));
    report_energy(rows);
}

void Runtime::report_energy(const std::vector<northbound::IntervalRow>& rows) {
    if (!rows.empty()) reporting_.energy(northbound::interval_bodies(rows, reporting_.limits()));
}

// meta_rev counts the versions of the pages that this store has seen.
void Runtime::publish_meta() {
    std::vector<std::string> pages =
        northbound::meta_pages(config_, Executor::executable(), reporting_.limits());
    std::size_t hash = 0;
    for (const std::string& page : pages)
        hash = hash * 31 + std::hash<std::string>{}(page);
    const std::string text = std::to_string(hash);
    const auto stored = store_.state("meta");
    if (stored) meta_rev_ = static_cast<std::uint32_t>(std::strtoul(stored->c_str(), nullptr, 10));
    const bool same = stored && stored->substr(stored->find(' ') + 1) == text;
    if (!same) {
        if (stored) ++meta_rev_;
        store_.put_state("meta", fmt::format("{} {}", meta_rev_, text));
    }
    session_->set_meta(std::move(pages));
}

void Runtime::diag() {
    if (stopping_) return;
    northbound::Diag diag;
    diag.session = session_->stats();
    diag.resident_bytes = platform::memory_used().resident;
    for (std::size_t line = 0; line < field_.lines(); ++line) {
        const wire::BusStatistics& bus = field_.bus(line).statistics();
        const std::string& id = config_.plant.lines[line].id;
        diag.more.emplace_back(id + ".requests", static_cast<double>(bus.requests));
        diag.more.emplace_back(id + ".timeouts", static_cast<double>(bus.timeouts));
        diag.more.emplace_back(id + ".bad_frames", static_cast<double>(bus.bad_frames));
    }
    session_->publish_diag(northbound::diag_body(diag));
}

void Runtime::lighting_event(const schedule::ArbitrationEvent& event) {
    using Kind = schedule::ArbitrationEvent::Kind;
    if (event.kind == Kind::hold_overdue && event.feeder) {
        const std::string& feeder = config_.plant.feeders[*event.feeder].id;
        faults_.remind(site::AlarmCode::feeder_hold_overdue, feeder);
        return;
    }
    northbound::OverrideEvent told;
    told.transition = event.kind == Kind::override_ending ? "ending" : "ended";
    told.cause = event.command;
    told.principal = event.principal;
    told.source = event.layer;
    told.end = event.end;
    if (event.feeder) {
        told.target.kind = site::Target::Kind::feeders;
        told.target.ids.push_back(config_.plant.feeders[*event.feeder].id);
    } else {
        told.target.kind = site::Target::Kind::lamps;
        for (const std::size_t lamp : event.lamps)
            told.target.ids.push_back(config_.plant.lamps[lamp].id);
        if (!event.lamps.empty()) told.level_pct = lighting_.wanted(event.lamps.front()).level.percent();
    }
    reporting_.override_event(told);
}

}  // namespace sl::app
