// Commands, holds and the selector on a cabinet whose lamps nobody has to ask: what is decided, not how it
// gets onto the wire.
#include "gateway/app/executor.hpp"
#include "gateway/platform/zone.hpp"
#include "tests/support/virtual_timers.hpp"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sl::app {
namespace {

using namespace std::chrono_literals;
using site::Code;
using site::Level;
using site::Source;

site::Lamp lamp(const std::string& id, const std::string& feeder, const std::string& tag) {
    site::Lamp l;
    l.id = id;
    l.line = "A";
    l.model = "lamp/test";
    l.address = id.substr(1);
    l.feeder = feeder;
    l.tags = {tag};
    return l;
}

// F1 is always live, F2 hangs on a contactor. Two selectors.
site::Config cabinet() {
    site::Config c;
    c.place.latitude = 37.7;
    c.place.longitude = 112.7;
    site::DeviceModel model;
    model.id = "lamp/test";
    model.protocol = "modbus-tcp";
    c.models[model.id] = model;
    c.plant.lines.resize(1);
    c.plant.lines[0].id = "A";
    c.plant.lines[0].device = "tcp://127.0.0.1:502";  // never opened: the loop does not run
    c.plant.lines[0].protocol = "modbus-tcp";
    c.plant.feeders.resize(2);
    c.plant.feeders[0].id = "F1";
    c.plant.feeders[0].kind = site::FeederKind::always;
    c.plant.feeders[1].id = "F2";
    c.plant.feeders[1].contactor = "K2";
    c.plant.contactors.resize(1);
    c.plant.contactors[0].id = "K2";
    c.plant.inputs.resize(2);
    for (site::Input& input : c.plant.inputs)
        input.role = site::InputRole::local_manual;
    c.plant.inputs[0].id = "S1";
    c.plant.inputs[1].id = "S2";
    c.plant.lamps = {lamp("L1", "F1", "north"), lamp("L2", "F1", "south"), lamp("L3", "F2", "north")};
    site::Group north;
    north.id = "north";
    north.select.kind = site::Selector::Kind::tag;
    north.select.values = {"north"};
    c.groups.push_back(north);
    return c;
}

class LightingTest : public ::testing::Test {
  protected:
    LightingTest() {
        state.lamps.resize(3);
        state.feeders.resize(2);
        state.contactors.resize(1);
        state.inputs.resize(2);
        FieldEvents events;
        events.now = [this] { return now; };
        events.real = [](std::chrono::milliseconds span) { return span; };
        field = std::make_unique<Field>(io.get_executor(), io, timers, config, state, std::move(events));
        LightingHooks hooks;
        hooks.clock = [this] {
            schedule::ClockState clock;
            clock.now = now;
            clock.tq = site::TimeQuality::ntp;
            clock.plausible = true;
            return clock;
        };
        hooks.pace = [this] { return now; };
        hooks.lamp_changed = [](std::size_t) {};
        hooks.feeder_changed = [](std::size_t) {};
        hooks.event = [this](const schedule::ArbitrationEvent& event) { events_.push_back(event); };
        hooks.journal = [](std::string, std::string, std::string) {};
        lighting = std::make_unique<Lighting>(io.get_executor(), config, *zone, state, *field,
                                              std::move(hooks), 0ms);
        executor = std::make_unique<Executor>(config, *lighting, ExecutorHooks{});
        lighting->tick();
    }
    ~LightingTest() override {
        lighting->stop();
        field->stop();
    }

    site::Command command(site::Op op, site::Target::Kind kind, std::vector<std::string> ids = {}) {
        site::Command c;
        c.op = op;
        c.id = "01JD000000000000000000000" + std::to_string(++commands_);
        c.principal = "op";
        c.target.kind = kind;
        c.target.ids = std::move(ids);
        return c;
    }
    site::Command set_level(int level, site::Target::Kind kind, std::vector<std::string> ids = {}) {
        site::Command c = command(site::Op::lamp_set, kind, std::move(ids));
        c.level = Level{level};
        return c;
    }
    void execute(const site::Command& c) {
        outcome.reset();
        northbound::Ticket ticket;
        ticket.done = [this](const site::Outcome& o) { outcome = o; };
        ticket.progress = [](int, int) {};
        executor->execute(c, ticket);
    }
    void pass(std::chrono::seconds span) {
        now += span;
        lighting->tick();
    }
    int level(std::size_t lamp_index) const { return lighting->wanted(lamp_index).level.percent(); }

