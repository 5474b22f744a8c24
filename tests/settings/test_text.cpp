// Typed text.
#include "gateway/settings/text.hpp"

#include <gtest/gtest.h>

namespace sl::settings {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

TEST(Text, DurationsHaveUnitsAndNothingElse) {
    EXPECT_EQ(parse_duration("300ms"), milliseconds{300});
    EXPECT_EQ(parse_duration("20s"), milliseconds{20'000});
    EXPECT_EQ(parse_duration("1h30m"), milliseconds{5'400'000});
    EXPECT_EQ(parse_duration("7d"), milliseconds{7 * 86'400'000});
    EXPECT_EQ(parse_duration("- 10m", true), milliseconds{-600'000});
    for (const auto* bad : {"", "5", "s", "5x", "-5s", "5 s", "1.5h", "9999999999s", "999999999d"})
        EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Text, DurationsAreWrittenTheShortestWay) {
    EXPECT_EQ(duration_text(milliseconds{90'000}), "90s");
    EXPECT_EQ(duration_text(milliseconds{0}), "0s");
    EXPECT_EQ(duration_text(milliseconds{-10'800'000}), "-3h");
}

TEST(Text, SizesArePowersOf1024) {
    EXPECT_EQ(parse_size("200MB"), 200ULL << 20U);
    EXPECT_EQ(parse_size("64 KB"), 65'536U);
    for (const auto* bad : {"", "5", "5kb", "MB", "-1MB"})
        EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Text, StepsAreClockOrSunTimes) {
    EXPECT_EQ(std::get<site::ClockPoint>(*parse_step_at("23:00")).local, minutes{23 * 60});
    EXPECT_EQ(std::get<site::ClockPoint>(*parse_step_at("29:30")).local, minutes{29 * 60 + 30});
    const auto sun = std::get<site::SunPoint>(*parse_step_at("sunrise + 5m"));
    EXPECT_EQ(sun.event, site::SunEvent::sunrise);
    EXPECT_EQ(sun.offset, minutes{5});
    EXPECT_EQ(std::get<site::SunPoint>(*parse_step_at("dawn-1h")).offset, minutes{-60});
    for (const auto* bad : {"", "7:00", "23:60", "36:01", "dusk 5m", "dusk - 30s", "dusk - 9h", "noon"})
        EXPECT_FALSE(parse_step_at(bad)) << bad;
}

TEST(Text, DatesExistInTheCalendar) {
    EXPECT_TRUE(parse_date("2028-02-29"));
    EXPECT_FALSE(parse_date("2027-02-29"));
    EXPECT_FALSE(parse_date("2027-2-1"));
}

TEST(Text, SelectorsSayWhatTheyExpect) {
    std::string why;
    EXPECT_EQ(parse_selector("pole%2=1", why)->remainder, 1);
    EXPECT_EQ(parse_selector("tag=路口", why)->values.front(), "路口");
    for (const auto* bad : {"", "tag=", "phase=L4", "road=highway", "pole%1=0", "pole%2=2", "pole%2"}) {
        why.clear();
        EXPECT_FALSE(parse_selector(bad, why)) << bad;
        EXPECT_FALSE(why.empty()) << bad;
    }
}

TEST(Text, IdsMayBeChineseButNotBreakATopic) {
    EXPECT_EQ(bad_id("迎宾西街-01"), "");
    for (const auto* bad : {"", " a", "a/b", "a+", "#", "a\tb", "\xFF"})
        EXPECT_NE(bad_id(bad), "") << bad;
    EXPECT_NE(bad_id(std::string(65, 'a')), "");
}

TEST(Text, TheNearestWordIsWithinAThirdOfItsLength) {
    EXPECT_EQ(nearest("lontitude", {"latitude", "longitude"}), "longitude");
    EXPECT_EQ(nearest("main-raod", {"main-road", "side-road"}), "main-road");
    EXPECT_EQ(nearest("接触噐", {"接触器"}), "接触器");
    EXPECT_EQ(nearest("zzz", {"main"}), "");
}

}  // namespace
}  // namespace sl::settings
