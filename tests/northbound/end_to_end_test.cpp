// The whole way: outbox, session, Paho, a broker that is killed and comes again, and an independent
// subscriber that must have received every sequence number.
#include "gateway/northbound/paho_link.hpp"
#include "gateway/northbound/session.hpp"
#include "tests/northbound/broker.hpp"
#include "tests/northbound/fakes.hpp"

#include <csignal>
#include <poll.h>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sl::northbound::test {
namespace {

std::set<std::int64_t> received(const std::string& text, std::int64_t& history) {
    std::set<std::int64_t> out;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        boost::system::error_code error;
        const auto value = boost::json::parse(line, error);
        if (error || value.as_object().if_contains("seq") == nullptr) continue;
        out.insert(value.at("seq").as_int64());
        history += value.at("hist").as_bool() ? 1 : 0;
    }
    return out;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

TEST(EndToEnd, NothingIsMissingAfterTheBrokerWasKilledAndCameAgain) {
    TempDir dir;
    RealReactor reactor;
    VirtualReactor store_time;  // the fake store answers when it is run
    FakeOutbox outbox{store_time};
    Broker broker{dir, "allow_anonymous true\nmax_queued_messages 0\n"};
    broker.start();
    const std::vector<std::string> listen{"/usr/bin/mosquitto_sub",
                                          "-i",
                                          "watcher",
                                          "-V",
                                          "5",
                                          "-p",
                                          std::to_string(broker.port()),
                                          "-q",
                                          "1",
                                          "-t",
                                          "streetlight/v1/JZ/JZ-0237/#"};
    std::size_t subscriptions = 0;
    std::unique_ptr<Child> subscriber;
    // While this waits the session stands still, so nothing can be sent past the subscriber.
    const auto subscribe = [&] {
        subscriber = std::make_unique<Child>(listen, dir.path() / "sub.out");
        ++subscriptions;
        for (int i = 0;
             i < 400 && occurrences(dir.read("mosquitto.log"), "SUBSCRIBE from watcher") < subscriptions; ++i)
            ::poll(nullptr, 0, 25);
    };
    subscribe();
    PahoLink link{[&](std::function<void()> task) { reactor.post(std::move(task)); },
                  [] { return site::WallTime{}; }};
    const auto begin = reactor.now();
    const auto stamp = [&] {
        const auto up = std::chrono::duration_cast<milliseconds>(reactor.now() - begin).count();
        return Stamp{site::site_ms(1'764'000'000'000 + up), site::TimeQuality::ntp, up, 1};
    };
    SessionOptions options;
    options.site = "JZ";
    options.gateway = "JZ-0237";
    options.mqtt.url = "mqtt://127.0.0.1:" + std::to_string(broker.port());
    options.mqtt.first_retry_max = milliseconds{0};
    options.mqtt.hist_per_s = options.mqtt.hist_bytes_per_s = 0;
    options.spread_start = options.pacing = false;
    SessionHooks hooks;
    hooks.stamp = stamp;
    hooks.status = [] { return StatusInfo{"0.1.0", "cfg", "auto"}; };
    Session session{options, outbox, link, reactor, [] { return 0.5; }, hooks};
    session.start();
    const auto run_until = [&](const std::function<bool()>& condition) {
        return reactor.until([&] {
            store_time.run(milliseconds{5});
            return condition();
        });
    };
    const auto append = [&](int count) {
        for (int i = 0; i < count; ++i) {
            site::Record record;
            record.stream = site::Stream::state;
            record.boot = outbox.identity_.boot;
            record.up_ms = stamp().up_ms;
            record.body = "\"n\":1";
            outbox.append(std::move(record), site::Urgency::now);
        }
    };
    ASSERT_TRUE(run_until([&] { return session.stats().connected; })) << session.stats().last_error;
    append(300);
    ASSERT_TRUE(run_until([&] { return outbox.pending() == 0; }));
    broker.kill();
    subscriber.reset();
    ASSERT_TRUE(run_until([&] { return !session.stats().connected; }));
    append(500);
    broker.start();
    subscribe();
    ASSERT_TRUE(run_until([&] { return session.stats().connected; })) << session.stats().last_error;
    append(100);
    ASSERT_TRUE(run_until([&] { return outbox.pending() == 0; }));
    bool stopped = false;
    session.stop([&] { stopped = true; });
    ASSERT_TRUE(run_until([&] { return stopped; }));
    std::int64_t history = 0;
    run_until([&] { return received(dir.read("sub.out"), history).size() >= 900; });
    EXPECT_EQ(received(dir.read("sub.out"), history).size(), 900U);
    EXPECT_GT(history, 0);
}

}  // namespace
}  // namespace sl::northbound::test
