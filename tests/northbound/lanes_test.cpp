// What the session sends and when: D3, D8, D10, D11, D15-D17 of the assertions, in virtual time.
#include "tests/northbound/session_world.hpp"

namespace sl::northbound::test {
namespace {

using Sending = World;
using site::Stream;

TEST_F(Sending, ARecordLeavesTheOutboxOnlyAfterTheAcknowledgement) {
    up();
    link.automatic = false;
    append(Stream::state);
    reactor.run(seconds{5});
    EXPECT_EQ(outbox.pending(), 1U);
    link.ack(link.sent.back().token);
    EXPECT_EQ(outbox.pending(), 0U);
}

TEST_F(Sending, AfterAnOutageLiveComesFirstThenHistoryInTheOrderOfTheContract) {
    up();
    link.lose();
    for (const auto s : {Stream::telemetry, Stream::energy, Stream::state, Stream::reply, Stream::event}) {
        for (int i = 0; i < 3; ++i)
            append(s);
    }
    reactor.run(seconds{600});
    append(Stream::telemetry);
    reactor.run(milliseconds{10});
    link.sent.clear();
    options.mqtt.hist_per_s = 0;
    up();
    reactor.run(seconds{60});
    std::vector<std::string> expected{r + "status", r + "telemetry"};
    for (const auto* s : {"event", "reply", "state", "energy", "telemetry"}) {
        for (int i = 0; i < 3; ++i)
            expected.push_back(r + "hist/" + s);
    }
    auto topics = link.topics();
    std::erase_if(topics, [&, first = true](const auto& t) mutable {
        return t == r + "status" && !std::exchange(first, false);
    });
    EXPECT_EQ(topics, expected);
    EXPECT_EQ(outbox.pending(), 0U);
    for (const auto& p : link.on(r + "hist/state"))
        EXPECT_TRUE(parsed(p.payload).at("hist").as_bool());
    EXPECT_EQ(parsed(link.on(r + "hist/state")[0].payload).at("seq").as_int64(), 1);
}

TEST_F(Sending, RecordsYoungerThanAMinuteAreLiveAfterABlip) {
    up();
    reactor.run(seconds{100});
    link.lose();
    append(Stream::state);
    reactor.run(seconds{5});
    append(Stream::state);
    while (!link.connecting)
        reactor.run(milliseconds{100});
    link.sent.clear();
    up();
    EXPECT_EQ(link.on(r + "state").size(), 2U);
    EXPECT_TRUE(link.on(r + "hist/state").empty());
}

TEST_F(Sending, InFlightRecordsAreSentAgainOnTheirTopicByteForByte) {
    up();
    link.automatic = false;
    append(Stream::state);
    append(Stream::event);
    reactor.run(milliseconds{10});
    const auto state = link.on(r + "state").at(0).payload;
    link.lose();
    reactor.run(seconds{300});
    link.automatic = true;
    link.sent.clear();
    up();
    reactor.run(seconds{30});
    ASSERT_EQ(link.on(r + "state").size(), 1U);
    EXPECT_EQ(link.on(r + "state")[0].payload, state);
    EXPECT_TRUE(link.on(r + "hist/state").empty());
    EXPECT_EQ(outbox.pending(), 0U);
}

TEST_F(Sending, HistoryKeepsToItsMessagesAndBytesPerSecond) {
    build();
    for (int i = 0; i < 100; ++i)
        append(Stream::telemetry, 1'000);
    reactor.run(seconds{120});
    up();
    const auto begin = link.on(r + "hist/telemetry").size();
    reactor.run(seconds{40});
    std::size_t bytes = 0;
    const auto sent = link.on(r + "hist/telemetry");
    for (std::size_t i = begin; i < sent.size(); ++i)
        bytes += sent[i].payload.size() + sent[i].topic.size();
    EXPECT_LE(bytes, 40U * 2'000 + 3'000);
    EXPECT_GE(bytes, 40U * 2'000 * 8 / 10);
}

TEST_F(Sending, HistoryKeepsToItsMessagesPerSecond) {
    options.mqtt.hist_bytes_per_s = 0;
    build();
    for (int i = 0; i < 500; ++i)
        append(Stream::telemetry, 10);
    reactor.run(seconds{120});
    up();
    reactor.run(seconds{20});
    EXPECT_NEAR(static_cast<double>(link.on(r + "hist/telemetry").size()), 100.0, 8.0);
}

TEST_F(Sending, HistoryWithoutLimitFillsTheWindow) {
    options.mqtt.hist_per_s = options.mqtt.hist_bytes_per_s = 0;
    build();
    for (int i = 0; i < 5'000; ++i)
        append(Stream::state);
    reactor.run(seconds{120});
    up();
    reactor.run(seconds{4});
    EXPECT_EQ(outbox.pending(), 0U);
    EXPECT_LE(outbox.largest_read, Lanes::read_records);
    EXPECT_LE(link.most_waiting, 10U);
    const auto last = parsed(link.on(r + "status").back().payload);
    EXPECT_TRUE(last.at("backlog").as_array().empty());
}

TEST_F(Sending, ACommandStopsHistoryAtOnce) {
    options.mqtt.hist_bytes_per_s = 0;
    build();
    for (int i = 0; i < 500; ++i)
        append(Stream::telemetry, 10);
    reactor.run(seconds{120});
    up();
    reactor.run(seconds{3});
    const auto before = link.on(r + "hist/telemetry").size();
    link.handler->on_message(Incoming{r + "cmd/city", "{}", false, {}, {}, false});
    reactor.run(milliseconds{900});
    EXPECT_EQ(link.on(r + "hist/telemetry").size(), before);
    ASSERT_EQ(commands.size(), 1U);
    reactor.run(seconds{3});
    EXPECT_GT(link.on(r + "hist/telemetry").size(), before);
}

TEST_F(Sending, NoHistoryIsSentWhileAnEventIsUnderWay) {
    options.mqtt.hist_bytes_per_s = 0;
    build();
    for (int i = 0; i < 100; ++i)
        append(Stream::telemetry, 10);
    reactor.run(seconds{120});
    up();
    reactor.run(seconds{2});
    link.delay = milliseconds{3'000};
    append(Stream::event);
    reactor.run(milliseconds{10});
    const auto before = link.on(r + "hist/telemetry").size();
    reactor.run(milliseconds{2'900});
    EXPECT_EQ(link.on(r + "hist/telemetry").size(), before);
    EXPECT_EQ(link.on(r + "event").size(), 1U);
}

TEST_F(Sending, ReplayBringsExactlyTheRangeAlsoWhenAcknowledged) {
    up();
    for (int i = 0; i < 50; ++i)
        append(Stream::energy);
    reactor.run(seconds{2});
    ASSERT_EQ(outbox.pending(), 0U);
    link.sent.clear();
    std::size_t handed = 0;
    session->replay(Stream::energy, {11, 20}, [&](std::size_t n) { handed = n; });
    reactor.run(seconds{30});
    std::vector<std::int64_t> seqs;
    for (const auto& p : link.on(r + "hist/energy"))
        seqs.push_back(seq_of(p));
    EXPECT_EQ(seqs, (std::vector<std::int64_t>{11, 12, 13, 14, 15, 16, 17, 18, 19, 20}));
    EXPECT_EQ(handed, 10U);
}

TEST_F(Sending, ARefusedRecordIsSetAsideAfterThreeTriesAndReported) {
    up();
    link.verdict = [&](const Publication& p) { return p.topic == r + "state" && seq_of(p) == 2 ? 0x87 : 0; };
    for (int i = 0; i < 3; ++i)
        append(Stream::state);
    reactor.run(seconds{30});
    int tries = 0;
    for (const auto& p : link.on(r + "state"))
        tries += seq_of(p) == 2 ? 1 : 0;
    EXPECT_EQ(tries, 3);
    EXPECT_EQ(outbox.pending(), 0U);
    const auto lost = parsed(link.on(r + "status").back().payload).at("lost").as_array();
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].at("why").as_string(), "not_authorised");
    const auto event = parsed(link.on(r + "event").at(0).payload);
    EXPECT_EQ(event.at("kind").as_string(), "data_lost");
    EXPECT_EQ(event.at("from").as_int64(), 2);
}

TEST_F(Sending, NobodyListeningIsSuccess) {
    up();
    link.verdict = [](const Publication&) { return 0x10; };
    append(Stream::state);
    reactor.run(seconds{1});
    EXPECT_EQ(outbox.pending(), 0U);
}

TEST_F(Sending, ARecordAboveTheBrokersPacketSizeIsLostAsTooBigAndTheQueueGoesOn) {
    Connack connack;
    connack.maximum_packet_size = 2'000;
    up(connack);
    append(Stream::state, 3'000);
    append(Stream::state, 100);
    reactor.run(seconds{5});
    EXPECT_EQ(outbox.packet_size, 2'000U);
    EXPECT_EQ(outbox.pending(), 0U);
    ASSERT_EQ(link.on(r + "state").size(), 1U);
    EXPECT_EQ(seq_of(link.on(r + "state")[0]), 2);
    EXPECT_EQ(outbox.lost().at(0).why, "too_big");
}

TEST_F(Sending, ARecordThatEndsTheConnectionEveryTimeIsSetAside) {
    options.mqtt.first_retry_max = milliseconds{0};
    up();
    for (int i = 0; i < 4; ++i)
        append(Stream::state);
    link.automatic = false;
    for (int round = 0; round < 60 && outbox.pending() > 0; ++round) {
        reactor.run(milliseconds{50});
        bool lost = false;
        while (!lost && !link.waiting.empty()) {
            const auto token = link.waiting.front();
            const auto it = std::find_if(link.sent.begin(), link.sent.end(),
                                         [&](const auto& s) { return s.token == token; });
            if (it->message.topic == r + "state" && seq_of(it->message) == 2) {
                link.lose();
                lost = true;
            } else {
                link.ack(token);
            }
            reactor.run(milliseconds{1});
        }
        if (lost) {
            while (!link.connecting)
                reactor.run(milliseconds{100});
            link.accept();
            link.handler->on_subscribed({1, 1, 1});
        }
    }
    reactor.run(milliseconds{50});
    ASSERT_FALSE(outbox.lost().empty());
    EXPECT_EQ(outbox.lost()[0].range.from, 2);
    EXPECT_EQ(outbox.records[Stream::state].count(1), 1U);
    EXPECT_TRUE(outbox.records[Stream::state].at(1).acked);
    EXPECT_TRUE(outbox.records[Stream::state].at(4).acked);
}

TEST_F(Sending, InFlightNeverExceedsTheBrokersReceiveMaximum) {
    Connack connack;
    connack.receive_maximum = 1;
    up(connack);
    for (int i = 0; i < 30; ++i)
        append(Stream::state);
    reactor.run(seconds{2});
    EXPECT_EQ(link.most_waiting, 1U);
    EXPECT_EQ(outbox.pending(), 0U);
}

TEST_F(Sending, AnAcknowledgementOverdueBy30SecondsDropsTheLink) {
    up();
    link.automatic = false;
    append(Stream::state);
    reactor.run(seconds{29});
    EXPECT_TRUE(link.drops.empty());
    reactor.run(seconds{4});
    EXPECT_EQ(link.drops, std::vector<bool>{false});
    link.automatic = true;
    up();
    reactor.run(seconds{1});
    EXPECT_EQ(outbox.pending(), 0U);
}

TEST_F(Sending, AFloodGoesThroughTheStoreWithoutLossAndInOrder) {
    up();
    for (int i = 0; i < 3'000; ++i)
        append(Stream::state, 1'000);
    reactor.run(seconds{10});
    EXPECT_EQ(outbox.pending(), 0U);
    const auto sent = link.on(r + "state");
    ASSERT_EQ(sent.size(), 3'000U);
    for (std::size_t i = 0; i < sent.size(); ++i)
        ASSERT_EQ(seq_of(sent[i]), static_cast<std::int64_t>(i + 1));
    EXPECT_TRUE(link.on(r + "hist/state").empty());
}

TEST_F(Sending, RecordsThatTheStoreCouldNotCommitAreSentWithoutSeq) {
    up();
    outbox.can_commit = false;
    append(Stream::event);
    reactor.run(seconds{1});
    EXPECT_TRUE(parsed(link.on(r + "event").at(0).payload).at("seq").is_null());
}

TEST_F(Sending, TelemetryIsShiftedByTheNameOfTheGatewayAndEventsAreNot) {
    options.pacing = true;
    up();
    append(Stream::telemetry);
    append(Stream::event);
    const auto captured = reactor.now();
    reactor.run(seconds{62});
    ASSERT_EQ(link.on(r + "telemetry").size(), 1U);
    ASSERT_EQ(link.on(r + "event").size(), 1U);
    const auto shift = pacing_shift("JZ-0237");
    EXPECT_GT(shift, seconds{1});
    for (const auto& s : link.sent) {
        if (s.message.topic == r + "telemetry") {
            EXPECT_GE(s.at, captured + shift);
        }
        if (s.message.topic == r + "event") {
            EXPECT_LT(s.at, captured + seconds{1});
        }
    }
}

TEST_F(Sending, LossIsToldInStatusBeforeNewerData) {
    up();
    link.sent.clear();
    outbox.lose(site::LostRange{Stream::telemetry, {5, 9}, "quota"});
    append(Stream::telemetry);
    reactor.run(seconds{1});
    ASSERT_GE(link.sent.size(), 2U);
    EXPECT_EQ(link.sent[0].message.topic, r + "status");
    EXPECT_EQ(parsed(link.sent[0].message.payload).at("lost").as_array().size(), 1U);
}

TEST_F(Sending, MetaIsPublishedOnChangeAndVanishedPagesAreCleared) {
    up();
    session->set_meta({"\"page\":1", "\"page\":2"});
    reactor.run(seconds{1});
    EXPECT_EQ(link.on(r + "meta/1").size(), 1U);
    EXPECT_EQ(link.on(r + "meta/2").size(), 1U);
    session->set_meta({"\"page\":1"});
    reactor.run(seconds{1});
    EXPECT_EQ(link.on(r + "meta/1").size(), 1U);
    ASSERT_EQ(link.on(r + "meta/2").size(), 2U);
    EXPECT_TRUE(link.on(r + "meta/2")[1].payload.empty());
    EXPECT_TRUE(link.on(r + "meta/2")[1].retain);
    link.lose();
    up();
    EXPECT_EQ(link.on(r + "meta/1").size(), 2U);
}

TEST_F(Sending, ARestartWithinAMinuteKeepsTheNewestRecordsLive) {
    build();
    append(Stream::state);
    reactor.run(seconds{300});
    append(Stream::state);
    reactor.run(milliseconds{10});
    session.reset();
    ++outbox.identity_.boot;
    reactor.run(seconds{10});
    up();
    reactor.run(seconds{10});
    ASSERT_EQ(link.on(r + "state").size(), 1U);
    EXPECT_EQ(seq_of(link.on(r + "state")[0]), 2);
    ASSERT_EQ(link.on(r + "hist/state").size(), 1U);
    EXPECT_EQ(outbox.pending(), 0U);
}

TEST_F(Sending, AReplyGoesAlsoToItsResponseTopic) {
    up();
    site::Record reply;
    reply.stream = Stream::reply;
    reply.boot = outbox.identity_.boot;
    reply.up_ms = reactor.up_ms();
    reply.body = R"("id":"a","phase":"done")";
    reply.response_topic = "streetlight/v1/JZ/_reply/x";
    reply.correlation = std::string("\x00\x01", 2);
    outbox.append(reply, site::Urgency::now);
    reactor.run(seconds{1});
    ASSERT_EQ(link.on("streetlight/v1/JZ/_reply/x").size(), 1U);
    const auto copy = link.on("streetlight/v1/JZ/_reply/x")[0];
    EXPECT_EQ(copy.correlation, reply.correlation);
    EXPECT_FALSE(copy.retain);
    EXPECT_EQ(copy.payload, link.on(r + "reply").at(0).payload);
}

}  // namespace
}  // namespace sl::northbound::test
