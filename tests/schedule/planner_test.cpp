#include "gateway/schedule/planner.hpp"

#include "gateway/platform/zone.hpp"
#include "gateway/schedule/selector.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace sl::schedule {
namespace {

using namespace std::chrono_literals;
using site::SiteTime;
using std::chrono::sys_days;
using std::chrono::year;

SiteTime utc(int y, int m, int d, int hour, int minute = 0) {
    return SiteTime{sys_days{year{y} / m / d}.time_since_epoch() + std::chrono::hours{hour} +
                    std::chrono::minutes{minute}};
}

site::Profile profile(std::string id, int night_level) {
    site::Profile p;
    p.id = std::move(id);
    p.steps = {{site::SunPoint{site::SunEvent::dusk, 0min}, site::Level{100}, 0s},
               {site::ClockPoint{23h}, site::Level{night_level}, 30s},
               {site::ClockPoint{5h}, site::Level{100}, 30s},
               {site::SunPoint{site::SunEvent::dawn, 0min}, site::Level{0}, 0s}};
    return p;
}

site::Config jinzhong(int lamps) {
    site::Config c;
    c.place.latitude = 37.69;
    c.place.longitude = 112.75;
    for (int i = 1; i <= lamps; ++i) {
        site::Lamp lamp;
        lamp.id = "L" + std::to_string(i);
        lamp.pole = "迎宾西街北" + std::to_string(i);
        lamp.feeder = i % 2 == 1 ? "F1" : "F2";
        if (i % 10 == 0) lamp.tags = {"crossing"};
        c.plant.lamps.push_back(lamp);
    }
    c.groups = {{"crossings", "", {site::Selector::Kind::tag, {"crossing"}, 0, 0}}};
    c.profiles = {profile("main-road", 60), profile("crossing", 80), profile("festival", 100)};
    c.schedules = {{"everyday", 10, "all", "main-road", ""},
                   {"crossings-bright", 20, "crossings", "crossing", ""},
                   {"spring-festival", 50, "all", "festival", "festivals"}};
    c.calendars = {{"festivals", {{year{2027} / 2 / 5, year{2027} / 2 / 20}}}};
    return c;
}

struct PlannerTest : testing::Test {
    site::Config config = jinzhong(20);
    std::unique_ptr<site::Zone> zone = platform::load_zone("Asia/Shanghai");
    Planner planner{config, *zone};
    static constexpr std::size_t plain = 0, crossing = 9;
};

TEST_F(PlannerTest, lets_the_highest_priority_that_selects_the_lamp_win) {
    const SiteTime midnight = utc(2026, 11, 23, 16);
    const Decision a = planner.decide(plain, midnight);
    EXPECT_EQ(a.level.percent(), 60);
    EXPECT_EQ(planner.rule_id(a), "everyday");
    EXPECT_EQ(planner.profile_id(a), "main-road");
    EXPECT_EQ(a.step, 1);
    EXPECT_EQ(a.since, utc(2026, 11, 23, 15));
    EXPECT_EQ(a.valid_until, utc(2026, 11, 23, 21));
    const Decision b = planner.decide(crossing, midnight);
    EXPECT_EQ(b.level.percent(), 80);
    EXPECT_EQ(planner.rule_id(b), "crossings-bright");
    EXPECT_EQ(planner.rule_sets(), 2U);
}

TEST_F(PlannerTest, holds_a_calendar_for_the_night_that_begins_on_its_date) {
    EXPECT_EQ(planner.decide(plain, utc(2027, 2, 4, 20)).level.percent(), 60);    // 4th, 04:00 of the 5th
    EXPECT_EQ(planner.decide(plain, utc(2027, 2, 5, 16)).level.percent(), 100);   // night of the 5th
    EXPECT_EQ(planner.decide(plain, utc(2027, 2, 20, 20)).level.percent(), 100);  // 04:00 of the 21st
    EXPECT_EQ(planner.decide(plain, utc(2027, 2, 21, 16)).level.percent(), 60);
    const auto standings = planner.standings(crossing, utc(2026, 11, 23, 16));
    ASSERT_EQ(standings.size(), 3U);
    EXPECT_FALSE(standings[0].calendar_holds);
    EXPECT_TRUE(standings[1].won);
    EXPECT_TRUE(standings[2].selected);
}

TEST_F(PlannerTest, lights_a_lamp_without_a_rule_from_dusk_to_dawn) {
    config.schedules.clear();
    const Planner bare{config, *zone};
    const Decision night = bare.decide(plain, utc(2026, 11, 23, 16));
    EXPECT_EQ(night.level.percent(), 100);
    EXPECT_EQ(night.source, site::Source::default_);
    EXPECT_EQ(bare.decide(plain, utc(2026, 11, 23, 4, 30)).level.percent(), 0);
}

TEST_F(PlannerTest, replays_nothing_when_the_clock_steps) {
    // A planner that lived through the year and one born today agree; so do they after a step back.
    const Planner fresh{config, *zone};
    const SiteTime before = utc(2026, 5, 3, 17), after = utc(2026, 11, 23, 16);
    planner.decide(plain, before);
    EXPECT_EQ(planner.decide(plain, after).level, fresh.decide(plain, after).level);
    EXPECT_EQ(planner.decide(plain, after - 2h).level, fresh.decide(plain, after - 2h).level);
    EXPECT_EQ(planner.decide(plain, before).since, fresh.decide(plain, before).since);
}

TEST_F(PlannerTest, names_every_change_in_next_edge_so_that_nobody_need_scan) {
    SiteTime t = utc(2026, 11, 20, 4);
    std::vector<Decision> now, then;
    for (int i = 0; i < 40; ++i) {
        const SiteTime edge = planner.next_edge(t);
        ASSERT_GT(edge, t);
        planner.decide_all(t, now);
        planner.decide_all(edge - 1ms, then);
        for (std::size_t lamp = 0; lamp < now.size(); ++lamp) {
            ASSERT_EQ(now[lamp].level, then[lamp].level);
            ASSERT_GE(now[lamp].valid_until, edge);
        }
        t = edge;
    }
}

TEST_F(PlannerTest, finds_the_next_switch_of_the_lamp_and_not_the_boundary_of_the_night) {
    const SiteTime forenoon = utc(2026, 11, 24, 2);
    const auto next = planner.next_switch(plain, forenoon);
    ASSERT_TRUE(next);
    EXPECT_EQ(*next, planner.night(utc(2026, 11, 24, 8)).dusk);
    EXPECT_EQ(planner.next_switch(plain, utc(2026, 11, 23, 16)), utc(2026, 11, 23, 21));
}

TEST_F(PlannerTest, is_on_with_an_unknown_clock_and_keeps_the_table_on_an_estimated_one) {
    const SiteTime noon = utc(2026, 11, 23, 5), never = utc(1970, 1, 1, 0);
    EXPECT_EQ(planner.decide(plain, ClockState{noon, site::TimeQuality::ntp, true}).level.percent(), 0);
    const Decision est = planner.decide(plain, ClockState{noon, site::TimeQuality::est, true});
    EXPECT_EQ(est.level.percent(), 0);
    EXPECT_TRUE(est.estimated_clock);
    for (const ClockState& bad :
         {ClockState{never, site::TimeQuality::none, false}, ClockState{noon, site::TimeQuality::none, true},
          ClockState{never, site::TimeQuality::ntp, false}}) {
        EXPECT_EQ(planner.decide(plain, bad).level.percent(), 100);
        EXPECT_EQ(planner.decide(plain, bad).source, site::Source::failsafe);
    }
}

TEST(Planner, decides_a_year_for_510_lamps_and_20_rules_by_the_night_and_not_by_the_second) {
    site::Config config = jinzhong(510);
    for (int i = 0; i < 17; ++i) {
        const std::string id = "g" + std::to_string(i);
        config.groups.push_back({id, "", {site::Selector::Kind::pole_modulo, {}, 17, i}});
        config.schedules.push_back({"r" + std::to_string(i), 30 + i, id, i % 2 == 0 ? "crossing" : "festival",
                                    i % 3 == 0 ? "festivals" : ""});
    }
    const auto zone = platform::load_zone("Asia/Shanghai");
    const Planner planner{config, *zone};
    std::vector<Decision> all;
    std::size_t edges = 0;
    std::int64_t burning = 0;
    const SiteTime end = utc(2027, 6, 1, 4);
    for (SiteTime t = utc(2026, 6, 1, 4); t < end; ++edges) {
        planner.decide_all(t, all);
        const SiteTime next = std::min(planner.next_edge(t), end);
        for (const Decision& d : all)
            burning += d.level.is_on() ? (next - t).count() / 1'000 : 0;
        t = next;
    }
    EXPECT_LT(edges, 365U * 8U);
    // Civil dusk to dawn is 3,967 h a year here.
    EXPECT_NEAR(static_cast<double>(burning) / 3'600.0 / 510.0, 3'967.0, 5.0);
}

TEST(Selector, knows_every_kind) {
    site::Lamp lamp;
    lamp.id = "F1-15";
    lamp.pole = "迎宾西街北15";
    lamp.feeder = "F1";
    lamp.phase = site::Phase::l2;
    lamp.road_class = site::RoadClass::main;
    lamp.tags = {"crossing", "路口"};
    using Kind = site::Selector::Kind;
    EXPECT_TRUE(selects({Kind::all, {}, 0, 0}, lamp));
    EXPECT_TRUE(selects({Kind::lamps, {"F1-14", "F1-15"}, 0, 0}, lamp));
    EXPECT_FALSE(selects({Kind::lamps, {"f1-15"}, 0, 0}, lamp));
    EXPECT_TRUE(selects({Kind::feeder, {"F1"}, 0, 0}, lamp));
    EXPECT_TRUE(selects({Kind::tag, {"路口"}, 0, 0}, lamp));
    EXPECT_TRUE(selects({Kind::phase, {"L2"}, 0, 0}, lamp));
    EXPECT_FALSE(selects({Kind::phase, {"l1"}, 0, 0}, lamp));
    EXPECT_TRUE(selects({Kind::road_class, {"main"}, 0, 0}, lamp));
    EXPECT_TRUE(selects({Kind::pole_modulo, {}, 2, 1}, lamp));
    EXPECT_FALSE(selects({Kind::pole_modulo, {}, 2, 0}, lamp));
    EXPECT_FALSE(selects({Kind::pole_modulo, {}, 0, 0}, lamp));
    EXPECT_EQ(pole_number("no number"), std::nullopt);
    EXPECT_EQ(pole_number("P99999999999999"), std::nullopt);
}

}  // namespace
}  // namespace sl::schedule
