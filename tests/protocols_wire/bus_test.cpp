// One exchange after the other: who is served, what counts as an answer, how long is waited.
#include "tests/protocols_wire/toy_line.hpp"

#include <gmock/gmock.h>

namespace sl {
namespace {

using namespace std::chrono_literals;
using test::hex;
using test::Pending;
using testing::ElementsAre;

using BusTest = ToyLine;

TEST_F(BusTest, GivesTheAnswerOfTheDevice) {
    start_up(false);
    line->expect("11 01").answer("A5 01 77");
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
    EXPECT_EQ(since_start(), 10ms);
    EXPECT_EQ(bus->statistics().answers, 1U);
    EXPECT_EQ(bus->statistics().busy, 10ms);
}

TEST_F(BusTest, ServesHigherPrioritiesFirstAndEqualsInTheirOrder) {
    start_up(false);
    std::vector<Toy> toys;
    for (std::uint8_t id = 1; id <= 6; ++id) {
        toys.emplace_back(id);
        toys.back().judge = [id](std::span<const std::uint8_t> bytes) { return toy_judge(id, bytes); };
    }
    for (const auto* request : {"11 01", "11 06", "11 05", "11 04", "11 02", "11 03"}) {
        line->expect(request).answer(std::string("A5") + (request + 2) + "00");
    }
    const std::array<Priority, 6> priorities{Priority::poll,   Priority::poll,     Priority::poll,
                                             Priority::reread, Priority::schedule, Priority::command};
    std::vector<wire::Exchange> exchanges;
    for (std::size_t i = 0; i < toys.size(); ++i) {
        exchanges.push_back(toys[i].exchange(priorities[i]));
    }
    std::vector<Pending<wire::Result<Bytes>>> results;
    for (const auto& exchange : exchanges) {
        results.emplace_back(io, bus->transact(exchange));
    }
    test::pump(io, timers, [&] { return results[2].done(); });
    for (const auto& result : results) {
        ASSERT_TRUE(result.done());
        EXPECT_TRUE(result->has_value());
    }
    const auto& waits = bus->statistics().wait_max;
    EXPECT_EQ(waits[static_cast<std::size_t>(Priority::command)], 10ms);
    EXPECT_EQ(waits[static_cast<std::size_t>(Priority::poll)], 50ms);
}

TEST_F(BusTest, AsksASilentDeviceAgainAsOftenAsItsUnitSays) {
    start_up(false);
    one.unit.retries = 2;
    line->expect("11 01").expect("11 01").expect("11 01");
    EXPECT_EQ(shown(ask(one)), "no answer");
    EXPECT_EQ(since_start(), 300ms);
    EXPECT_EQ(bus->statistics().timeouts, 3U);
    EXPECT_EQ(bus->statistics().retries, 2U);
}

TEST_F(BusTest, LetsACommandThroughBetweenTwoAttempts) {
    start_up(false);
    one.unit.retries = 1;
    line->expect("11 01").expect("11 02").answer("A5 02 00").expect("11 01").answer("A5 01 00");
    const auto poll = one.exchange(Priority::poll);
    const auto command = two.exchange(Priority::command);
    const Pending<wire::Result<Bytes>> polled(io, bus->transact(poll));
    const Pending<wire::Result<Bytes>> commanded(io, bus->transact(command));
    test::pump(io, timers, [&] { return commanded.done(); });
    EXPECT_FALSE(polled.done());
    test::pump(io, timers, [&] { return polled.done(); });
    EXPECT_TRUE(polled->has_value());
}

TEST_F(BusTest, RepeatsBeforeThoseOfEqualPriorityWhoStillWait) {
    start_up(false);
    one.unit.retries = 1;
    const Toy three{3};
    line->expect("11 01").expect("11 02").answer("A5 02 00").expect("11 01").answer("A5 01 00");
    line->expect("11 03").answer("A5 03 00");
    const auto first = one.exchange();
    const auto second = two.exchange();
    const auto third = three.exchange();
    const Pending<wire::Result<Bytes>> a(io, bus->transact(first));
    const Pending<wire::Result<Bytes>> b(io, bus->transact(second));
    const Pending<wire::Result<Bytes>> c(io, bus->transact(third));
    test::pump(io, timers, [&] { return a.done() && b.done() && c.done(); });
    ASSERT_TRUE(a.done() && b.done() && c.done());
    EXPECT_TRUE(a->has_value() && b->has_value() && c->has_value());
}

TEST_F(BusTest, WaitsALittleBeforeAskingABusyDeviceAgain) {
    start_up(false);
    one.unit.retries = 1;
    line->expect("11 01").answer("E5 01 04").expect("11 01").answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_EQ(line->request_times[1] - line->request_times[0], 110ms);
    EXPECT_EQ(bus->statistics().exceptions, 1U);
}

TEST_F(BusTest, DoesNotRepeatWhatTheDeviceRefused) {
    start_up(false);
    one.unit.retries = 5;
    line->expect("11 01").answer("E5 01 06");
    EXPECT_EQ(shown(ask(one)), "no such register or data item");
}

TEST_F(BusTest, DropsALateAnswerThatCameBeforeTheNextRequest) {
    start_up(false);
    line->expect("11 01").answer("A5 01 66", 150ms);
    EXPECT_EQ(shown(ask(one)), "no answer");
    const auto later = timers.now() + 100ms;
    test::pump(io, timers, [&] {
        timers.add(later, [] {});
        return timers.now() >= later;
    });
    line->expect("11 01").answer("A5 01 77");
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
    EXPECT_EQ(bus->statistics().noise_bytes, 3U);
}

TEST_F(BusTest, StepsOverALateAnswerOfAnotherDeviceThatComesDuringTheNextExchange) {
    start_up(false);
    line->expect("11 01").answer("A5 01 66", 105ms);
    EXPECT_EQ(shown(ask(one)), "no answer");
    line->expect("11 02").answer("A5 02 77", 50ms);
    EXPECT_EQ(*ask(two), hex("A5 02 77"));
    EXPECT_EQ(bus->statistics().foreign, 1U);
}

TEST_F(BusTest, ListensForTheSecondAnswerAfterARetryWasAnsweredByTheFirstOne) {
    start_up(false);
    one.unit.retries = 1;
    line->expect("11 01").answer("A5 01 66", 120ms).expect("11 01").answer("A5 01 66", 120ms);
    EXPECT_EQ(*ask(one), hex("A5 01 66"));
    one.request = hex("12 01");  // another question to the same device; its answer looks the same
    line->expect("12 01").answer("A5 01 77");
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
}

TEST_F(BusTest, AsksADeviceThatOwesAnAnswerNothingElseUntilItCanNoLongerCome) {
    start_up(false);
    line->expect("11 01").answer("A5 01 66", 150ms);
    EXPECT_EQ(shown(ask(one)), "no answer");
    line->expect("11 02").answer("A5 02 77");
    EXPECT_EQ(*ask(two), hex("A5 02 77"));  // others need not wait
    EXPECT_EQ(since_start(), 110ms);
    one.request = hex("12 01");
    line->expect("12 01").answer("A5 01 77");
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
    EXPECT_EQ(since_start(), 210ms);
}

TEST_F(BusTest, DoesNotWaitForALateAnswerThatItCouldTellApart) {
    start_up(false);
    line->expect("11 01");
    EXPECT_EQ(shown(ask(one)), "no answer");
    one.request = hex("12 01");
    line->expect("12 01").answer("A5 01 77");
    auto exchange = one.exchange();
    exchange.answer_names_request = true;
    EXPECT_TRUE(run(bus->transact(exchange)).has_value());
    EXPECT_EQ(since_start(), 110ms);
}

TEST_F(BusTest, RunsAPseudoTerminalAsFastAsItAnswersWhenNoGapIsSet) {
    wire::BusSettings settings;
    settings.gap = 0ms;
    start_up(true, settings);
    line->expect("11 01").answer("A5 01 00", 1us).expect("11 01").answer("A5 01 00", 1us);
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_LT(since_start(), 10us);
}

TEST_F(BusTest, WaitsOnAfterAForeignAnswerAndSaysSoWhenNothingElseComes) {
    start_up(false);
    line->expect("11 01").answer("A5 09 00", 10ms).answer("A5 01 77", 90ms);
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
    line->expect("11 01").answer("A5 09 00", 10ms);
    EXPECT_EQ(shown(ask(one)), "answer of another device or request");
    EXPECT_EQ(bus->statistics().foreign, 2U);
}

TEST_F(BusTest, FindsTheAnswerWithNoiseAndAPauseAtEveryPosition) {
    start_up(false);
    const Bytes answer = hex("A5 01 77");
    for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
        const auto head = ::testing::PrintToString(cut);
        line->expect("11 01").answer("00 FF 13", 5ms);
        std::string first, rest;
        for (std::size_t i = 0; i < answer.size(); ++i) {
            (i < cut ? first : rest) += std::string("A50177").substr(2 * i, 2);
        }
        line->answer(first, 10ms).answer(rest + "", 60ms);
        const auto got = ask(one);
        ASSERT_TRUE(got.has_value()) << cut << ": " << shown(got);
        EXPECT_EQ(*got, answer);
    }
}

TEST_F(BusTest, FindsTheAnswerBehindAFalseStartOnceTheLineIsSilent) {
    start_up(false);
    one.unit.timeout = 500ms;
    line->expect("11 01").answer("A5", 10ms).answer("A5 01 77", 20ms).answer("", 30ms);
    // A5 A5 01 is taken for a foreign frame first; then 77 is noise and nothing else comes.
    EXPECT_EQ(shown(ask(one)), "malformed answer");
    line->expect("11 01").answer("E5 A5", 10ms);  // a stump that never grows
    EXPECT_EQ(shown(ask(one)), "malformed answer");
    EXPECT_EQ(bus->statistics().bad_frames, 2U);
}

TEST_F(BusTest, LetsAFrameThatHasBegunGrowPastTheTimeout) {
    start_up(true);
    line->expect("11 01").answer("A5", 95ms).answer("01", 150ms).answer("77", 220ms);
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
}

TEST_F(BusTest, EndsAnExchangeOnALineThatOnlyBabbles) {
    start_up(false);
    line->expect("11 01");
    for (int ms = 1; ms < 1000; ++ms) {
        line->inject(ms % 3 == 0 ? "A5" : "00", std::chrono::milliseconds(ms));
    }
    EXPECT_EQ(shown(ask(one)), "malformed answer");
    EXPECT_LT(since_start(), 500ms);
    test::pump(io, timers, [this] { return since_start() > 998ms; });
    line->expect("11 01").answer("A5 01 77");
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
}

TEST_F(BusTest, TakesItsOwnEchoAway) {
    wire::BusSettings settings;
    settings.echo = true;
    start_up(true, settings);
    one.request = hex("A5 01 00");  // an echo that looks like an answer
    line->expect("A5 01 00").answer("A5", 1ms).answer("01 00 A5 01", 2ms).answer("77", 20ms);
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
    EXPECT_EQ(bus->statistics().noise_bytes, 0U);
}

TEST_F(BusTest, ManagesWithoutTheEchoThatWasPromised) {
    wire::BusSettings settings;
    settings.echo = true;
    start_up(true, settings);
    line->expect("11 01").answer("A5 01 77", 20ms);
    EXPECT_EQ(*ask(one), hex("A5 01 77"));
}

TEST_F(BusTest, KeepsTheGapOfTheLineAndTheTurnaroundOfTheDevice) {
    start_up(true);
    line->expect("11 01").answer("A5 01 00").expect("11 01").answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
    const auto answered = timers.now();
    one.unit.turnaround = 20ms;
    EXPECT_TRUE(ask(one).has_value());
    // 9600 8N1: 3.5 characters of 10 bits are 3645.8 us.
    EXPECT_EQ(line->request_times[1] - answered, 20ms + 3645833ns);
}

TEST_F(BusTest, ChangesTheFormatBetweenUnitsOnlyAfterTheLastByteHasLeft) {
    start_up(true);
    two.unit.format.baud = 2400;
    two.unit.format.parity = Parity::even;
    line->expect("11 01")
        .answer("A5 01 00")
        .expect("11 02")
        .answer("A5 02 00", 30ms)
        .expect("11 01")
        .answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
    const auto answered = timers.now();
    line->pending = 5;
    EXPECT_TRUE(ask(two).has_value());
    EXPECT_GE(line->request_times[1] - answered, wire::frame_gap(two.unit.format));
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_THAT(line->formats, ElementsAre(one.unit.format, two.unit.format, one.unit.format));
}

TEST_F(BusTest, CountsTheTimeoutFromTheLastByteOnTheWire) {
    start_up(true);
    one.unit.format.baud = 600;
    line->expect("11 01");
    EXPECT_EQ(shown(ask(one)), "no answer");
    // Two characters at 600 baud before the timeout; the gap after opening first.
    const auto sent = line->request_times[0] - began;
    EXPECT_EQ(timers.now() - began - sent, 100ms + wire::character_time(one.unit.format, 2));
}

TEST_F(BusTest, SendsABroadcastWithoutWaitingForAnAnswer) {
    start_up(true);
    auto exchange = two.exchange(Priority::command);
    exchange.judge = nullptr;
    exchange.silence_after = 100ms;
    line->expect("11 02").expect("11 01").answer("A5 01 00");
    EXPECT_EQ(*run(bus->transact(exchange)), Bytes());
    EXPECT_TRUE(ask(one).has_value());
    EXPECT_GE(line->request_times[1] - line->request_times[0], 100ms);
    EXPECT_EQ(bus->statistics().timeouts, 0U);
}

TEST_F(BusTest, WritesARequestInPiecesWhenTheSystemTakesNoMore) {
    start_up(false);
    line->write_limit = 1;
    line->expect("11 01").answer("A5 01 00");
    EXPECT_TRUE(ask(one).has_value());
}

}  // namespace
}  // namespace sl
