#include "gateway/fault/engine.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace sl::fault {
namespace {

using namespace std::chrono_literals;
using site::AlarmCode;
using site::AlarmTransition;
using site::Quality;
using site::Quantity;
using site::SiteTime;
using site::Transition;

constexpr SiteTime t0 = site::site_ms(1'795'000'000'000);

site::Config cabinet() {
    site::Config c;
    c.place.gateway = "gw1";
    c.plant.lines.resize(2);
    c.plant.lines[0].id = "lamps485";
    c.plant.lines[1].id = "meter485";
    c.plant.feeders.resize(1);
    c.plant.feeders[0].id = "F1";
    c.plant.contactors.resize(1);
    c.plant.contactors[0].id = "K1";
    c.plant.meters.resize(1);
    c.plant.meters[0].id = "M1";
    c.plant.meters[0].line = "meter485";
    c.plant.inputs.resize(2);
    c.plant.inputs[0].id = "selector";
    c.plant.inputs[0].role = site::InputRole::local_manual;
    c.plant.inputs[1].id = "door";
    c.plant.inputs[1].role = site::InputRole::door;
    for (int i = 0; i < 70; ++i) {
        site::Lamp lamp;
        lamp.id = "L" + std::to_string(i);
        lamp.line = "lamps485";
        lamp.feeder = "F1";
        lamp.rated_w = 100.0;
        c.plant.lamps.push_back(lamp);
    }
    return c;
}

struct EngineTest : testing::Test {
    site::Config config = cabinet();
    int ids = 0;
    Engine engine{config, [this] { return "ULID" + std::to_string(++ids); }};
    site::SiteState state;
    Surroundings around;
    SiteTime t = t0;
    std::vector<AlarmTransition> told;

    EngineTest() {
        state.lamps.resize(70);
        state.meters.resize(1);
        state.contactors.resize(1);
        state.feeders.resize(1);
        state.inputs.resize(2);
        for (auto& lamp : state.lamps) {
            lamp.online = true;
            lamp.target = site::Level{100};
        }
        state.meters[0].online = true;
    }
    void step(std::chrono::seconds by = 1s) {
        t += by;
        const auto now = engine.step(state, around, t);
        told.insert(told.end(), now.begin(), now.end());
    }
    // Every powered lamp that answers draws what its level says, but `odd` draws `watts`.
    void sample(std::size_t odd, double watts, std::chrono::seconds by = 30s) {
        for (std::size_t i = 0; i < state.lamps.size(); ++i) {
            auto& lamp = state.lamps[i];
            if (!lamp.powered || lamp.misses > 0) continue;
            const double level = lamp.target->percent();
            lamp[Quantity::level_pct] = {level, t + by, Quality::ok};
            lamp[Quantity::power_w] = {i == odd ? watts : level, t + by, Quality::ok};
        }
        step(by);
    }
    std::vector<AlarmTransition> take(AlarmCode code) {
        std::vector<AlarmTransition> found;
        std::copy_if(told.begin(), told.end(), std::back_inserter(found),
                     [code](const AlarmTransition& a) { return a.code == code; });
        return found;
    }
};

TEST_F(EngineTest, is_silent_about_a_healthy_site) {
    for (int i = 0; i < 20; ++i)
        sample(70, 0.0);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(engine.active().empty());
}

TEST_F(EngineTest, raises_and_clears_a_lamp_that_is_offline) {
    state.lamps[7].misses = 2;
    step();
    EXPECT_TRUE(told.empty());
    state.lamps[7].misses = 3;
    state.lamps[7].online = false;
    step();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].code, AlarmCode::lamp_offline);
    EXPECT_EQ(told[0].object, "L7");
    EXPECT_EQ(told[0].alarm_id, "ULID1");
    EXPECT_EQ(told[0].since, t);
    step(2min);
    EXPECT_EQ(told.size(), 1U);
    state.lamps[7].misses = 0;
    state.lamps[7].online = true;
    step();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].transition, Transition::clear);
    EXPECT_EQ(told[1].alarm_id, "ULID1");
}

