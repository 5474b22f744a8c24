// What goes upstream and when, with an outbox in memory and a clock that only the test moves.
#include "gateway/app/reporting.hpp"

#include "tests/northbound/fakes.hpp"

#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sl::app {
namespace {

using namespace std::chrono_literals;
using site::Quality;
using site::Quantity;
using site::Stream;

constexpr std::size_t lamp_count = 8;

class ReportingTest : public ::testing::Test {
  protected:
    ReportingTest() {
        config.plant.feeders.resize(1);
        config.plant.feeders[0].id = "F1";
        state.lamps.resize(lamp_count);
        state.feeders.resize(1);
        for (std::size_t i = 0; i < lamp_count; ++i) {
            site::Lamp lamp;
            lamp.id = "L" + std::to_string(i + 1);
            lamp.feeder = "F1";
            config.plant.lamps.push_back(lamp);
            state.lamps[i].powered = false;
        }
        ReportingHooks hooks;
        hooks.stamp = [this] { return northbound::Stamp{now, site::TimeQuality::ntp, reactor.up_ms(), 3}; };
        hooks.mono = [this] { return reactor.now(); };
        hooks.standing_alarms = [] { return std::vector<site::AlarmTransition>{}; };
        reporting = std::make_unique<Reporting>(config, state, outbox, std::move(hooks));
    }

    // The lamp burns as wanted, verified.
    void lit(std::size_t lamp, int percent) {
        site::LampState& s = state.lamps[lamp];
        s.powered = s.online = true;
        s.target = site::Level{percent};
        s.source = site::Source::program;
        s.confirmed = 2;
        s.last_answer = now;
        s[Quantity::on] = site::Value{percent > 0 ? 1.0 : 0.0, now, Quality::ok};
        s[Quantity::level_pct] = site::Value{static_cast<double>(percent), now, Quality::ok};
        reporting->lamp_changed(lamp);
    }
    // Real time goes by; the gathering counts it.
    void pass(std::chrono::milliseconds span = 1s) {
        reactor.run(span);
        now += span;
        reporting->tick();
        reactor.settle();
    }
    std::vector<boost::json::object> sent(Stream stream) {
        std::vector<boost::json::object> bodies;
        for (const auto& [seq, row] : outbox.records[stream])
            bodies.push_back(boost::json::parse("{" + row.record->body + "}").as_object());
        outbox.records[stream].clear();
        return bodies;
    }

    northbound::test::VirtualReactor reactor;
    northbound::test::FakeOutbox outbox{reactor};
    site::Config config;
    site::SiteState state;
    site::SiteTime now = site::site_ms(1'795'000'000'000);
    std::unique_ptr<Reporting> reporting;
};

TEST_F(ReportingTest, ADuskIsOneMessageThatNamesTheWholeGroup) {
    for (std::size_t i = 0; i < lamp_count; ++i)
        lit(i, 60);
    pass();
    const auto bodies = sent(Stream::state);
    ASSERT_EQ(bodies.size(), 1U);
    const auto& set = bodies[0].at("set").as_array();
    ASSERT_EQ(set.size(), 1U);
    const auto& group = set[0].as_object();
    EXPECT_TRUE(group.at("target").as_object().at("all").as_bool());
    EXPECT_EQ(group.at("level_pct").as_int64(), 60);
    EXPECT_EQ(group.at("on").as_int64(), 1);
    EXPECT_EQ(group.at("confirmed").as_int64(), 2);
    EXPECT_TRUE(group.at("except").as_array().empty());
}

TEST_F(ReportingTest, ALampThatDoesNotFollowIsExceptedAndToldOnceItDoes) {
    for (std::size_t i = 0; i + 1 < lamp_count; ++i)
        lit(i, 60);
    state.lamps[7].powered = true;  // and does not answer
    pass();
    auto bodies = sent(Stream::state);
    ASSERT_GE(bodies.size(), 1U);
    const auto& except = bodies[0].at("set").as_array()[0].at("except").as_array();
    ASSERT_EQ(except.size(), 1U);
    EXPECT_EQ(except[0].as_array()[0].as_string(), "L8");
    EXPECT_EQ(except[0].as_array()[1].as_string(), "no_reply");
    lit(7, 60);
    pass();
    bodies = sent(Stream::state);
    ASSERT_EQ(bodies.size(), 1U);
    const auto& rows = bodies[0].at("rows").as_array();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].as_array()[0].as_string(), "L8");
}

TEST_F(ReportingTest, NothingIsToldTwiceAndAChangeThatWasTakenBackNotAtAll) {
    for (std::size_t i = 0; i < lamp_count; ++i)
        lit(i, 60);
    pass();
    (void)sent(Stream::state);
    for (std::size_t i = 0; i < lamp_count; ++i)
        reporting->lamp_read(i);
    lit(0, 80);
    lit(0, 60);
    pass();
    EXPECT_TRUE(sent(Stream::state).empty());
}

TEST_F(ReportingTest, ASnapshotNamesItsRequesterOnItsLastPageAndEndsWhatWasPending) {
    lit(0, 60);
    reporting->snapshot("01JD0000000000000000000009");
    reactor.settle();
    const auto bodies = sent(Stream::state);
    ASSERT_FALSE(bodies.empty());
    EXPECT_TRUE(bodies.back().at("snap_end").as_bool());
    EXPECT_EQ(bodies.back().at("snap_id").as_string(), "01JD0000000000000000000009");
    EXPECT_EQ(sent(Stream::event).size(), 1U);  // the standing alarms, even when there are none
    pass();
    EXPECT_TRUE(sent(Stream::state).empty());
}

TEST_F(ReportingTest, ASilentModuleMakesItsContactorsAndInputsDoubtful) {
    config.plant.modules.resize(1);
    config.plant.modules[0].id = "IO1";
    config.plant.contactors.resize(1);
    config.plant.contactors[0].id = "K1";
    config.plant.contactors[0].module = config.plant.contactors[0].aux_module = "IO1";
    state.modules.resize(1);
    state.contactors.resize(1);
    state.contactors[0].aux = true;
    state.contactors[0].aux_at = now;
    ReportingHooks hooks;
    hooks.stamp = [this] { return northbound::Stamp{now, site::TimeQuality::ntp, reactor.up_ms(), 3}; };
    hooks.mono = [this] { return reactor.now(); };
    reporting = std::make_unique<Reporting>(config, state, outbox, std::move(hooks));
    state.modules[0].misses = 3;
    reporting->module_changed(0);
    pass();
    const auto bodies = sent(Stream::state);
    ASSERT_EQ(bodies.size(), 1U);
    EXPECT_EQ(bodies[0].at("kind").as_string(), "contactor");
    EXPECT_EQ(bodies[0].at("rows").as_array()[0].as_array()[2].as_string(), "no_reply");
}

TEST_F(ReportingTest, TelemetryFallsOnTheClockAndSpeaksOnlyOfLampsWithPower) {
    config.mqtt.lamp_telemetry = 60s;
    lit(2, 60);
    pass(1s);  // 19 s before a full minute
    pass(25s);
    const auto bodies = sent(Stream::telemetry);
    ASSERT_EQ(bodies.size(), 1U);
    ASSERT_EQ(bodies[0].at("rows").as_array().size(), 1U);
    EXPECT_EQ(bodies[0].at("rows").as_array()[0].as_array()[0].as_string(), "L3");
}

}  // namespace
}  // namespace sl::app
