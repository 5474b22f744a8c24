#include "gateway/control/reconcile.hpp"

#include "gateway/control/command_tracker.hpp"
#include "tests/control/cabinet.hpp"

#include <gtest/gtest.h>

namespace sl::control {
namespace {

using namespace std::chrono_literals;
using site::Code;
using site::Level;
using site::SiteTime;
using Kind = Action::Kind;

constexpr SiteTime t0 = site::site_ms(1'795'000'000'000);

struct ReconcileTest : testing::Test {
    site::Config config = test::cabinet_config(4);
    Reconcile rec{config};
    SiteTime t = t0;

    void power_all(bool fresh) {
        for (std::size_t i = 0; i < 4; ++i)
            rec.set_powered(i, true, fresh, t);
    }
    void want_all(int level, std::chrono::seconds fade = 0s) {
        for (std::size_t i = 0; i < 4; ++i)
            rec.want(i, Level{level}, fade, t);
    }
    Action next() {
        const auto action = rec.next_action(0, t);
        EXPECT_TRUE(action.has_value());
        return action.value_or(Action{});
    }
    bool idle() { return !rec.next_action(0, t).has_value(); }
    void answer(const Action& action, Code code, std::optional<double> level = std::nullopt,
                std::optional<double> power = std::nullopt) {
        const std::vector<ActionResult> results{{code, level, power}};
        rec.report(action, results, t);
    }
    void read_all(double level) {
        for (int i = 0; i < 4; ++i) {
            const Action action = next();
            EXPECT_EQ(action.kind, Kind::read);
            answer(action, Code::ok, level);
        }
    }
};

TEST_F(ReconcileTest, reads_first_at_start_and_writes_nothing_to_lamps_that_burn_as_wanted) {
    want_all(60);
    EXPECT_TRUE(idle());  // nothing is powered
    power_all(false);
    read_all(60.0);
    EXPECT_TRUE(idle());
    EXPECT_FALSE(rec.next_due(0));
    EXPECT_EQ(rec.progress(0).confirmed, 2);
}

TEST_F(ReconcileTest, sends_one_broadcast_to_lamps_that_all_want_the_same_and_verifies_each) {
    want_all(100, 30s);
    power_all(true);
    const Action group = next();
    EXPECT_EQ(group.kind, Kind::broadcast);
    EXPECT_EQ(group.lamps.size(), 4U);
    EXPECT_EQ(group.fade, 30s);
    EXPECT_TRUE(idle());  // one action of a line at a time
    answer(group, Code::ok);
    EXPECT_EQ(rec.progress(3).confirmed, 0);
    EXPECT_TRUE(idle());
    t += 31s;
    rec.reported(0, 40.0, std::nullopt, t);  // still fading: says nothing
    EXPECT_TRUE(idle());
    t += 1s;
    read_all(100.0);
    EXPECT_EQ(rec.progress(3).confirmed, 2);
    EXPECT_TRUE(idle());
}

TEST_F(ReconcileTest, tells_one_by_one_when_lamps_want_different_levels) {
    want_all(100);
    rec.want(2, Level{80}, 0s, t);
    power_all(true);
    for (int i = 0; i < 4; ++i) {
        const Action action = next();
        EXPECT_EQ(action.kind, Kind::write);
        EXPECT_EQ(action.level.percent(), action.lamps[0] == 2 ? 80 : 100);
        answer(action, Code::ok);
        EXPECT_EQ(rec.progress(action.lamps[0]).confirmed, 1);
    }
}

TEST_F(ReconcileTest, never_broadcasts_where_a_stranger_shares_line_and_protocol) {
    site::Device module;
    module.line = "lamps485";
    module.model = "io/relay";
    config.models["io/relay"].protocol = "modbus-rtu";
    config.plant.modules.push_back(module);
    Reconcile careful{config};
    for (std::size_t i = 0; i < 4; ++i) {
        careful.want(i, Level{100}, 0s, t);
        careful.set_powered(i, true, true, t);
    }
    EXPECT_EQ(careful.next_action(0, t)->kind, Kind::write);
}

TEST_F(ReconcileTest, retries_the_lamps_that_did_not_follow_a_broadcast_one_by_one_and_backs_off) {
    want_all(100);
    power_all(true);
    answer(next(), Code::ok);
    t += 2s;
    for (int i = 0; i < 4; ++i) {
        const Action read = next();
        answer(read, Code::ok, read.lamps[0] == 1 ? 40.0 : 100.0);
    }
    EXPECT_EQ(rec.progress(1).code, Code::readback_mismatch);
    std::vector<SiteTime> writes;
    for (const SiteTime end = t + 1h; t < end; t += 1s) {
        const auto action = rec.next_action(0, t);
        if (!action) continue;
        ASSERT_EQ(action->lamps, std::vector<std::size_t>{1});
        if (action->kind == Kind::write) writes.push_back(t);
        answer(*action, Code::ok, 40.0);
    }
    ASSERT_GE(writes.size(), 8U);
    EXPECT_LE(writes.size(), 16U);
    for (std::size_t i = 2; i < writes.size(); ++i)
        EXPECT_GE(writes[i] - writes[i - 1], writes[i - 1] - writes[i - 2]);
}

TEST_F(ReconcileTest, drops_what_is_under_way_when_another_level_is_wanted) {
    want_all(100);
    power_all(true);
    const Action old = next();
    want_all(20);
    answer(old, Code::ok);
    const Action now = next();
    EXPECT_EQ(now.kind, Kind::broadcast);
    EXPECT_EQ(now.level.percent(), 20);
    answer(now, Code::ok);
    t += 2s;
    read_all(20.0);
    EXPECT_TRUE(idle());
}

TEST_F(ReconcileTest, is_not_verified_by_a_level_without_power) {
    rec.want(0, Level{100}, 0s, t);
    rec.set_powered(0, true, true, t);
    answer(next(), Code::ok);
    t += 2s;
    answer(next(), Code::ok, 100.0, 0.0);
    EXPECT_TRUE(rec.progress(0).settled);
    EXPECT_EQ(rec.progress(0).confirmed, 1);
    rec.reported(0, 100.0, 96.0, t + 10s);
    EXPECT_EQ(rec.progress(0).confirmed, 2);
}

TEST_F(ReconcileTest, brings_back_a_lamp_that_somebody_else_changed) {
    rec.want(0, Level{60}, 0s, t);
    rec.set_powered(0, true, false, t);
    answer(next(), Code::ok, 60.9);  // a step of the logarithmic curve is no difference
    EXPECT_TRUE(idle());
    t += 60s;
    rec.reported(0, 100.0, std::nullopt, t);
    EXPECT_EQ(next().kind, Kind::write);
}

TEST_F(ReconcileTest, leaves_a_lamp_without_power_alone) {
    want_all(100);
    power_all(true);
    const Action group = next();
    for (std::size_t i = 0; i < 4; ++i)
        rec.set_powered(i, false, true, t);
    answer(group, Code::ok);
    t += 1h;
    EXPECT_TRUE(idle());
    EXPECT_EQ(rec.progress(0).code, Code::no_power);
}

TEST_F(ReconcileTest, gives_each_waiting_lamp_its_turn) {
    rec.want(0, Level{50}, 0s, t);
    rec.want(1, Level{60}, 0s, t);
    rec.want(2, Level{70}, 0s, t);
    for (std::size_t i = 0; i < 3; ++i)
        rec.set_powered(i, true, true, t);
    std::vector<std::size_t> order;
    for (int i = 0; i < 6; ++i) {
        const Action action = next();
        order.push_back(action.lamps[0]);
        answer(action, Code::no_reply);
        t += 10s;
    }
    EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 0, 1, 2}));
}