TEST_F(EngineTest, tells_one_alarm_for_a_dead_line_and_not_seventy) {
    for (int miss = 1; miss <= 5; ++miss) {
        // The lamps miss one after the other, as a poller finds it.
        for (auto& lamp : state.lamps) {
            lamp.misses = miss;
            lamp.online = miss < 3;
            if (&lamp == &state.lamps[35]) step();
        }
        step(5s);
    }
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].code, AlarmCode::line_down);
    EXPECT_EQ(told[0].object, "lamps485");
    for (auto& lamp : state.lamps) {
        lamp.misses = 0;
        lamp.online = true;
    }
    step(2min);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].transition, Transition::clear);
}

TEST_F(EngineTest, keeps_a_line_down_while_its_lamps_have_no_power) {
    around.line_open = {false, true};
    step();
    EXPECT_EQ(take(AlarmCode::line_down).size(), 1U);
    around.line_open = {true, true};
    step(2min);
    EXPECT_EQ(take(AlarmCode::line_down).size(), 2U);  // the lamps answered all along
}

TEST_F(EngineTest, judges_nothing_on_a_dead_feeder_or_at_manual) {
    around.manual = {true};
    for (int i = 0; i < 10; ++i)
        sample(3, 1.0);
    around.manual = {};
    for (auto& lamp : state.lamps) {
        lamp.powered = false;
        lamp.misses = 9;
        lamp.online = false;
    }
    step(10min);
    EXPECT_TRUE(told.empty());
}

TEST_F(EngineTest, raises_a_failed_lamp_after_three_samples_once_it_has_settled) {
    for (int i = 0; i < 2; ++i)
        sample(3, 1.0);  // within the minute of settling
    EXPECT_TRUE(told.empty());
    for (int i = 0; i < 2; ++i)
        sample(3, 1.0);
    EXPECT_TRUE(told.empty());
    sample(3, 1.0);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].code, AlarmCode::lamp_failure);
    EXPECT_EQ(told[0].object, "L3");
    EXPECT_DOUBLE_EQ(*told[0].value, 1.0);
    EXPECT_DOUBLE_EQ(*told[0].limit, 50.0);
    // By day it says nothing of itself: the alarm stays.
    for (auto& lamp : state.lamps)
        lamp.powered = false;
    step(10h);
    EXPECT_EQ(engine.active().size(), 1U);
    for (auto& lamp : state.lamps)
        lamp.powered = true;
    for (int i = 0; i < 6; ++i)
        sample(3, 98.0);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].transition, Transition::clear);
}

TEST_F(EngineTest, takes_the_current_where_power_is_not_measured_and_the_level_into_account) {
    for (auto& lamp : state.lamps)
        lamp.target = site::Level{60};
    const auto draw = [this](double amperes) {
        auto& lamp = state.lamps[3];
        lamp[Quantity::power_w] = {0.0, t, Quality::unsupported};
        lamp[Quantity::level_pct] = {60.0, t + 30s, Quality::ok};
        lamp[Quantity::current_a] = {amperes, t + 30s, Quality::ok};
        step(30s);
    };
    for (int i = 0; i < 10; ++i)
        draw(0.29);  // 60 W
    EXPECT_TRUE(told.empty());
    for (int i = 0; i < 10; ++i)
        draw(0.1);
    EXPECT_EQ(take(AlarmCode::lamp_failure).size(), 1U);
}

TEST(ExpectedPower, follows_the_curve) {
    EXPECT_DOUBLE_EQ(expected_power_w(100.0, 60.0, 1.0), 60.0);
    EXPECT_DOUBLE_EQ(expected_power_w(100.0, 100.0, 2.0), 100.0);
    EXPECT_DOUBLE_EQ(expected_power_w(100.0, 50.0, 2.0), 75.0);
    EXPECT_DOUBLE_EQ(expected_power_w(100.0, 0.0, 2.0), 0.0);
}

TEST_F(EngineTest, raises_a_lamp_that_burns_though_off_but_not_for_its_standby_power) {
    for (auto& lamp : state.lamps)
        lamp.target = site::Level{0};
    for (int i = 0; i < 10; ++i)
        sample(3, 2.0);
    EXPECT_TRUE(told.empty());
    for (int i = 0; i < 3; ++i)
        sample(3, 80.0);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].code, AlarmCode::lamp_day_burning);
}

