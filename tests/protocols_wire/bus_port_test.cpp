// The port below the bus: it goes, it comes back, it is stopped.
#include "tests/protocols_wire/toy_line.hpp"

#include <gmock/gmock.h>

namespace sl {
namespace {

using namespace std::chrono_literals;
using test::hex;
using test::Pending;
using testing::ElementsAre;

using BusPortTest = ToyLine;

TEST_F(BusPortTest, FailsEverybodyWhenThePortGoesAndOpensItAgain) {
    start_up(false);
    line->expect("11 01").lost();
    const auto first = one.exchange();
    const auto second = two.exchange();
    const Pending<wire::Result<Bytes>> asked(io, bus->transact(first));
    const Pending<wire::Result<Bytes>> queued(io, bus->transact(second));
    test::pump(io, timers, [&] { return asked.done() && queued.done(); });
    EXPECT_EQ(shown(*asked), "port lost");
    EXPECT_EQ(shown(*queued), "port lost");
    EXPECT_FALSE(bus->up());
    EXPECT_EQ(shown(ask(one)), "port lost");  // fails fast
    EXPECT_EQ(since_start(), 1ms);
    test::pump(io, timers, [this] { return bus->up(); });
    EXPECT_EQ(line->openings[1] - began, 501ms);
    line->expect("11 01").answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_THAT(states, ElementsAre("up", "down: End of file", "up"));
    EXPECT_EQ(bus->statistics().losses, 1U);
}

TEST_F(BusPortTest, DoublesTheTimeBetweenOpeningsUpToHalfAMinute) {
    start(false);
    line->open_results.assign(9, boost::asio::error::make_error_code(boost::asio::error::connection_refused));
    test::pump(io, timers, [this] { return bus->up(); });
    std::vector<std::chrono::milliseconds> gaps;
    for (std::size_t i = 1; i < line->openings.size(); ++i) {
        gaps.push_back(
            std::chrono::duration_cast<std::chrono::milliseconds>(line->openings[i] - line->openings[i - 1]));
    }
    EXPECT_THAT(gaps, ElementsAre(500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 30000ms, 30000ms, 30000ms));
    EXPECT_THAT(states, ElementsAre("down: Connection refused", "up"));
}

TEST_F(BusPortTest, ForgetsTheLongWaitOnlyAfterAnAnswer) {
    start(false);
    line->open_results.assign(3, boost::asio::error::make_error_code(boost::asio::error::connection_refused));
    test::pump(io, timers, [this] { return bus->up(); });
    line->expect("11 01").lost();
    EXPECT_EQ(shown(ask(one)), "port lost");
    test::pump(io, timers, [this] { return bus->up(); });
    EXPECT_EQ(line->openings[4] - line->openings[3], 4001ms);
    line->expect("11 01").answer("A5 01 00").expect("11 01").lost();
    EXPECT_TRUE(ask(one).has_value());
    const auto lost_at = timers.now() + 1ms;
    EXPECT_EQ(shown(ask(one)), "port lost");
    test::pump(io, timers, [this] { return bus->up(); });
    EXPECT_EQ(line->openings[5] - lost_at, 500ms);
}

TEST_F(BusPortTest, NoticesBeforeAskingThatTheOtherSideHungUpWhileTheLineWasIdle) {
    start_up(false);
    line->expect("11 01").answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
    line->lose_now();
    timers.add(timers.now() + 2s, [] {});
    test::pump(io, timers, [this] { return since_start() > 2s; });
    EXPECT_EQ(shown(ask(one)), "port lost");
    EXPECT_EQ(bus->statistics().requests, 1U);
}

TEST_F(BusPortTest, GivesUpAConnectionThatNeverComesAbout) {
    start(false);
    line->never_connects = true;
    test::pump(io, timers, [this] { return !states.empty(); });
    EXPECT_EQ(since_start(), 5s);
    EXPECT_THAT(states, ElementsAre("down: Connection timed out"));
}

TEST_F(BusPortTest, WakesThoseWhoWaitForTheLine) {
    start(false);
    line->open_results.assign(1, boost::asio::error::make_error_code(boost::asio::error::connection_refused));
    bool woken = false;
    boost::asio::co_spawn(io, bus->until_up(), [&](const std::exception_ptr&) { woken = true; });
    test::pump(io, timers, [&] { return woken; });
    EXPECT_TRUE(bus->up());
    EXPECT_EQ(since_start(), 500ms);
}

TEST_F(BusPortTest, EndsEverythingWhenItIsStopped) {
    start_up(false);
    line->expect("11 01");
    const auto first = one.exchange();
    const auto second = two.exchange();
    const Pending<wire::Result<Bytes>> asked(io, bus->transact(first));
    const Pending<wire::Result<Bytes>> queued(io, bus->transact(second));
    test::pump(io, timers, [this] { return bus->statistics().requests == 1; });
    bus->stop();
    test::pump(io, timers, [&] { return asked.done() && queued.done() && ended; });
    EXPECT_EQ(shown(*asked), "cancelled");
    EXPECT_EQ(shown(*queued), "cancelled");
    EXPECT_EQ(shown(ask(one)), "cancelled");
}

TEST_F(BusPortTest, ShowsEveryByteToTheWireLog) {
    start_up(false);
    std::vector<std::pair<wire::Direction, Bytes>> seen;
    bus->set_wire_log([&](wire::Direction direction, std::span<const std::uint8_t> bytes, wire::TimePoint) {
        seen.emplace_back(direction, Bytes(bytes.begin(), bytes.end()));
    });
    line->expect("11 01").answer("00", 5ms).answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_THAT(seen, ElementsAre(std::pair(wire::Direction::sent, hex("11 01")),
                                  std::pair(wire::Direction::received, hex("00")),
                                  std::pair(wire::Direction::received, hex("A5 01 00"))));
}

}  // namespace
}  // namespace sl
