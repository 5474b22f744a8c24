#include "gateway/control/contactor.hpp"

#include "gateway/control/feeder_control.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace sl::control {
namespace {

using namespace std::chrono_literals;
using site::SiteTime;
using Actions = std::vector<RelayAction>;

constexpr SiteTime t0 = site::site_ms(1'795'000'000'000);

struct ContactorTest : testing::Test {
    site::Contactor contactor;
    ContactorInput in;
    ContactorControl control{contactor, 5s, t0, t0};
    SiteTime t = t0;
    bool relay = false, contact_follows = true;

    // One second of a well-behaved relay, unless told otherwise.
    Actions second(bool turn = true) {
        t += 1s;
        in.output = Seen{relay, t};
        in.aux = Seen{contact_follows ? relay : in.aux.value_or(Seen{}).on, t};
        const Actions actions = control.step(t, in, turn);
        for (const RelayAction a : actions) {
            if (a == RelayAction::close) relay = true;
            if (a == RelayAction::open) relay = false;
        }
        return actions;
    }
    Actions seconds(int n) {
        Actions all;
        for (int i = 0; i < n; ++i) {
            for (const RelayAction a : second()) {
                if (a != RelayAction::reassert) all.push_back(a);
            }
        }
        return all;
    }
};

TEST_F(ContactorTest, adopts_the_state_it_finds_and_switches_nothing) {
    relay = true;
    in.wanted = true;
    EXPECT_TRUE(seconds(120).empty());
    EXPECT_TRUE(control.commanded());
    EXPECT_EQ(control.operations(), 0U);
    EXPECT_TRUE(control.energised());
}

TEST_F(ContactorTest, does_nothing_until_the_output_has_been_read) {
    in.wanted = true;
    EXPECT_TRUE(control.step(t0 + 1s, in, true).empty());
    EXPECT_EQ(control.waiting_for(), "read-back of the output");
    in.output = Seen{false, t0 - 1s};  // read before this start
    EXPECT_TRUE(control.step(t0 + 2s, in, true).empty());
    EXPECT_EQ(control.step(t0 + 30s, in, true), Actions{RelayAction::close});  // the module is mute
}

TEST_F(ContactorTest, closes_in_its_turn_and_repeats_the_state_every_minute) {
    in.wanted = true;
    EXPECT_TRUE(second(false).empty());
    EXPECT_EQ(control.waiting_for(), "turn");
    EXPECT_EQ(second(), Actions{RelayAction::close});
    int reasserts = 0;
    for (int i = 0; i < 300; ++i)
        reasserts += static_cast<int>(second().size());
    EXPECT_EQ(reasserts, 5);
}

TEST_F(ContactorTest, turns_lamps_off_and_reads_registers_before_it_opens) {
    in.wanted = true;
    seconds(100);
    in.wanted = false;
    in.lamps_dark = false;
    in.registers_read = false;
    EXPECT_EQ(second(), (Actions{RelayAction::lamps_off, RelayAction::read_registers}));
    EXPECT_TRUE(seconds(10).empty());
    in.lamps_dark = in.registers_read = true;
    EXPECT_EQ(second(), Actions{RelayAction::open});
}

TEST_F(ContactorTest, opens_after_a_grace_when_a_lamp_does_not_go_dark) {
    in.wanted = true;
    seconds(100);
    in.wanted = false;
    in.lamps_dark = false;
    const Actions all = seconds(40);
    EXPECT_EQ(all.back(), RelayAction::open);
}

TEST_F(ContactorTest, changes_its_mind_without_an_operation_while_the_lamps_go_dark) {
    in.wanted = true;
    seconds(100);
    in.wanted = false;
    second();
    in.wanted = true;
    EXPECT_TRUE(seconds(30).empty());
    EXPECT_EQ(control.operations(), 1U);
    EXPECT_FALSE(control.opening());
}

TEST_F(ContactorTest, alarms_a_weld_and_a_failure_to_close_after_three_seconds) {
    in.wanted = true;
    contact_follows = false;
    in.aux = Seen{false, t};
    second();
    EXPECT_TRUE(relay);
    seconds(2);
    EXPECT_EQ(control.mismatch(), Mismatch::none);
    seconds(2);
    EXPECT_EQ(control.mismatch(), Mismatch::not_closed);
    EXPECT_FALSE(control.energised());
    contact_follows = true;
    second();
    EXPECT_EQ(control.mismatch(), Mismatch::none);
    seconds(60);
    in.wanted = false;
    contact_follows = false;  // stays closed
    seconds(20);
    EXPECT_FALSE(relay);
    EXPECT_EQ(control.mismatch(), Mismatch::welded);
    EXPECT_TRUE(control.energised());
}

TEST_F(ContactorTest, writes_no_relay_at_manual_and_judges_nothing) {
    in.manual = true;
    in.wanted = true;
    contact_follows = false;
    in.aux = Seen{true, t};
    for (int i = 0; i < 200; ++i)
        EXPECT_TRUE(second().empty());
    EXPECT_EQ(control.mismatch(), Mismatch::none);
    EXPECT_TRUE(control.energised());  // the crew closed it past the coil
}

TEST_F(ContactorTest, opens_at_once_for_protection_and_past_all_limits) {
    in.wanted = true;
    second();
    in.protective_off = true;
    EXPECT_EQ(second(), Actions{RelayAction::open});
    EXPECT_TRUE(seconds(300).empty());
}

TEST_F(ContactorTest, counts_a_relay_that_moved_by_itself_and_brings_it_back_within_the_limits) {
    in.wanted = true;
    seconds(100);
    relay = false;  // the module's safety timer
    EXPECT_TRUE(seconds(50).empty());
    EXPECT_EQ(control.waiting_for(), "min_off");
    EXPECT_EQ(seconds(20), Actions{RelayAction::close});
    EXPECT_EQ(control.operations(), 3U);
}

TEST_F(ContactorTest, keeps_its_limits_across_a_restart) {
    in.wanted = true;
    second();
    ContactorControl again{contactor, 5s, t, t};
    again.restore_history(control.history());
    again.restore_history("nonsense\n99999999999999\n");  // neither a number nor in the past
    in.wanted = false;
    in.output = in.aux = Seen{true, t + 1s};
    EXPECT_TRUE(again.step(t + 1s, in, true).empty());
    EXPECT_EQ(again.waiting_for(), "min_on");
    EXPECT_FALSE(again.step(t + 61s, in, true).empty());
}

TEST(ContactorProperty, never_operates_faster_than_allowed_whatever_is_asked_for) {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        std::mt19937 random{seed};
        const auto chance = [&random](unsigned one_in) { return random() % one_in == 0; };
        site::Contactor contactor;
        contactor.max_operations_per_hour = 6;
        ContactorControl control{contactor, 5s, t0, t0};
        ContactorInput in;
        bool relay = chance(2);
        std::vector<std::pair<SiteTime, bool>> operations;
        for (SiteTime t = t0; t < t0 + 8h; t += std::chrono::seconds{1 + random() % 5}) {
            if (chance(40)) in.wanted = !in.wanted;
            if (chance(500)) in.held_off = !in.held_off;
            if (chance(300)) in.manual = !in.manual;
            if (chance(10)) in.lamps_dark = !in.lamps_dark;
            in.output = Seen{relay, t};
            if (!chance(5)) in.aux = Seen{relay, t};
            for (const RelayAction a : control.step(t, in, !chance(3))) {
                if (a != RelayAction::close && a != RelayAction::open) continue;
                const bool close = a == RelayAction::close;
                ASSERT_FALSE(in.manual);
                ASSERT_FALSE(close && in.held_off) << "a hold re-closed";
                ASSERT_NE(relay, close);
                relay = close;
                ASSERT_TRUE(operations.empty() || t - operations.back().first >= 60s) << "seed " << seed;
                operations.emplace_back(t, close);
                const auto recent = std::count_if(operations.begin(), operations.end(),
                                                  [t](const auto& o) { return o.first > t - 1h; });
                ASSERT_LE(recent, 6) << "seed " << seed;
            }
        }
        // Whatever the storm, light is not locked out for longer than the hour that the limit speaks of.
        in = {};
        in.wanted = true;
        SiteTime t = t0 + 8h + 10s;
        for (const SiteTime end = t + 61min; t < end && !relay; t += 1s) {
            in.output = in.aux = Seen{relay, t};
            for (const RelayAction a : control.step(t, in, true))
                relay = relay || a == RelayAction::close;
        }
        EXPECT_TRUE(relay) << "seed " << seed;
    }
}

