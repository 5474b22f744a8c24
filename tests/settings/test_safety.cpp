// What a street looks like when the gateway is dead, worked out before it happens.
#include "tests/settings/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Dead : public testing::Test {
  protected:
    // The small cabinet with another dead_state, failsafe and further keys of the feeder.
    std::string told(const std::string& dead_state, const std::string& failsafe, const std::string& more = "",
                     const std::string& road = "main") {
        auto toml = replaced(small_cabinet(), "\"astro-timer\"", "\"" + dead_state + "\"");
        toml = replaced(toml, "failsafe = 100", failsafe + "\n" + more);
        return rendered(load_small(folder_, toml, "id,address,feeder,road_class\nL1,1,F1," + road + "\n"),
                        folder_);
    }
    std::string told_always(const std::string& failsafe, const std::string& more = "",
                            const std::string& road = "main") {
        auto toml = replaced(small_cabinet(), "contactor = \"K1\"\nfailsafe = 100",
                             "kind = \"always\"\n" + failsafe + "\n" + more);
        toml = replaced(toml, "[[contactor]]\nid = \"K1\"\nmodule = \"IO1\"\ndead_state = \"astro-timer\"\n",
                        "");
        return rendered(load_small(folder_, toml, "id,address,feeder,road_class\nL1,1,F1," + road + "\n"),
                        folder_);
    }
    Folder folder_;
};

const std::string dark = "leaves a main road dark";
const std::string lit = "burns by day";

TEST_F(Dead, AContactorThatOpensLeavesAMainRoadDark) {
    EXPECT_THAT(told("off", "failsafe = 100"), HasSubstr(dark));
    EXPECT_THAT(told("off", "failsafe = 100", "", "express"), HasSubstr(dark));
    EXPECT_EQ(told("off", "failsafe = 100", "", "residential"), "");
    EXPECT_EQ(told("off", "failsafe = 100", "accept = [\"dark-when-dead\"]"), "");
}

TEST_F(Dead, AContactorThatStaysClosedWithAFixedLevelBurnsByDay) {
    EXPECT_THAT(told("on", "failsafe = 100"), HasSubstr(lit));
    EXPECT_THAT(told("on", "failsafe = 100", "", "residential"), HasSubstr(lit));
    EXPECT_EQ(told("on", "failsafe = 100", "accept = [\"lit-by-day-when-dead\"]"), "");
    EXPECT_THAT(told("on", "failsafe = 100", "accept = [\"dark-when-dead\"]"), HasSubstr(lit));
}

TEST_F(Dead, LevelZeroLeavesAMainRoadDarkWhateverThePower) {
    EXPECT_THAT(told("astro-timer", "failsafe = 0"), HasSubstr(dark));
    EXPECT_THAT(told("on", "failsafe = 0"), HasSubstr(dark));
    EXPECT_THAT(told("on", "failsafe = 0"), Not(HasSubstr(lit)));
    EXPECT_THAT(told("astro-timer", "failsafe = \"none\""), HasSubstr(dark));
}

TEST_F(Dead, AnAstronomicalTimerWithALevelIsRight) {
    EXPECT_EQ(told("astro-timer", "failsafe = 100"), "");
}

TEST_F(Dead, AnAlwaysLiveFeederHasNoSilentDefault) {
    EXPECT_THAT(told_always(""), HasSubstr("does not say what its lamps do when they hear nothing"));
    EXPECT_THAT(told_always("failsafe = 100"), HasSubstr(lit));
    EXPECT_THAT(told_always("failsafe = 0"), HasSubstr(dark));
    EXPECT_EQ(told_always("failsafe = 0", "", "branch"), "");
    EXPECT_EQ(told_always("failsafe = 100", "accept = [\"lit-by-day-when-dead\"]"), "");
}

TEST_F(Dead, AStateOfTheContactorMustBeSaid) {
    const auto toml = replaced(small_cabinet(), "dead_state = \"astro-timer\"\n", "");
    EXPECT_THAT(rendered(load_small(folder_, toml, small_lamps()), folder_),
                HasSubstr("lacks \"dead_state\""));
}

}  // namespace
}  // namespace sl::test
