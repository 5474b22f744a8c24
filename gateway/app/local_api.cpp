#include "gateway/app/local_api.hpp"

#include "gateway/app/runtime.hpp"
#include "gateway/json/writer.hpp"
#include "gateway/local/time_text.hpp"
#include "gateway/platform/service.hpp"
#include "gateway/site/log.hpp"

#include <chrono>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sl::app {

namespace json = boost::json;
using site::Code;

namespace {

// HTTP status of a final reply: what was asked may be wrong; what the lamps did is a 200 with the truth in
// it.
int http_status(Code code) {
    switch (code) {
        case Code::bad_schema:
        case Code::unknown_op:
        case Code::out_of_range:
            return 400;
        case Code::not_permitted:
            return 403;
        case Code::unknown_target:
            return 404;
        case Code::busy:
            return 503;
        default:
            return 200;
    }
}

std::string done_text(const std::string& id, const site::Outcome& outcome, std::chrono::milliseconds took) {
    return "{" + northbound::done_body(id, outcome, took, true) + "}";
}

// A person's command may leave out what a machine has to state: version, id, time and time to live.
std::string complete(const std::string& text, const std::string& id) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return text;  // the parser says what is wrong with it
    json::object& object = value.as_object();
    if (!object.contains("v")) object["v"] = 1;
    if (!object.contains("id")) object["id"] = id;
    if (!object.contains("ts")) object["ts"] = platform::wall_now().time_since_epoch().count();
    return json::serialize(value);
}

// Why a night begins or ends when it does, in words.
std::string edge_reason(schedule::EdgeBy by, const site::Astro& astro, bool evening) {
    switch (by) {
        case schedule::EdgeBy::sun:
            if (astro.elevation_deg == -6.0) return evening ? "civil dusk" : "civil dawn";
            if (astro.elevation_deg > -1.0 && astro.elevation_deg < -0.5)
                return evening ? "sunset" : "sunrise";
            return fmt::format("sun at {} degrees", astro.elevation_deg);
        case schedule::EdgeBy::earliest:
            return evening ? "not earlier: earliest_on" : "not earlier: earliest_off";
        case schedule::EdgeBy::latest:
            return evening ? "not later: latest_on" : "not later: latest_off";
        case schedule::EdgeBy::polar_night:
            return "polar night";
        case schedule::EdgeBy::never_dark:
            return "never dark";
    }
    return {};
}

local::LineInfo line_info(const site::Line& line, const wire::Bus& bus,
                          const device::PollerStatistics& polling, std::chrono::milliseconds up) {
    const wire::BusStatistics& seen = bus.statistics();
    local::LineInfo info;
    info.id = line.id;
    info.device = line.device;
    info.open = bus.up();
    info.exchanges = seen.requests;
    info.answered = seen.answers;
    info.retries = seen.retries;
    info.timeouts = seen.timeouts;
    info.bad_frames = seen.bad_frames;
    info.foreign = seen.foreign;
    const double busy = std::chrono::duration<double>(seen.busy).count();
    const double passed = std::chrono::duration<double>(up).count();
    info.load_pct = passed > 0 ? 100.0 * busy / passed : 0.0;
    info.cycle_s = std::chrono::duration<double>(polling.last_cycle).count();
    return info;
}

}  // namespace

LocalApi::LocalApi(Runtime& runtime) : runtime_(runtime), router_(context_), changes_(context_) {
    fill();
    fill_numbers();
}

LocalApi::~LocalApi() = default;

void LocalApi::fill() {
    context_.config = &runtime_.config();
    context_.state = &runtime_.state();
    context_.zone = &runtime_.zone();
    context_.version = SL_VERSION;
    context_.now = [this] { return runtime_.now(); };
    context_.clock_quality = [this] { return runtime_.clock_quality(); };
    context_.uptime = [this] { return std::chrono::duration_cast<std::chrono::seconds>(runtime_.uptime()); };
    context_.mode = [this] { return runtime_.mode(); };
    context_.alarms = [this] {
        std::vector<local::ActiveAlarm> standing;
        for (const fault::ActiveAlarm& alarm : runtime_.faults().active()) {
            local::ActiveAlarm shown;
            shown.alarm = site::AlarmTransition{alarm.alarm_id, site::Transition::raise,
                                                alarm.code,     alarm.object,
                                                alarm.since,    alarm.count,
                                                alarm.cause,    alarm.value,
                                                alarm.limit,    alarm.text};
            shown.last = alarm.since;
            shown.acknowledged = alarm.acknowledged;
            standing.push_back(std::move(shown));
        }
        return standing;
    };
    context_.command = [this](const std::string& text, local::Role role, const std::string& user,
                              local::ApiContext::CommandDone done) { command(text, role, user, done); };
    context_.set_log_level = [](const std::string& level) {
        const auto lowest = platform::log_level_from(level);
        if (lowest) platform::log_to_stderr(*lowest);
        return lowest.has_value();
    };
}

void LocalApi::fill_numbers() {
    context_.night = [this] { return night(); };
    context_.lines = [this] { return lines(); };
    context_.outbox = [this] { return outbox(); };
    context_.uplink = [this] {
        local::UplinkInfo info;
        const northbound::Session* session = runtime_.session();
        info.enabled = session != nullptr;
        if (session == nullptr) return info;
        const northbound::SessionStats stats = session->stats();
        info.connected = stats.connected;
        info.reason = stats.last_error;
        const auto ago =
            std::chrono::duration_cast<std::chrono::milliseconds>(platform::mono_now() - stats.since);
        info.since = runtime_.now() - std::min(ago, runtime_.uptime());
        return info;
    };
    context_.energy_tonight = [this] {
        const EnergyTonight tonight = runtime_.accounts().tonight();
        local::EnergyInfo info;
        info.from = tonight.from;
        info.metered_wh = tonight.metered_wh;
        info.lamps_wh = tonight.lamps_wh;
        info.baseline_wh = tonight.baseline_wh;
        const double saved_wh = static_cast<double>(tonight.baseline_wh - tonight.metered_wh);
        info.saving = tonight.baseline_wh > 0 ? saved_wh / 1e3 * runtime_.config().place.price_per_kwh : 0.0;
        return info;
    };
}

