#include "gateway/local/changes.hpp"

#include "gateway/local/ctl.hpp"
#include "tests/local/plant.hpp"

#include <gmock/gmock.h>

namespace sl::local {
namespace {

std::vector<std::string> told(Changes& changes) {
    std::vector<std::string> messages;
    changes.step([&messages](std::string_view topic, std::string_view json) {
        messages.push_back(std::string{topic} + " " + std::string{json});
    });
    return messages;
}

TEST(Changes_, tell_only_of_the_lamp_that_changed_and_only_once) {
    Cabinet cabinet;
    Changes changes(cabinet.api);
    EXPECT_TRUE(told(changes).empty());
    EXPECT_TRUE(told(changes).empty());
    cabinet.state.lamps[2].online = false;
    cabinet.state.lamps[2].misses = 3;
    const auto messages = told(changes);
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0], R"(lamp {"time":"2026-11-23T21:01:44+08:00","id":"L003","name":"","feeder":"F2",)"
                           R"("state":"offline","target_pct":60,"level_pct":null,"source":"program"})");
    EXPECT_TRUE(told(changes).empty());
}

TEST(Changes_, tell_of_a_feeder_before_its_lamps) {
    Cabinet cabinet;
    Changes changes(cabinet.api);
    told(changes);
    cabinet.state.feeders[0].energised = false;
    cabinet.state.lamps[0].powered = false;
    const auto messages = told(changes);
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_THAT(messages[0],
                testing::HasSubstr(R"("id":"F1","name":"F1 路","wanted":true,"energised":false)"));
    EXPECT_THAT(messages[1], testing::HasSubstr(R"("id":"L001","name":"","feeder":"F1","state":"no_power")"));
}

TEST(Watch, prints_a_line_for_people_and_what_it_does_not_know_as_it_came) {
    EXPECT_EQ(
        watch_line("lamp", R"({"time":"2026-11-23T21:01:44+08:00","id":"L003","name":"北03#","feeder":"F2",)"
                           R"("state":"offline","target_pct":60,"level_pct":null,"source":"program"})"),
        "21:01:44  lamp    L003  北03#  offline, 60 % wanted by program, nothing reported\n");
    EXPECT_EQ(watch_line("alarm",
                         R"({"time":"2026-11-23T21:01:44+08:00","transition":"raise","name":"lamp.offline",)"
                         R"("severity":"warning","object":"L003","text":"no answer"})"),
              "21:01:44  alarm   L003  raise warning lamp.offline: no answer\n");
    EXPECT_EQ(watch_line("reset", "{}"), "          reset   {}\n");
    EXPECT_EQ(watch_line("lamp", "not json"), "          lamp    not json\n");
}

}  // namespace
}  // namespace sl::local