TEST(FeederControl, marks_lamps_without_power_and_judges_them_only_after_boot) {
    site::Config config;
    config.plant.contactors.resize(1);
    config.plant.contactors[0].id = "K1";
    config.plant.feeders.resize(2);
    config.plant.feeders[0].id = "F1";
    config.plant.feeders[0].contactor = "K1";
    config.plant.feeders[1].id = "F2";
    config.plant.feeders[1].kind = site::FeederKind::always;
    config.models["m"].boot = 8s;
    config.plant.lamps.resize(2);
    config.plant.lamps[0].feeder = "F1";
    config.plant.lamps[0].model = "m";
    config.plant.lamps[1].feeder = "F2";
    site::SiteState state;
    state.lamps.resize(2);
    state.feeders.resize(2);
    state.contactors.resize(1);
    state.lamps[0].misses = 7;
    state.lamps[0][site::Quantity::power_w] = {80.0, t0, site::Quality::ok};
    FeederControl control{config, t0, 3s};
    EXPECT_EQ(control.lead(0), 68s);
    std::vector<FeederInput> inputs(2);
    std::vector<FeederControl::ContactorSeen> seen(1);
    bool relay = false;
    const auto step = [&](SiteTime t) {
        seen[0] = {Seen{relay, t}, Seen{relay, t}};
        for (const FeederAction& a : control.step(t, inputs, seen))
            relay = a.closed;
        return control.publish(t, state);
    };
    step(t0 + 1s);
    EXPECT_FALSE(state.lamps[0].powered);
    EXPECT_EQ(state.lamps[0].misses, 0);
    EXPECT_EQ(state.lamps[0][site::Quantity::power_w].quality, site::Quality::no_power);
    EXPECT_TRUE(state.lamps[1].powered);
    inputs[0].wanted = true;
    step(t0 + 2s);
    EXPECT_FALSE(relay);  // random start
    step(t0 + 3s);
    EXPECT_TRUE(relay);
    step(t0 + 4s);
    EXPECT_TRUE(state.feeders[0].energised);
    EXPECT_FALSE(state.lamps[0].powered);
    EXPECT_EQ(step(t0 + 12s), std::vector<std::size_t>{0});
    EXPECT_TRUE(state.lamps[0].powered);
    const auto saved = control.changes();
    ASSERT_EQ(saved.size(), 1U);
    EXPECT_EQ(saved[0].first, "contactor.K1");
}

}  // namespace
}  // namespace sl::control
