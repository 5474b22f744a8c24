#include "gateway/local/ctl.hpp"

#include "gateway/local/ctl_table.hpp"
#include "gateway/local/views.hpp"
#include "tests/local/plant.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace sl::local {
namespace {

using boost::json::parse;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Table, columns_are_aligned_by_what_a_terminal_shows) {
    EXPECT_EQ(display_width("迎宾西街"), 8U);
    EXPECT_EQ(display_width("é"), 1U);
    EXPECT_EQ(display_width("e\u0301"), 1U);
    EXPECT_EQ(display_width("\xff\xe4"), 2U);
    Table table({"ID", "NAME", ">W"});
    table.row({"F1", "迎宾路", "5"});
    table.row({"F2-long", "Main", "1200"});
    EXPECT_EQ(table.text(false),
              "ID       NAME       W\n"
              "F1       迎宾路     5\n"
              "F2-long  Main    1200\n");
}

TEST(Table, colour_does_not_move_columns_and_can_be_off) {
    Table table({"A", "B"});
    table.row({Cell{"x", Tone::bad}, "y"});
    EXPECT_EQ(table.text(true), "A  B\n\033[31mx\033[0m  y\n");
    EXPECT_EQ(table.text(false), "A  B\nx  y\n");
}

TEST(Verdict_, exit_codes_follow_what_the_lamps_did) {
    const auto verdict = [](const char* reply) { return verdict_on(parse(reply)); };
    const auto all = verdict(R"({"result":"ok","code":0,"n":30,"ok":30,"fails":[]})");
    EXPECT_EQ(all.exit, Exit::done);
    EXPECT_EQ(all.text, "30 lamps: 30 done");
    const auto some = verdict(R"({"result":"partial","code":20,"n":30,"ok":29,"fails":[["F1-07",20,3]]})");
    EXPECT_EQ(some.exit, Exit::partly);
    EXPECT_EQ(some.text, "30 lamps: 29 done, 1 no answer (F1-07)");
    EXPECT_EQ(verdict(R"({"result":"failed","code":20,"n":2,"ok":0,"fails":[["A",20,3],["B",20,3]]})").exit,
              Exit::no_answer);
    EXPECT_EQ(verdict(R"({"result":"failed","code":20,"n":2,"ok":0,"fails":[["A",20,3],["B",21,1]]})").exit,
              Exit::failed);
    EXPECT_EQ(verdict(R"({"result":"failed","code":25,"n":1,"ok":0,"fails":[["A",25,0]]})").exit,
              Exit::refused);
    EXPECT_EQ(verdict(R"({"result":"rejected","code":12,"text":"target.lamps[0]: no such lamp"})").exit,
              Exit::unknown_object);
    EXPECT_EQ(verdict(R"({"result":"rejected","code":14})").exit, Exit::not_allowed);
    EXPECT_EQ(verdict(R"({"result":"rejected","code":24,"text":"local switch"})").exit, Exit::refused);
    EXPECT_EQ(verdict(R"({"result":"ok","code":0})").exit, Exit::done);
    EXPECT_EQ(verdict("{}").exit, Exit::failed);
    EXPECT_EQ(verdict(R"({"result":"expired","code":16})").exit, Exit::failed);
}

