#include "gateway/schedule/night.hpp"

#include "gateway/platform/zone.hpp"
#include "gateway/schedule/program.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace sl::schedule {
namespace {

using namespace std::chrono_literals;
using site::SiteTime;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year;

const GeoPoint jinzhong{37.69, 112.75};
const GeoPoint helsinki{60.17, 24.94};
const GeoPoint tromso{69.65, 18.96};

sys_days day(int y, int m, int d) {
    return sys_days{year{y} / m / d};
}
SiteTime utc(int y, int m, int d, int hour, int minute = 0) {
    return SiteTime{day(y, m, d).time_since_epoch() + std::chrono::hours{hour} + minutes{minute}};
}

site::Profile main_road() {
    site::Profile p;
    p.id = "main-road";
    p.steps = {{site::SunPoint{site::SunEvent::dusk, 0min}, site::Level{100}, 0s},
               {site::ClockPoint{23h}, site::Level{60}, 30s},
               {site::ClockPoint{5h}, site::Level{100}, 30s},
               {site::SunPoint{site::SunEvent::dawn, 0min}, site::Level{0}, 0s}};
    return p;
}

std::vector<int> levels(const std::vector<SwitchPoint>& points) {
    std::vector<int> all;
    for (const SwitchPoint& p : points)
        all.push_back(p.level.percent());
    return all;
}

TEST(Zone, resolves_a_skipped_time_to_the_jump_and_a_repeated_one_to_the_first) {
    const auto zone = platform::load_zone("Europe/Madrid");
    const auto local = [](int y, int m, int d, minutes t) {
        return std::chrono::local_time<site::milliseconds>{day(y, m, d).time_since_epoch() + t};
    };
    EXPECT_EQ(zone->to_utc(local(2026, 3, 29, 150min)), utc(2026, 3, 29, 1));
    EXPECT_EQ(zone->to_utc(local(2026, 10, 25, 150min)), utc(2026, 10, 25, 0, 30));
    EXPECT_EQ(zone->offset(utc(2026, 7, 1, 0)), 7'200s);
    EXPECT_THROW(platform::load_zone("Middle/Earth"), std::runtime_error);
}

TEST(Night, runs_from_local_noon_to_local_noon_without_hole_or_overlap) {
    // Apia skipped 2011-12-30 altogether; Madrid and Lord Howe change their clocks.
    for (const char* name : {"Asia/Shanghai", "Europe/Madrid", "Pacific/Apia", "Australia/Lord_Howe"}) {
        const auto zone = platform::load_zone(name);
        SiteTime t = utc(2011, 11, 1, 0);
        while (t < utc(2012, 4, 30, 0)) {
            const Night n = make_night(night_date(t, *zone), {}, jinzhong, *zone);
            ASSERT_LE(n.begin, t) << name;
            ASSERT_LT(t, n.end) << name;
            ASSERT_EQ(night_date(n.end, *zone), n.date + std::chrono::days{1}) << name;
            ASSERT_EQ(night_date(n.end - 1ms, *zone), n.date) << name;
            t = n.end;
        }
    }
}

TEST(Night, takes_offsets_and_guard_rails_into_account) {
    const auto zone = platform::load_zone("Asia/Shanghai");
    site::Astro astro;
    const Night plain = make_night(day(2026, 11, 23), astro, jinzhong, *zone);
    EXPECT_EQ(plain.dusk_by, EdgeBy::sun);
    // PyEphem: civil dusk at 37.69 N 112.75 E on 2026-11-23 is 17:41 local.
    EXPECT_LT(std::chrono::abs(plain.dusk - utc(2026, 11, 23, 9, 41)), 90s);
    astro.on_offset = -10min;
    astro.latest_off = minutes{6h};
    const Night moved = make_night(day(2026, 11, 23), astro, jinzhong, *zone);
    EXPECT_EQ(moved.dusk, plain.dusk - 10min);
    EXPECT_EQ(moved.dawn, utc(2026, 11, 23, 22));
    EXPECT_EQ(moved.dawn_by, EdgeBy::latest);
    astro.earliest_on = minutes{18h};
    EXPECT_EQ(make_night(day(2026, 11, 23), astro, jinzhong, *zone).dusk, utc(2026, 11, 23, 10));
}

TEST(Night, is_lit_from_end_to_end_in_the_polar_night_whatever_the_rails_say) {
    const auto zone = platform::load_zone("Europe/Oslo");
    site::Astro astro;
    astro.elevation_deg = sunrise_elevation;
    astro.earliest_on = minutes{16h};
    const Night n = make_night(day(2026, 12, 21), astro, tromso, *zone);
    EXPECT_EQ(n.dusk, n.begin);
    EXPECT_EQ(n.dawn, n.end);
    EXPECT_EQ(n.dusk_by, EdgeBy::polar_night);
}

TEST(Night, has_no_dark_part_when_the_sun_stays_up_unless_the_rails_make_one) {
    const auto zone = platform::load_zone("Europe/Oslo");
    site::Astro astro;
    const Night white = make_night(day(2026, 6, 21), astro, tromso, *zone);
    EXPECT_FALSE(white.dark());
    EXPECT_EQ(white.dusk_by, EdgeBy::never_dark);
    EXPECT_EQ(levels(plan_profile(main_road(), white, *zone)), (std::vector<int>{0, 0}));
    astro.latest_on = minutes{23h};
    astro.earliest_off = minutes{2h};
    const Night railed = make_night(day(2026, 6, 21), astro, tromso, *zone);
    EXPECT_EQ(railed.dusk, utc(2026, 6, 21, 21));
    EXPECT_EQ(railed.dawn, utc(2026, 6, 22, 0));
}

TEST(Program, has_the_steps_of_a_winter_night) {
    const auto zone = platform::load_zone("Asia/Shanghai");
    const Night n = make_night(day(2026, 11, 23), {}, jinzhong, *zone);
    const auto points = plan_profile(main_road(), n, *zone);
    ASSERT_EQ(levels(points), (std::vector<int>{0, 100, 60, 100, 0}));
    EXPECT_EQ(points[1].at, n.dusk);
    EXPECT_EQ(points[2].at, utc(2026, 11, 23, 15));
    EXPECT_EQ(points[2].fade, 30s);
    EXPECT_EQ(points[4].step, 3);
    EXPECT_EQ(point_at(points, points[2].at - 1ms), 1U);
    EXPECT_EQ(point_at(points, points[2].at), 2U);
}

TEST(Program, starts_a_late_summer_dusk_with_the_step_already_passed) {
    const auto zone = platform::load_zone("Europe/Helsinki");
    const Night n = make_night(day(2026, 6, 20), {}, helsinki, *zone);
    ASSERT_TRUE(n.dark());
    ASSERT_GT(n.dusk, utc(2026, 6, 20, 20));  // after 23:00 local
    const auto points = plan_profile(main_road(), n, *zone);
    ASSERT_EQ(levels(points), (std::vector<int>{0, 60, 0}));  // 05:00 comes after dawn and is left out
    EXPECT_EQ(points[1].at, n.dusk);
    EXPECT_EQ(points[2].at, n.dawn);
}

TEST(Program, never_lights_before_dusk_for_a_step_before_dawn_in_a_short_night) {
    const auto zone = platform::load_zone("Europe/Helsinki");
    site::Profile p = main_road();
    p.steps[2] = {site::SunPoint{site::SunEvent::dawn, -4h}, site::Level{80}, 0s};
    const Night n = make_night(day(2026, 6, 20), {}, helsinki, *zone);
    const auto points = plan_profile(p, n, *zone);
    ASSERT_EQ(levels(points), (std::vector<int>{0, 80, 0}));
    EXPECT_EQ(points[1].at, n.dusk);
}

TEST(Program, does_a_clock_step_exactly_once_on_the_days_the_clocks_change) {
    const auto zone = platform::load_zone("Europe/Madrid");
    const GeoPoint madrid{40.4, -3.7};
    site::Profile p = main_road();
    p.steps[1].at = site::ClockPoint{150min};  // 02:30: skipped in March, repeated in October
    const auto spring = plan_profile(p, make_night(day(2026, 3, 28), {}, madrid, *zone), *zone);
    ASSERT_EQ(levels(spring), (std::vector<int>{0, 100, 60, 100, 0}));
    EXPECT_EQ(spring[2].at, utc(2026, 3, 29, 1));
    const auto autumn = plan_profile(p, make_night(day(2026, 10, 24), {}, madrid, *zone), *zone);
    ASSERT_EQ(levels(autumn), (std::vector<int>{0, 100, 60, 100, 0}));
    EXPECT_EQ(autumn[2].at, utc(2026, 10, 25, 0, 30));
}

// Every night on which a clock changed from 1970 to 2037: Shanghai 1986-1991, Madrid, New York (with its new
// rules of 2007), and Lord Howe with its half hour.
TEST(Program, does_every_clock_step_once_in_each_night_of_a_clock_change_since_1970) {
    const GeoPoint quito{-0.2, -78.5};
    int changes = 0;
    for (const char* name : {"Asia/Shanghai", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe"}) {
        const auto zone = platform::load_zone(name);
        for (sys_days d = day(1970, 1, 1); d < day(2038, 1, 1); d += std::chrono::days{1}) {
            const SiteTime begin = clock_in_night(d, minutes{12h}, *zone);
            if (zone->offset(begin) == zone->offset(begin + 24h)) continue;
            ++changes;
            site::Profile p;
            for (int half_hour = 24; half_hour < 72; ++half_hour) {
                const minutes local{30 * half_hour % 1'440};
                p.steps.push_back({site::ClockPoint{local}, site::Level{1 + half_hour}, 0s});
            }
            const Night n = make_night(d, {}, quito, *zone);
            const auto points = plan_profile(p, n, *zone);
            // Steps of a skipped hour meet at the jump, where the last one counts; none is done twice.
            std::vector<int> done = levels(points);
            ASSERT_TRUE(std::is_sorted(done.begin(), done.end())) << name;
            ASSERT_EQ(std::adjacent_find(done.begin(), done.end()), done.end()) << name;
            ASSERT_GE(done.size(), 48U - 2U) << name;
            ASSERT_EQ(done.back(), 72) << name;
            // The sun does not know of it.
            const SiteTime noon = solar_noon(n.begin, quito);
            ASSERT_EQ(n.dusk, std::clamp(*set_after(noon, civil_elevation, quito).at, n.begin, n.end));
        }
    }
    EXPECT_GT(changes, 350);
}

TEST(Program, is_sound_on_every_night_from_1990_to_2060_at_all_latitudes) {
    const auto zone = platform::load_zone("Europe/Madrid");
    for (const double latitude : {-60.0, 0.0, 40.4, 60.0, 66.6, 68.0}) {
        SiteTime last{};
        for (sys_days d = day(1990, 1, 1); d < day(2060, 12, 31); d += std::chrono::days{61}) {
            const Night n = make_night(d, {}, {latitude, -3.7}, *zone);
            const auto points = plan_profile(main_road(), n, *zone);
            ASSERT_EQ(points.front().at, n.begin);
            ASSERT_EQ(points.back().level.percent(), n.dawn == n.end ? 100 : 0);
            for (std::size_t i = 1; i < points.size(); ++i) {
                ASSERT_LT(points[i - 1].at, points[i].at);
                ASSERT_LT(points[i].at, n.end);
                ASSERT_TRUE(!points[i].level.is_on() || points[i].at >= n.dusk);
            }
            ASSERT_GT(n.begin, last);
            last = n.begin;
        }
    }
}

}  // namespace
}  // namespace sl::schedule