    site::Config config = cabinet();
    site::SiteState state;
    boost::asio::io_context io;
    test::VirtualTimers timers;
    std::unique_ptr<site::Zone> zone = platform::load_zone("Asia/Shanghai");
    site::SiteTime now = site::site_ms(1'795'060'800'000);  // 12:00 in Shanghai: no lamp burns
    std::vector<schedule::ArbitrationEvent> events_;
    std::unique_ptr<Field> field;
    std::unique_ptr<Lighting> lighting;
    std::unique_ptr<Executor> executor;
    std::optional<site::Outcome> outcome;
    int commands_ = 0;
};

TEST_F(LightingTest, ATargetMeansItsLampsInTheOrderOfThePlant) {
    using Kind = site::Target::Kind;
    const auto means = [this](Kind kind, std::vector<std::string> ids) {
        site::Target target;
        target.kind = kind;
        target.ids = std::move(ids);
        return executor->lamps_of(target);
    };
    EXPECT_EQ(means(Kind::all, {}), (std::vector<std::size_t>{0, 1, 2}));
    EXPECT_EQ(means(Kind::lamps, {"L3", "L1"}), (std::vector<std::size_t>{0, 2}));
    EXPECT_EQ(means(Kind::groups, {"north"}), (std::vector<std::size_t>{0, 2}));
    EXPECT_EQ(means(Kind::feeders, {"F1"}), (std::vector<std::size_t>{0, 1}));
    EXPECT_TRUE(means(Kind::lamps, {"L9"}).empty());
}

TEST_F(LightingTest, AnOverrideEndsByItselfWithAWarningTenMinutesBefore) {
    ASSERT_EQ(level(0), 0);
    site::Command c = set_level(80, site::Target::Kind::lamps, {"L1"});
    c.hold = site::HoldFor{3'600s};
    execute(c);
    EXPECT_EQ(level(0), 80);
    EXPECT_EQ(state.lamps[0].source, Source::override_);
    pass(49min);
    EXPECT_TRUE(events_.empty());
    pass(2min);
    ASSERT_EQ(events_.size(), 1U);
    EXPECT_EQ(events_[0].kind, schedule::ArbitrationEvent::Kind::override_ending);
    pass(10min);
    EXPECT_EQ(level(0), 0);
}

TEST_F(LightingTest, ALampWithoutPowerIsRefusedUnlessTheCommandMayAskForPower) {
    ASSERT_FALSE(state.lamps[2].powered);
    execute(set_level(80, site::Target::Kind::lamps, {"L3"}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->lamps.at(0).code, Code::no_power);
    EXPECT_EQ(level(2), 0);
    EXPECT_FALSE(state.feeders[1].wanted);
    site::Command c = set_level(80, site::Target::Kind::lamps, {"L3"});
    c.energise = true;
    execute(c);
    EXPECT_FALSE(outcome);  // its feeder is on the way up
    EXPECT_TRUE(state.feeders[1].wanted);
}

TEST_F(LightingTest, EitherSelectorAtManualGivesTheCrewLightAndKeepsCommandsAway) {
    for (const std::size_t selector : {std::size_t{0}, std::size_t{1}}) {
        state.inputs[0].active = selector == 0;
        state.inputs[1].active = selector == 1;
        pass(1s);
        EXPECT_TRUE(lighting->any_manual());
        EXPECT_EQ(level(0), 100);
        EXPECT_EQ(state.lamps[0].source, Source::local);
        execute(set_level(10, site::Target::Kind::lamps, {"L1"}));
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->lamps.at(0).code, Code::local_lockout);
        state.inputs[0].active = state.inputs[1].active = false;
        pass(1s);
        EXPECT_FALSE(lighting->any_manual());
        EXPECT_EQ(level(0), 0);
    }
}

TEST_F(LightingTest, OnlyItsNameReleasesAFeederThatAPersonKeepsOff) {
    site::Command hold = command(site::Op::feeder_set, site::Target::Kind::feeders, {"F2"});
    hold.feeder_on = false;
    hold.hold = site::HoldFor{3'600s};
    execute(hold);
    EXPECT_TRUE(state.feeders[1].held_off);
    // Neither time nor the selector nor releasing everything lifts it; a light is refused for want of power.
    pass(2h);
    EXPECT_TRUE(lighting->arbitration().held_off(1));
    ASSERT_FALSE(events_.empty());
    EXPECT_EQ(events_.back().kind, schedule::ArbitrationEvent::Kind::hold_overdue);
    state.inputs[0].active = true;
    pass(1s);
    state.inputs[0].active = false;
    pass(1s);
    execute(command(site::Op::release, site::Target::Kind::all));
    EXPECT_TRUE(lighting->arbitration().held_off(1));
    site::Command light = set_level(100, site::Target::Kind::lamps, {"L3"});
    light.energise = true;
    execute(light);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->lamps.at(0).code, Code::no_power);
    execute(command(site::Op::release, site::Target::Kind::feeders, {"F2"}));
    EXPECT_FALSE(lighting->arbitration().held_off(1));
}

TEST_F(LightingTest, HoldsAndOverridesComeBackAfterARestartAndEndWhenTheyWouldHave) {
    site::Command c = set_level(80, site::Target::Kind::lamps, {"L1"});
    c.hold = site::HoldFor{3'600s};
    execute(c);
    site::Command hold = command(site::Op::feeder_set, site::Target::Kind::feeders, {"F2"});
    hold.feeder_on = false;
    hold.hold = site::HoldReleased{};
    execute(hold);
    const auto kept = lighting->changes();
    execute(command(site::Op::release, site::Target::Kind::lamps, {"L1"}));
    execute(command(site::Op::release, site::Target::Kind::feeders, {"F2"}));
    lighting->restore(kept);
    pass(1s);
    EXPECT_EQ(level(0), 80);
    EXPECT_TRUE(state.feeders[1].held_off);
    pass(1h);  // as if it had been down meanwhile
    EXPECT_EQ(level(0), 0);
    EXPECT_EQ(events_.back().kind, schedule::ArbitrationEvent::Kind::override_ended);
    EXPECT_TRUE(state.feeders[1].held_off);
}

}  // namespace
}  // namespace sl::app