TEST(Duration, is_read_with_units_or_not_at_all) {
    EXPECT_EQ(duration_s("20m"), 1'200);
    EXPECT_EQ(duration_s("1h30m"), 5'400);
    EXPECT_EQ(duration_s("90"), 90);
    EXPECT_EQ(duration_s("1d"), 86'400);
    for (const char* wrong : {"", "0", "m", "-5m", "5x", "1h30", "99999999999999h", "1.5h"})
        EXPECT_EQ(duration_s(wrong), std::nullopt) << wrong;
}

TEST(Until, means_the_next_time_the_gateways_clock_says_so) {
    constexpr std::string_view now = "2026-11-23T21:01:44+08:00";
    constexpr long long now_ms = 1'795'438'904'500;
    constexpr long long day_ms = 86'400'000;
    constexpr long long midnight = 1'795'438'904'000 + (2 * 3'600 + 58 * 60 + 16) * 1'000LL;
    EXPECT_EQ(until_ms("06:00", now, now_ms), midnight + 6 * 3'600'000LL);
    EXPECT_EQ(until_ms("21:02", now, now_ms), 1'795'438'920'000);
    EXPECT_EQ(until_ms("21:01", now, now_ms), 1'795'438'860'000 + day_ms);
    EXPECT_EQ(until_ms("2026-11-25T00:00", now, now_ms), midnight + day_ms);
    EXPECT_EQ(until_ms("2026-11-25T00:00:01", now, now_ms), midnight + day_ms + 1'000);
    for (const char* wrong :
         {"", "6:00", "24:00", "06:60", "06.00", "2026-11-22T00:00", "2026-02-30T00:00", "tomorrow"})
        EXPECT_EQ(until_ms(wrong, now, now_ms), std::nullopt) << wrong;
    EXPECT_EQ(until_ms("06:00", "", now_ms), std::nullopt);
}

TEST(LampSet_, becomes_the_command_of_the_contract) {
    LampSet set;
    set.level = 60;
    set.for_ = "20m";
    set.fade_s = 3;
    set.emergency = true;
    set.why = "accident";
    std::string error;
    EXPECT_EQ(
        lamp_set_json(set, R"({"all":true})", {}, error),
        R"({"v":1,"op":"lamp.set","target":{"all":true},"args":{"level_pct":60,"fade_s":3,"priority":"emergency"},)"
        R"("hold":{"for_s":1200},"why":"accident","ack":"fails"})");
    set.next_switch = true;
    EXPECT_EQ(lamp_set_json(set, R"({"all":true})", {}, error), "");
    EXPECT_THAT(error, HasSubstr("exclude each other"));
    set.for_.clear();
    EXPECT_THAT(lamp_set_json(set, R"({"all":true})", {}, error),
                HasSubstr(R"("hold":{"next_switch":true})"));
    set.next_switch = false;
    EXPECT_THAT(lamp_set_json(set, R"({"all":true})", {}, error), Not(HasSubstr("hold")));
    error.clear();
    set.for_ = "soon";
    EXPECT_EQ(lamp_set_json(set, R"({"all":true})", {}, error), "");
    EXPECT_THAT(error, HasSubstr("soon"));
}

TEST(Health_, speaks_as_nagios_wants_it) {
    Cabinet cabinet;
    cabinet.api.clock_quality = [] { return site::TimeQuality::ntp; };
    EXPECT_THAT(health_of(parse(status_json(cabinet.api))).line,
                StartsWith("STREETLIGHT OK - 4 lamps watched | lamps=4 ok=4 "));
    cabinet.api.clock_quality = [] { return site::TimeQuality::none; };
    EXPECT_EQ(health_of(parse(status_json(cabinet.api))).exit, 1);
    cabinet.api.alarms = [] {
        ActiveAlarm weld;
        weld.alarm.code = site::AlarmCode::contactor_mismatch;
        return std::vector<ActiveAlarm>{weld};
    };
    EXPECT_EQ(health_of(parse(status_json(cabinet.api))).exit, 2);
    EXPECT_THAT(health_of(parse(status_json(cabinet.api))).line,
                StartsWith("STREETLIGHT CRITICAL - a critical alarm stands, clock"));
}

TEST(View_, status_fits_on_one_screen_and_ends_with_the_totals) {
    Cabinet cabinet;
    cabinet.state.lamps[1].target = site::Level{80};
    cabinet.state.feeders[1].energised = false;
    cabinet.api.clock_quality = [] { return site::TimeQuality::ntp; };
    cabinet.api.night = [&cabinet] {
        return NightInfo{
            true, cabinet.now - std::chrono::hours{3}, cabinet.now + std::chrono::hours{9}, {}, "civil dusk",
            ""};
    };
    const std::string text = View{}.status(parse(status_json(cabinet.api)));
    EXPECT_THAT(
        text,
        StartsWith("JZ-17  迎宾西街 17# 箱变    night, on since 18:01:44 (civil dusk), off 06:01:44\n"));
    EXPECT_THAT(text, HasSubstr("F1      F1 路  on      60-80 %      2   2      0        0  0.0 W  -\n"));
    EXPECT_THAT(text, HasSubstr("F2      F2 路  not on  60 %"));
    EXPECT_THAT(text, testing::EndsWith("2 feeders, 4 lamps. No alarm stands.\n"));
    EXPECT_THAT((View{false, false}.status(parse(status_json(cabinet.api)))), Not(HasSubstr("4 lamps.")));
}

TEST(View_, lists_say_how_many_and_dash_what_is_unknown) {
    Cabinet cabinet;
    cabinet.set(0, site::Quantity::power_w, 71.5);
    cabinet.state.lamps[1].online = false;
    const Selection all = select_lamps(cabinet.config, cabinet.state, "F1");
    const std::string text = View{}.lamps(parse(lamps_json(cabinet.api, all)));
    EXPECT_THAT(text, HasSubstr("71.5 W"));
    EXPECT_THAT(text, HasSubstr("offline"));
    EXPECT_THAT(text, testing::EndsWith("2 lamps listed.\n"));
    EXPECT_THAT(View{}.lamp(parse(lamp_json(cabinet.api, 0))),
                HasSubstr("  power_w            71.5      ok, 2 s ago\n"));
}

TEST(Client_, reads_answers_whole_in_pieces_and_without_length) {
    const std::string answer = "HTTP/1.1 404 Not Found\r\ncontent-LENGTH: 5\r\n\r\nhello";
    for (std::size_t size = 0; size < answer.size(); ++size)
        EXPECT_FALSE(parse_reply(std::string_view{answer}.substr(0, size), false).has_value()) << size;
    EXPECT_EQ(parse_reply(answer + "more", false)->body, "hello");
    EXPECT_EQ(parse_reply(answer, false)->status, 404);
    EXPECT_FALSE(parse_reply("HTTP/1.1 200 OK\r\n\r\nabc", false).has_value());
    EXPECT_EQ(parse_reply("HTTP/1.1 200 OK\r\n\r\nabc", true)->body, "abc");
    EXPECT_FALSE(parse_reply("nonsense\r\n\r\nabc", true).has_value());
}

TEST(Client_, cuts_events_out_of_a_stream_however_it_arrives) {
    const std::string stream =
        "retry: 3000\n\n:\n\nid: 7-1\nevent: lamp\ndata: {\"a\":1}\n\nid: 7-2\nevent: alarm\ndata: {}\n\n";
    for (std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
        std::string seen;
        EventReader reader([&seen](std::string_view event, std::string_view data) {
            seen.append(event).append("=").append(data).append(" ");
        });
        for (std::size_t at_ = 0; at_ < stream.size(); at_ += piece)
            reader.feed(std::string_view{stream}.substr(at_, piece));
        EXPECT_EQ(seen, "lamp={\"a\":1} alarm={} ");
    }
}

TEST(Pretty, indents_and_changes_nothing_inside_texts) {
    EXPECT_EQ(pretty(R"({"a":[1,{"b":"x,{\"y"}],"c":{},"d":[]})"
                     "\n"),
              "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"y\"\n    }\n  ],\n  \"c\": {},\n  \"d\": "
              "[]\n}\n");
}

}  // namespace
}  // namespace sl::local