TEST_F(EngineTest, names_the_faults_a_controller_reports_and_gives_them_as_cause_of_a_failure) {
    for (int i = 0; i < 8; ++i) {
        state.lamps[3].faults = 1U << static_cast<unsigned>(site::FaultBit::driver_fault);
        state.lamps[3][Quantity::faults] = {4.0, t + 30s, Quality::ok};
        sample(3, 0.0);
    }
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].code, AlarmCode::lamp_controller_fault);
    EXPECT_EQ(told[0].text, "driver-fault");
    EXPECT_EQ(told[1].code, AlarmCode::lamp_failure);
    EXPECT_EQ(told[1].cause, told[0].alarm_id);
}

TEST_F(EngineTest, reports_a_flapping_alarm_once_a_minute_with_a_count) {
    for (int i = 0; i < 600; ++i) {
        state.inputs[1].active = i % 4 < 2;
        step();
    }
    const auto door = take(AlarmCode::input_active);
    EXPECT_LE(door.size(), 11U);
    EXPECT_GE(door.size(), 9U);
    EXPECT_GT(door.back().count, 100U);
    state.inputs[1].active = false;
    step(2min);
    EXPECT_TRUE(engine.active().empty());
    EXPECT_EQ(told.back().transition, Transition::clear);
}

TEST_F(EngineTest, tells_of_an_io_module_that_is_silent_while_its_line_lives) {
    config.plant.modules.resize(1);
    config.plant.modules[0].id = "IO1";
    config.plant.modules[0].line = "meter485";
    state.modules.resize(1);
    Engine watching{config, [this] { return "ULID" + std::to_string(++ids); }};
    state.modules[0].misses = 3;
    const auto raised = watching.step(state, around, t);
    ASSERT_EQ(raised.size(), 1U);
    EXPECT_EQ(raised[0].code, AlarmCode::module_offline);
    EXPECT_EQ(raised[0].object, "IO1");
    state.modules[0].misses = 0;
    state.modules[0].online = true;
    const auto cleared = watching.step(state, around, t + 2min);
    ASSERT_EQ(cleared.size(), 1U);
    EXPECT_EQ(cleared[0].transition, Transition::clear);
}

TEST_F(EngineTest, tells_of_meter_contactor_selector_and_clock) {
    state.meters[0].misses = 3;
    state.meters[0].online = false;
    around.contactor_mismatch = {"commanded open, auxiliary contact closed"};
    state.inputs[0].active = true;
    around.clock_trusted = false;
    step();
    EXPECT_EQ(take(AlarmCode::meter_offline).size(), 1U);
    ASSERT_EQ(take(AlarmCode::contactor_mismatch).size(), 1U);
    EXPECT_EQ(take(AlarmCode::contactor_mismatch)[0].object, "K1");
    EXPECT_EQ(take(AlarmCode::local_manual).size(), 1U);
    EXPECT_TRUE(take(AlarmCode::clock_untrusted).empty());
    step(31s);
    ASSERT_EQ(take(AlarmCode::clock_untrusted).size(), 1U);
    EXPECT_EQ(take(AlarmCode::clock_untrusted)[0].object, "gw1");
    around.clock_trusted = true;
    step(2min);
    EXPECT_EQ(take(AlarmCode::clock_untrusted).size(), 2U);
}

TEST_F(EngineTest, acknowledges_once_and_reminds_with_a_count) {
    Finding overdue;
    overdue.active = true;
    engine.external(AlarmCode::feeder_hold_overdue, "F1", overdue, t);
    step();
    ASSERT_EQ(told.size(), 1U);
    const auto ack = engine.acknowledge(told[0].alarm_id, "wang");
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->transition, Transition::ack);
    EXPECT_FALSE(engine.acknowledge(told[0].alarm_id, "wang"));
    EXPECT_FALSE(engine.acknowledge("nobody", "wang"));
    EXPECT_EQ(engine.active()[0].acknowledged_by, "wang");
    engine.remind(AlarmCode::feeder_hold_overdue, "F1");
    step(1h);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].transition, Transition::update);
    EXPECT_EQ(told[1].count, 2U);
}

TEST_F(EngineTest, does_not_fall_silent_when_the_clock_goes_back) {
    state.inputs[1].active = true;
    step();
    t -= 2h;
    state.inputs[1].active = false;
    step();
    step(1min);
    EXPECT_EQ(told.back().transition, Transition::clear);
}

}  // namespace
}  // namespace sl::fault
