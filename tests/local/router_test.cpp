#include "gateway/local/router.hpp"

#include "tests/local/plant.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace sl::local {
namespace {

using site::Quantity;
using testing::ElementsAre;
using testing::HasSubstr;
namespace json = boost::json;

struct Router_ : testing::Test {
    Cabinet cabinet;
    Router router{cabinet.api};
    Response last;

    json::value call(std::string method, std::string path, Role role = Role::admin, std::string body = "") {
        Request request;
        request.method = std::move(method);
        const auto mark = path.find('?');
        request.path = path.substr(0, mark);
        if (mark != std::string::npos) request.query = path.substr(mark + 1);
        request.role = role;
        request.user = "wang";
        request.body = std::move(body);
        last = {};
        router.handle(request, [this](Response response) { last = std::move(response); });
        return last.body.empty() ? json::value{} : json::parse(last.body);
    }
    json::value get(const std::string& path) { return call("GET", "/api/v1/" + path); }
};

std::vector<std::string> keys(const json::value& object) {
    std::vector<std::string> names;
    for (const auto& member : object.as_object())
        names.emplace_back(member.key());
    return names;
}

TEST_F(Router_, the_names_of_a_lamp_row_are_frozen) {
    const auto answer = get("lamps");
    ASSERT_EQ(last.status, 200);
    ASSERT_EQ(answer.at("lamps").as_array().size(), 4U);
    EXPECT_THAT(
        keys(answer.at("lamps").at(0)),
        ElementsAre("id", "name", "pole", "feeder", "phase", "order", "rated_w", "state", "online", "powered",
                    "age_ms", "target_pct", "level_pct", "source", "confirmed", "power_w", "voltage_v",
                    "current_a", "power_factor", "energy_wh", "burning_s", "temperature_c", "faults"));
}

TEST_F(Router_, the_names_of_status_are_frozen) {
    EXPECT_THAT(keys(get("status")),
                ElementsAre("site", "gateway", "name", "version", "zone", "time", "now_ms", "uptime_s",
                            "mode", "config", "clock", "night", "feeders", "lamps", "power_w", "energy",
                            "alarms", "uplink", "outbox"));
    EXPECT_EQ(get("status").at("time").as_string(), "2026-11-23T21:01:44+08:00");
}

TEST_F(Router_, a_value_nobody_vouches_for_is_null_and_not_a_number) {
    cabinet.set(0, Quantity::power_w, 71.25);
    cabinet.set(1, Quantity::power_w, 60.0);
    cabinet.state.lamps[1][Quantity::power_w].quality = site::Quality::stale;
    const auto rows = get("lamps").at("lamps");
    EXPECT_EQ(rows.at(0).at("power_w").as_double(), 71.25);
    EXPECT_TRUE(rows.at(1).at("power_w").is_null());
    EXPECT_EQ(rows.at(0).at("age_ms").as_int64(), 2'000);
    EXPECT_EQ(get("lamps/L002").at("values").at("power_w").at("quality").as_string(), "stale");
}

TEST_F(Router_, a_feeder_shows_its_own_meter_and_else_the_sum_of_its_lamps) {
    for (std::size_t i = 0; i < 4; ++i)
        cabinet.set(i, Quantity::power_w, 70.0);
    cabinet.state.meters[0].at(Quantity::power_w) = {151.0, cabinet.now, site::Quality::ok};
    const auto feeders = get("feeders").at("feeders");
    EXPECT_EQ(feeders.at(0).at("power_w").as_int64(), 151);
    EXPECT_EQ(feeders.at(0).at("power_by").as_string(), "meter");
    EXPECT_EQ(feeders.at(1).at("power_w").as_int64(), 140);
    EXPECT_EQ(feeders.at(1).at("power_by").as_string(), "lamps");
    EXPECT_EQ(get("status").at("power_w").as_int64(), 291);
}

TEST_F(Router_, a_meter_that_measures_two_feeders_is_no_feeders_power) {
    cabinet.config.plant.feeders[1].meter = "M1";
    cabinet.state.meters[0].at(Quantity::power_w) = {300.0, cabinet.now, site::Quality::ok};
    cabinet.set(0, Quantity::power_w, 70.0);
    EXPECT_EQ(get("feeders").at("feeders").at(0).at("power_w").as_int64(), 70);
}

TEST_F(Router_, unknown_things_are_404_with_a_hint) {
    EXPECT_THAT(std::string{get("lamps?select=L9").at("error").at("message").as_string()}, HasSubstr("L9"));
    EXPECT_EQ(last.status, 404);
    get("lamps/L9");
    EXPECT_EQ(last.status, 404);
    get("teapot");
    EXPECT_EQ(last.status, 404);
    call("GET", "/elsewhere");
    EXPECT_EQ(last.status, 404);
    get("lines");  // this cabinet gave no line statistics
    EXPECT_EQ(last.status, 404);
}

TEST_F(Router_, a_wrong_method_is_405_and_names_the_right_one) {
    call("DELETE", "/api/v1/status");
    EXPECT_EQ(last.status, 405);
    EXPECT_EQ(last.allow, "GET");
}

TEST_F(Router_, each_role_may_do_what_its_group_says) {
    int commands = 0;
    cabinet.api.command = [&](const std::string&, Role, const std::string&,
                              const ApiContext::CommandDone& done) {
        ++commands;
        done(200, "{}");
    };
    cabinet.api.set_log_level = [](const std::string& level) { return level == "debug"; };
    const auto status_of = [this](const char* method, const char* path, Role role, const char* body) {
        call(method, path, role, body);
        return last.status;
    };
    EXPECT_EQ(status_of("GET", "/api/v1/status", Role::none, ""), 403);
    EXPECT_EQ(status_of("GET", "/api/v1/status", Role::view, ""), 200);
    EXPECT_EQ(status_of("POST", "/api/v1/commands", Role::view, "{}"), 403);
    EXPECT_EQ(commands, 0);
    EXPECT_EQ(status_of("POST", "/api/v1/commands", Role::operator_, "{}"), 200);
    EXPECT_EQ(commands, 1);
    EXPECT_EQ(status_of("PUT", "/api/v1/log-level", Role::operator_, R"({"level":"debug"})"), 403);
    EXPECT_EQ(status_of("PUT", "/api/v1/log-level", Role::admin, R"({"level":"debug"})"), 200);
    EXPECT_EQ(status_of("PUT", "/api/v1/log-level", Role::admin, R"({"level":"loud"})"), 400);
    EXPECT_EQ(status_of("PUT", "/api/v1/log-level", Role::admin, "[["), 400);
}

TEST_F(Router_, a_command_is_handed_on_as_it_came_and_may_be_answered_later) {
    std::string seen;
    ApiContext::CommandDone later;
    cabinet.api.command = [&](const std::string& body, Role role, const std::string& user,
                              const ApiContext::CommandDone& done) {
        seen = body + " " + user + (role == Role::operator_ ? " operator" : " other");
        later = done;
    };
    call("POST", "/api/v1/commands", Role::operator_, R"({"op":"sync"})");
    EXPECT_EQ(seen, R"({"op":"sync"} wang operator)");
    EXPECT_TRUE(last.body.empty());
    later(409, R"({"result":"rejected"})");
    EXPECT_EQ(last.status, 409);
}

TEST_F(Router_, alarms_and_backlog_are_counted) {
    cabinet.api.alarms = [] {
        ActiveAlarm offline;
        offline.alarm.code = site::AlarmCode::lamp_offline;
        ActiveAlarm weld = offline;
        weld.alarm.code = site::AlarmCode::contactor_mismatch;
        weld.acknowledged = true;
        return std::vector<ActiveAlarm>{offline, weld};
    };
    cabinet.api.outbox = [] {
        OutboxInfo info;
        info.streams = {{site::Stream::event, 10, 3, 0}, {site::Stream::telemetry, 5, 4, 1}};
        return info;
    };
    const auto status = get("status");
    EXPECT_EQ(status.at("alarms").at("active").as_int64(), 2);
    EXPECT_EQ(status.at("alarms").at("unacknowledged").as_int64(), 1);
    EXPECT_EQ(status.at("alarms").at("worst").as_string(), "critical");
    EXPECT_EQ(status.at("outbox").at("pending").as_int64(), 7);
    EXPECT_EQ(get("outbox").at("streams").at(1).at("lost").as_int64(), 1);
}

TEST_F(Router_, the_sun_is_that_of_the_place_or_of_the_one_asked_for) {
    const auto here = get("sun?from=2026-11-23&days=2");
    ASSERT_EQ(here.at("days").as_array().size(), 2U);
    EXPECT_THAT(std::string{here.at("days").at(0).at("sunset").at("at").as_string()},
                HasSubstr("2026-11-23T17:13:"));
    const auto north = get("sun?from=2026-12-21&lat=78&lon=15");
    EXPECT_TRUE(north.at("days").at(0).at("sunrise").at("at").is_null());
    EXPECT_EQ(north.at("days").at(0).at("sunrise").at("reason").as_string(), "never_rises");
    for (const char* wrong :
         {"sun?from=2026-02-30", "sun?days=0", "sun?days=x", "sun?lat=91", "sun?from=23.11.2026"}) {
        get(wrong);
        EXPECT_EQ(last.status, 400) << wrong;
    }
}

}  // namespace
}  // namespace sl::local