TEST_F(ReconcileTest, tells_a_lamp_somebody_waits_for_before_those_that_follow_their_program) {
    for (std::size_t i = 0; i < 4; ++i)
        rec.want(i, Level{20 + static_cast<int>(i)}, 0s, t);  // no broadcast can tell them
    power_all(true);
    EXPECT_EQ(next().lamps.front(), 0U);
    rec.want(3, Level{100}, 0s, t, true);
    answer(Action{Kind::write, 1, 0, {0}, Level{20}, 0s}, Code::ok);
    const Action first = next();
    EXPECT_EQ(first.kind, Kind::write);
    EXPECT_EQ(first.lamps.front(), 3U);
}

TEST_F(ReconcileTest, lets_no_command_wait_for_a_read_back_that_is_under_way) {
    want_all(60);
    power_all(false);
    read_all(60.0);
    rec.want(0, Level{80}, 0s, t, true);
    answer(next(), Code::ok);
    t += settle_time;
    const Action read = next();
    ASSERT_EQ(read.kind, Kind::read);
    EXPECT_TRUE(idle());
    rec.want(3, Level{100}, 0s, t, true);
    const Action write = next();
    EXPECT_EQ(write.kind, Kind::write);
    EXPECT_EQ(write.lamps, std::vector<std::size_t>{3});
    rec.want(2, Level{90}, 0s, t, true);
    EXPECT_TRUE(idle());  // one write at a time
    answer(write, Code::ok);
    EXPECT_EQ(next().lamps, std::vector<std::size_t>{2});
    answer(read, Code::ok, 80.0);
    EXPECT_EQ(rec.progress(read.lamps.front()).confirmed, 2);
}

