#include "gateway/local/router.hpp"

#include "gateway/local/dates.hpp"
#include "gateway/local/query.hpp"
#include "gateway/local/sun_view.hpp"
#include "gateway/local/views.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace sl::local {
namespace {

constexpr std::string_view root = "/api/v1/";
constexpr int most_sun_days = 3'660;

Response refusal(int status, std::string_view code, std::string_view message, std::string_view hint) {
    return {status, error_json(code, message, hint), ""};
}

Response absent(std::string_view what) {
    return refusal(404, "not_here", std::string{what} + " is not available on this gateway",
                   "see the configuration");
}

struct Call {
    const ApiContext& api;
    const Request& request;
    std::string_view rest;  // of the path, behind "lamps/"
    const Reply& reply;
};

void status(const Call& call) {
    call.reply({200, status_json(call.api), ""});
}

void lamps(const Call& call) {
    const auto expression = query_value(call.request.query, "select");
    const auto selection = select_lamps(*call.api.config, *call.api.state, expression.value_or("all"));
    if (!selection.error.empty()) {
        return call.reply(
            refusal(404, "unknown_target", selection.error,
                    "all, a lamp, feeder or group, 1..20, F1:1..9, tag=, state=, pole=, phase=, road="));
    }
    call.reply({200, lamps_json(call.api, selection), ""});
}

void lamp(const Call& call) {
    const auto id = percent_decode(call.rest).value_or("");
    const auto& all = call.api.config->plant.lamps;
    const auto found =
        std::find_if(all.begin(), all.end(), [&id](const site::Lamp& each) { return each.id == id; });
    if (found == all.end()) {
        return call.reply(
            refusal(404, "unknown_target", "no lamp is called '" + id + "'", "GET /api/v1/lamps lists them"));
    }
    call.reply({200, lamp_json(call.api, static_cast<std::size_t>(found - all.begin())), ""});
}

template <std::string (*View)(const ApiContext&)>
void view(const Call& call) {
    call.reply({200, View(call.api), ""});
}

void alarms(const Call& call) {
    call.reply(call.api.alarms ? Response{200, alarms_json(call.api), ""} : absent("the alarm list"));
}

void outbox(const Call& call) {
    call.reply(call.api.outbox ? Response{200, outbox_json(call.api), ""} : absent("the outbox"));
}

void energy(const Call& call) {
    call.reply(call.api.energy_tonight ? Response{200, energy_json(call.api), ""} : absent("energy"));
}

void lines(const Call& call) {
    call.reply(call.api.lines ? Response{200, lines_json(call.api), ""} : absent("line statistics"));
}

template <typename Number>
bool read_number(const std::optional<std::string>& text, Number& number) {
    if (!text) return true;
    const auto result = std::from_chars(text->data(), text->data() + text->size(), number);
    return result.ec == std::errc{} && result.ptr == text->data() + text->size();
}

void sun(const Call& call) {
    const auto& place = call.api.config->place;
    schedule::GeoPoint point{place.latitude, place.longitude};
    int days = 1;
    const std::string& query = call.request.query;
    const bool numbers = read_number(query_value(query, "days"), days) &&
                         read_number(query_value(query, "lat"), point.latitude) &&
                         read_number(query_value(query, "lon"), point.longitude);
    const auto today = std::chrono::floor<std::chrono::days>(call.api.zone->to_local(call.api.now()));
    const auto from = query_value(query, "from");
    const auto date = from ? read_date(*from) : std::chrono::year_month_day{today};
    const bool fits = days >= 1 && days <= most_sun_days && std::abs(point.latitude) <= 90.0 &&
                      std::abs(point.longitude) <= 180.0;
    if (!numbers || !date || !fits) {
        return call.reply(refusal(400, "out_of_range",
                                  "sun?from=YYYY-MM-DD&days=N&lat=..&lon=.. has a value that cannot be",
                                  "days 1..3660, lat -90..90, lon -180..180"));
    }
    const auto table = schedule::sun_days(point, *call.api.zone, *date, days);
    call.reply({200, sun_json(table, point, *call.api.zone), ""});
}

void commands(const Call& call) {
    if (!call.api.command) return call.reply(absent("the command gate"));
    call.api.command(call.request.body, call.request.role, call.request.user,
                     [reply = call.reply](int http_status, std::string body) {
                         reply({http_status, std::move(body), ""});
                     });
}

void log_level(const Call& call) {
    if (!call.api.set_log_level) return call.reply(absent("the log level"));
    boost::system::error_code error;
    const auto document = boost::json::parse(call.request.body, error);
    const auto* object = error ? nullptr : document.if_object();
    const auto* level = object != nullptr ? object->if_contains("level") : nullptr;
    const auto* word = level != nullptr ? level->if_string() : nullptr;
    if (word == nullptr || !call.api.set_log_level(std::string{word->data(), word->size()})) {
        return call.reply(refusal(400, "out_of_range", R"(the body is {"level":"debug|info|warning|error"})",
                                  "see the message"));
    }
    call.reply({200, std::string{R"({"level":")"} + word->c_str() + "\"}\n", ""});
}

struct Route {
    std::string_view method, path;  // a path that ends in '/' takes one more piece
    Role role;
    void (*run)(const Call&);
};
constexpr std::array<Route, 14> routes{{
    {"GET", "status", Role::view, status},
    {"GET", "lamps", Role::view, lamps},
    {"GET", "lamps/", Role::view, lamp},
    {"GET", "feeders", Role::view, view<feeders_json>},
    {"GET", "meters", Role::view, view<meters_json>},
    {"GET", "contactors", Role::view, view<contactors_json>},
    {"GET", "inputs", Role::view, view<inputs_json>},
    {"GET", "alarms", Role::view, alarms},
    {"GET", "sun", Role::view, sun},
    {"GET", "outbox", Role::view, outbox},
    {"GET", "energy/tonight", Role::view, energy},
    {"GET", "lines", Role::view, lines},
    {"POST", "commands", Role::operator_, commands},
    {"PUT", "log-level", Role::admin, log_level},
}};

bool matches(const Route& route, std::string_view path, std::string_view& rest) {
    if (!route.path.ends_with('/')) return route.path == path;
    if (!path.starts_with(route.path) || path.size() == route.path.size()) return false;
    rest = path.substr(route.path.size());
    return true;
}

constexpr std::string_view role_words(Role role) {
    switch (role) {
        case Role::operator_:
            return "operators";
        case Role::admin:
            return "administrators";
        default:
            return "members of the group for viewing";
    }
}

}  // namespace

void Router::handle(const Request& request, const Reply& reply) const {
    std::string_view path = request.path;
    if (!path.starts_with(root)) {
        return reply(
            refusal(404, "unknown_path", "there is nothing here", "every path begins with /api/v1/"));
    }
    path.remove_prefix(root.size());
    std::string allow;
    for (const Route& route : routes) {
        std::string_view rest;
        if (!matches(route, path, rest)) continue;
        if (route.method != request.method) {
            allow += (allow.empty() ? "" : ", ") + std::string{route.method};
            continue;
        }
        if (request.role < route.role) {
            return reply(refusal(
                403, "not_permitted",
                "user " + request.user + " may not do this: it is for " + std::string{role_words(route.role)},
                "ask an administrator to add you to the group named in [api]"));
        }
        return route.run(Call{api_, request, rest, reply});
    }
    if (allow.empty()) {
        return reply(refusal(404, "unknown_path", "there is nothing at " + request.path,
                             "status lamps feeders meters contactors inputs alarms sun outbox energy/tonight "
                             "lines events commands"));
    }
    Response response =
        refusal(405, "method_not_allowed", request.method + " is not possible here", "use " + allow);
    response.allow = allow;
    reply(response);
}

}  // namespace sl::local
