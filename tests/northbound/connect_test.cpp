// How the session connects: N1-N6, N10-N12 of the assertions, in virtual time.
#include "tests/northbound/session_world.hpp"

#include <cmath>

namespace sl::northbound::test {
namespace {

using Connecting = World;

double seconds_between(site::MonoTime a, site::MonoTime b) {
    return std::chrono::duration<double>(b - a).count();
}

TEST_F(Connecting, TriesForEverAndNeverWaitsLongerThanTheCap) {
    build();
    for (int i = 0; i < 2'000; ++i) {
        while (!link.connecting)
            reactor.run(seconds{1});
        link.refuse();
        reactor.run(milliseconds{1});
    }
    ASSERT_GE(link.attempts.size(), 2'000U);
    for (std::size_t i = 1; i < link.attempts.size(); ++i)
        EXPECT_LE(seconds_between(link.attempts[i - 1], link.attempts[i]), 301.5);
    EXPECT_GT(seconds_between(link.attempts.front(), link.attempts.back()), 24.0 * 3600);
}

// Kolmogorov-Smirnov against the uniform distribution; 1.63 / sqrt(n) is the 1 % limit.
TEST_F(Connecting, TheFirstRetryAfterALossIsUniformIn30Seconds) {
    std::vector<double> delays;
    for (int i = 0; i < 1'000; ++i) {
        Backoff backoff{options.mqtt.first_retry_max, options.mqtt.retry_cap};
        delays.push_back(std::chrono::duration<double>(backoff.next([this] {
                             return std::uniform_real_distribution<>{}(engine);
                         })).count());
    }
    std::sort(delays.begin(), delays.end());
    double distance = 0;
    for (std::size_t i = 0; i < delays.size(); ++i)
        distance = std::max(distance, std::abs((static_cast<double>(i) + 0.5) / 1'000 - delays[i] / 30.0));
    EXPECT_LT(distance, 1.63 / std::sqrt(1'000.0));
    EXPECT_GT(delays.back(), 29.0);
}

TEST_F(Connecting, AKickSoonAfterConnectingBacksOffLikeAFailure) {
    build();
    for (int i = 0; i < 60; ++i) {
        up();
        link.lose();
    }
    EXPECT_GT(seconds_between(link.attempts.front(), link.attempts.back()), 60.0 * 60);
}

TEST_F(Connecting, AConnectionThatLastedResetsTheBackoff) {
    build();
    for (int i = 0; i < 8; ++i) {
        while (!link.connecting)
            reactor.run(seconds{1});
        link.refuse();
    }
    up();
    reactor.run(seconds{120});
    const auto lost = reactor.now();
    link.lose();
    while (!link.connecting)
        reactor.run(milliseconds{100});
    EXPECT_LE(seconds_between(lost, link.attempts.back()), 30.1);
}

TEST_F(Connecting, TheStartIsSpreadAfterPowerUpAndImmediateAfterAManualRestart) {
    build();
    EXPECT_EQ(link.attempts.size(), 1U);
    std::vector<double> starts;
    options.spread_start = true;
    for (int i = 0; i < 50; ++i) {
        session.reset();
        const auto begin = reactor.now();
        build();
        while (!link.connecting)
            reactor.run(milliseconds{100});
        starts.push_back(seconds_between(begin, link.attempts.back()));
    }
    EXPECT_LT(*std::min_element(starts.begin(), starts.end()), 10.0);
    EXPECT_GT(*std::max_element(starts.begin(), starts.end()), 45.0);
    EXPECT_LE(*std::max_element(starts.begin(), starts.end()), 60.2);
}

TEST_F(Connecting, TheDelayCountsFromTheEndOfTheFailedAttempt) {
    options.mqtt.first_retry_max = milliseconds{10'000};
    build();
    reactor.run(seconds{30});  // the handshake hangs
    const auto failed = reactor.now();
    link.refuse();
    EXPECT_EQ(link.attempts.size(), 1U);
    while (!link.connecting)
        reactor.run(milliseconds{1});
    EXPECT_GT(link.attempts.back(), failed);
}

TEST_F(Connecting, StatusIsTheFirstPublishThenTheSubscriptionsThenTheRest) {
    append(site::Stream::event);
    build();
    up();
    ASSERT_GE(link.sent.size(), 2U);
    EXPECT_EQ(link.sent[0].message.topic, r + "status");
    EXPECT_TRUE(link.sent[0].message.retain);
    EXPECT_EQ(link.sent[1].message.topic, r + "event");
    ASSERT_EQ(link.subscriptions.size(), 1U);
    EXPECT_EQ(link.subscriptions[0][0].filter, r + "cmd/+");
    EXPECT_TRUE(link.subscriptions[0][0].retain_as_published);
    EXPECT_EQ(link.subscriptions[0][1].filter, "streetlight/v1/JZ/_all/cmd/+");
    EXPECT_EQ(ready, 1);
    const auto status = parsed(link.sent[0].message.payload);
    EXPECT_EQ(status.at("online").as_int64(), 1);
    EXPECT_EQ(status.at("conn").as_int64(), 1);
    EXPECT_EQ(status.at("reason").as_string(), "power_on");
    const auto will = parsed(link.options[0].will.payload);
    EXPECT_EQ(will.at("online").as_int64(), 0);
    EXPECT_EQ(will.at("conn"), status.at("conn"));
    EXPECT_EQ(will.at("epoch"), status.at("epoch"));
    EXPECT_EQ(link.options[0].will.delay, seconds{60});
}

TEST_F(Connecting, TheCounterGrowsWithEveryConnectionAndNotWithFailedAttempts) {
    build();
    link.refuse();
    up();
    link.lose();
    up();
    const auto statuses = link.on(r + "status");
    ASSERT_EQ(statuses.size(), 2U);
    EXPECT_EQ(parsed(statuses[0].payload).at("conn").as_int64(), 1);
    EXPECT_EQ(parsed(statuses[1].payload).at("conn").as_int64(), 2);
    EXPECT_EQ(parsed(statuses[1].payload).at("reason").as_string(), "reconnect");
}

TEST_F(Connecting, SubscribesAgainOnlyWhenTheBrokerForgotTheSession) {
    Connack kept;
    kept.session_present = true;
    up();
    link.lose();
    up(kept);
    EXPECT_EQ(link.subscriptions.size(), 1U);
    EXPECT_EQ(ready, 2);
    link.lose();
    up();
    EXPECT_EQ(link.subscriptions.size(), 2U);
}

TEST_F(Connecting, SubscribesOnASessionThatAnEarlierProcessLeftBehind) {
    Connack kept;
    kept.session_present = true;
    up(kept);
    EXPECT_EQ(link.subscriptions.size(), 1U);
}

TEST_F(Connecting, AnOfflineStatusOfItsOwnIsCorrectedWithin5Seconds) {
    up();
    reactor.run(seconds{20});
    const auto before = link.on(r + "status").size();
    link.handler->on_message(Incoming{r + "status", R"({"v":1,"online":0,"conn":1})", true, {}, {}, false});
    reactor.run(seconds{5});
    const auto statuses = link.on(r + "status");
    ASSERT_EQ(statuses.size(), before + 1);
    EXPECT_EQ(parsed(statuses.back().payload).at("online").as_int64(), 1);
}

TEST_F(Connecting, TakenOverTwiceItHoldsOffForAMinute) {
    options.mqtt.first_retry_max = milliseconds{0};
    up();
    link.lose(0x8E);
    up();
    const auto lost = reactor.now();
    link.lose(0x8E);
    while (!link.connecting)
        reactor.run(milliseconds{100});
    EXPECT_GE(seconds_between(lost, link.attempts.back()), 60.0);
}

TEST_F(Connecting, AShorterKeepAliveOfTheBrokerIsTakenOver) {
    build();
    Connack connack;
    connack.server_keep_alive = seconds{60};
    link.accept(connack);
    reactor.run(milliseconds{10});
    ASSERT_EQ(link.options.size(), 2U);
    EXPECT_EQ(link.options[1].keepalive, seconds{60});
    link.accept(connack);
    reactor.run(milliseconds{10});
    EXPECT_EQ(link.sent.size(), 1U);
}

TEST_F(Connecting, WithoutRetainAtTheBrokerNothingIsRetained) {
    build();
    link.refuse(0x9A);
    while (!link.connecting)
        reactor.run(milliseconds{100});
    EXPECT_FALSE(link.options.back().will.retain);
    Connack connack;
    connack.retain_available = false;
    up(connack);
    EXPECT_FALSE(link.sent[0].message.retain);
}

TEST_F(Connecting, StopSaysOfflineAndLeavesPolitely) {
    up();
    bool stopped = false;
    session->stop([&] { stopped = true; });
    reactor.run(milliseconds{50});
    EXPECT_TRUE(stopped);
    const auto last = parsed(link.sent.back().message.payload);
    EXPECT_EQ(last.at("online").as_int64(), 0);
    EXPECT_EQ(last.at("reason").as_string(), "shutdown");
    EXPECT_EQ(link.drops.back(), true);
    reactor.run(seconds{600});
    EXPECT_EQ(link.attempts.size(), 1U);
}

TEST_F(Connecting, StopDoesNotWaitForADeadBroker) {
    up();
    link.automatic = false;
    bool stopped = false;
    session->stop([&] { stopped = true; });
    reactor.run(milliseconds{2'100});
    EXPECT_TRUE(stopped);
}

TEST_F(Connecting, TheFirstStatusOfAnEpochSaysWhyUntilItIsAcknowledged) {
    outbox.identity_.fresh_epoch = true;
    outbox.identity_.replaces = "01JC0000000000000000000000";
    outbox.identity_.reason = "new_store";
    link.automatic = false;
    build();
    link.accept();
    link.lose();
    EXPECT_TRUE(outbox.identity_.fresh_epoch);
    link.automatic = true;
    up();
    EXPECT_FALSE(outbox.identity_.fresh_epoch);
    const auto second = parsed(link.on(r + "status").back().payload);
    EXPECT_EQ(second.at("reason").as_string(), "new_store");
    EXPECT_EQ(second.at("replaces").as_string(), "01JC0000000000000000000000");
    link.lose();
    up();
    EXPECT_FALSE(parsed(link.on(r + "status").back().payload).contains("replaces"));
}

TEST_F(Connecting, ANewEpochWhileConnectedIsAnnouncedOnANewConnectionAndNothingOldGoesOutUnderIt) {
    up();
    append(site::Stream::event);
    append(site::Stream::event);
    link.automatic = false;
    append(site::Stream::event);  // under way when the store breaks
    reactor.run(seconds{1});
    link.automatic = true;
    outbox.begin_epoch("01JE0000000000000000000000");
    session->publish_status();
    EXPECT_FALSE(link.connected);
    link.sent.clear();
    up();
    append(site::Stream::event);
    reactor.run(seconds{10});
    EXPECT_NE(link.options.back().will.payload.find("01JE0000000000000000000000"), std::string::npos);
    ASSERT_FALSE(link.sent.empty());
    const auto status = parsed(link.sent.front().message.payload);
    EXPECT_EQ(status.at("reason").as_string(), "new_store");
    EXPECT_EQ(status.at("replaces").as_string(), "01JD0000000000000000000000");
    for (const auto& sent : link.sent)
        EXPECT_EQ(parsed(sent.message.payload).at("epoch").as_string(), "01JE0000000000000000000000");
    const auto events = link.on(r + "event");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(seq_of(events.front()), 1);
    EXPECT_EQ(outbox.pending(), 0U);
}

}  // namespace
}  // namespace sl::northbound::test