TEST_F(ReconcileTest, tells_a_lamp_at_once_when_it_answers_again_after_a_long_silence) {
    rec.want(0, Level{80}, 0s, t);
    rec.set_powered(0, true, true, t);
    for (int i = 0; i < 8; ++i) {
        answer(next(), Code::no_reply);
        t += 10min;
    }
    answer(next(), Code::no_reply);
    t += 1min;
    EXPECT_TRUE(idle());
    rec.returned(0, t);
    EXPECT_EQ(next().kind, Kind::write);
}

TEST_F(ReconcileTest, names_the_result_of_each_lamp_of_a_command) {
    want_all(60);
    power_all(false);
    read_all(60.0);
    rec.set_powered(3, false, true, t);
    for (std::size_t i = 0; i < 4; ++i)
        rec.want(i, Level{100 - static_cast<int>(i)}, 0s, t);  // four levels: no broadcast
    CommandTracker tracker{"01C", config.plant, rec, {0, 1, 2, 3}, 0s, t};
    tracker.refuse(3, Code::no_power);
    for (const SiteTime end = t + 30s; t < end; t += 1s) {
        while (const auto action = rec.next_action(0, t)) {
            const std::size_t lamp = action->lamps[0];
            const Code code = lamp == 0 ? Code::ok : lamp == 1 ? Code::no_reply : Code::nak;
            answer(*action, code, 100.0);
        }
        if (tracker.step(rec, t)) break;
    }
    ASSERT_TRUE(tracker.done());
    const site::Outcome outcome = tracker.outcome();
    EXPECT_EQ(outcome.code, Code::no_reply);
    EXPECT_EQ(outcome.confirmed, 2);
    EXPECT_EQ(outcome.lamps[0].code, Code::ok);
    EXPECT_EQ(outcome.lamps[1].code, Code::no_reply);
    EXPECT_EQ(outcome.lamps[1].attempts, 3);
    EXPECT_EQ(outcome.lamps[2].code, Code::nak);
    EXPECT_EQ(outcome.lamps[3].code, Code::no_power);
}

TEST_F(ReconcileTest, ends_an_overtaken_command_as_superseded_and_a_hanging_one_by_time) {
    want_all(60);
    power_all(true);
    CommandTracker first{"A", config.plant, rec, {0, 1}, 0s, t};
    rec.want(0, Level{30}, 0s, t);
    EXPECT_FALSE(first.step(rec, t));
    CommandTracker second{"B", config.plant, rec, {0}, 0s, t};
    EXPECT_TRUE(first.step(rec, t + command_timeout));
    EXPECT_EQ(first.outcome().lamps[0].code, Code::superseded);
    EXPECT_EQ(first.outcome().lamps[1].code, Code::no_reply);
    EXPECT_FALSE(second.step(rec, t));
}

}  // namespace
}  // namespace sl::control