local::NightInfo LocalApi::night() const {
    const schedule::Planner& planner = runtime_.lighting().planner();
    const site::SiteTime now = runtime_.now();
    const schedule::Night& night = planner.night(now);
    local::NightInfo info;
    info.night = now >= night.dusk && now < night.dawn;
    if (night.dark()) {
        info.on_at = night.dusk;
        info.off_at = night.dawn;
    }
    const site::Astro& astro = runtime_.config().astro;
    info.on_reason = edge_reason(night.dusk_by, astro, true);
    info.off_reason = edge_reason(night.dawn_by, astro, false);
    info.next_change = planner.next_edge(now);
    return info;
}

std::vector<local::LineInfo> LocalApi::lines() const {
    std::vector<local::LineInfo> all;
    for (std::size_t i = 0; i < runtime_.field().lines(); ++i) {
        all.push_back(line_info(runtime_.config().plant.lines[i], runtime_.field().bus(i),
                                runtime_.field().polling(i), runtime_.uptime()));
    }
    return all;
}

local::OutboxInfo LocalApi::outbox() const {
    const store::Store& store = runtime_.store();
    local::OutboxInfo info;
    info.epoch = store.identity().epoch;
    info.store_ok = store.ok();
    info.store_text = store.why();
    info.store_bytes = static_cast<std::uint64_t>(store.bytes());
    for (std::size_t i = 0; i < site::stream_count; ++i) {
        const auto stream = static_cast<site::Stream>(i);
        local::StreamInfo one;
        one.stream = stream;
        one.next_seq = store.next_seq(stream);
        for (const site::Backlog& backlog : store.backlog()) {
            if (backlog.stream == stream) one.pending += backlog.records;
        }
        one.lost = store.lost_records(stream);
        info.streams.push_back(one);
    }
    return info;
}

void LocalApi::command(const std::string& text, local::Role role, const std::string& user,
                       const local::ApiContext::CommandDone& done) {
    const std::string id = platform::make_ulid(platform::wall_now());
    const auto begun = platform::mono_now();
    const auto answer = [this, id, begun, user, done](const site::Outcome& outcome,
                                                      const site::Command& command) {
        northbound::Audit audit;
        audit.principal = "local:" + user;
        audit.via = "local";
        audit.cause = command.id.empty() ? id : command.id;
        audit.action = std::string{site::name(command.op)};
        audit.code = outcome.code;
        audit.text = outcome.text;
        runtime_.audit(audit);
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(platform::mono_now() - begun);
        done(http_status(outcome.code), done_text(audit.cause, outcome, took));
    };
    const northbound::ParseResult result = northbound::parse_command(complete(text, id));
    if (const auto* rejection = std::get_if<northbound::Rejection>(&result)) {
        site::Outcome outcome;
        outcome.code = rejection->code;
        outcome.text =
            rejection->path.empty() ? rejection->message : rejection->path + " " + rejection->message;
        return answer(outcome, site::Command{});
    }
    site::Command command = std::get<northbound::ParsedCommand>(result).command;
    command.principal = "local:" + user;
    command.via = "local";
    command.received_at = runtime_.now();
    site::Outcome refused;
    if (const auto wrong = northbound::check_target(command, runtime_.config())) {
        refused.code = wrong->code;
        refused.text = wrong->path + " " + wrong->message;
        return answer(refused, command);
    }
    if (northbound::needs_admin(command.op) && role != local::Role::admin) {
        refused.code = Code::not_permitted;
        refused.text = "needs the admin group";
        return answer(refused, command);
    }
    northbound::Ticket ticket;
    ticket.done = [answer, command](const site::Outcome& outcome) { answer(outcome, command); };
    ticket.progress = [](int, int) {};
    runtime_.executor().execute(command, std::move(ticket));
}

void LocalApi::start() {
    const site::Api& api = runtime_.config().api;
    if (api.socket.empty()) return;
    local::HttpOptions options;
    options.socket_path = api.socket;
    options.instance = std::to_string(runtime_.store().identity().boot);
    server_ = std::make_unique<local::HttpServer>(
        runtime_.io(), options, local::Roles(api.view_group, api.operator_group, api.admin_group),
        [this](const local::Request& request, const local::Reply& reply) { router_.handle(request, reply); });
    std::string why;
    if (server_->start(platform::mono_now(), why)) return;
    site::log(site::LogLevel::error, "api", why);
    server_.reset();
}

void LocalApi::stop() {
    if (server_) server_->stop();
}

void LocalApi::tick() {
    if (!server_) return;
    changes_.step([this](std::string_view topic, std::string_view text) { server_->publish(topic, text); });
    server_->tick(platform::mono_now());
}

void LocalApi::alarm(const site::AlarmTransition& transition) {
    if (!server_) return;
    const std::string time = local::iso_text(runtime_.now(), runtime_.zone());
    server_->publish("alarm", "{\"time\":\"" + time + "\"," + northbound::alarm_body(transition) + "}");
}

}  // namespace sl::app
