// The transport against a real broker on loopback; mosquitto_sub is the independent subscriber.
#include "gateway/northbound/paho_link.hpp"

#include "gateway/northbound/connect_check.hpp"
#include "tests/northbound/broker.hpp"

#include <csignal>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::northbound::test {
namespace {

using ::testing::HasSubstr;

struct Recorder final : public LinkHandler {
    void on_connected(const Connack& c) override { connacks.push_back(c); }
    void on_connect_failed(const LinkError& e) override { failures.push_back(e); }
    void on_lost(const LinkError& e) override { losses.push_back(e); }
    void on_published(PublishToken token, int reason) override { published.emplace_back(token, reason); }
    void on_subscribed(const std::vector<int>& r) override { subscribed.push_back(r); }
    void on_message(Incoming m) override { messages.push_back(std::move(m)); }
    std::vector<Connack> connacks;
    std::vector<LinkError> failures, losses;
    std::vector<std::pair<PublishToken, int>> published;
    std::vector<std::vector<int>> subscribed;
    std::vector<Incoming> messages;
};

struct Paho : public ::testing::Test {
    TempDir dir;
    RealReactor reactor;
    Recorder seen;
    std::unique_ptr<PahoLink> link;

    Paho() {
        link =
            std::make_unique<PahoLink>([this](std::function<void()> task) { reactor.post(std::move(task)); },
                                       [] {
                                           return std::chrono::time_point_cast<std::chrono::milliseconds>(
                                               std::chrono::system_clock::now());
                                       });
        link->set_handler(&seen);
    }
    ConnectOptions plain(int port) {
        ConnectOptions o;
        o.url = "mqtt://127.0.0.1:" + std::to_string(port);
        o.client_id = "JZ-JZ-0237";
        o.connect_timeout = std::chrono::seconds{5};
        o.will = Will{"streetlight/v1/JZ/JZ-0237/status", "gone", true, std::chrono::seconds{0}};
        return o;
    }
    ConnectOptions mutual(int port, const std::string& host = "localhost") {
        auto o = plain(port);
        o.url = "mqtts://" + host + ":" + std::to_string(port);
        o.ca_file = dir.file("ca.crt");
        o.cert_file = dir.file("client.crt");
        o.key_file = dir.file("client.key");
        return o;
    }
    std::string tls_conf(const std::string& server) {
        return "cafile " + dir.file("ca.crt") + "\ncertfile " + dir.file(server + ".crt") + "\nkeyfile " +
               dir.file(server + ".key") + "\nrequire_certificate true\nuse_identity_as_username true\n";
    }
    bool connected(std::size_t times = 1) {
        return reactor.until([&] { return seen.connacks.size() >= times || !seen.failures.empty(); }) &&
               seen.connacks.size() == times;
    }
    std::string failure() {
        const auto before = seen.connacks.size();
        reactor.until([&] { return !seen.failures.empty() || seen.connacks.size() > before; });
        return seen.failures.empty() ? "connected" : seen.failures[0].text;
    }
};

TEST_F(Paho, PublishesWithQos1AndAnIndependentSubscriberReceivesIt) {
    Broker broker{dir};
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected());
    EXPECT_FALSE(seen.connacks[0].session_present);
    ASSERT_TRUE(link->publish(Publication{"a/b", "{\"v\":1}", 1, true, {}}, 42));
    ASSERT_TRUE(reactor.until([&] { return seen.published.size() == 1; }));
    EXPECT_EQ(seen.published[0].first, 42U);
    EXPECT_LT(seen.published[0].second, 0x80);
    ASSERT_EQ(run({"/usr/bin/mosquitto_sub", "-p", std::to_string(broker.port()), "-t", "a/b", "-C", "1",
                   "-W", "10"},
                  dir.path() / "sub.out"),
              0);
    EXPECT_EQ(dir.read("sub.out"), "{\"v\":1}\n");
}

TEST_F(Paho, BringsCommandsWithTheirPropertiesAndTheRetainFlag) {
    Broker broker{dir};
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected());
    ASSERT_TRUE(link->subscribe({{"cmd/+", true}, {"status", false}}));
    ASSERT_TRUE(reactor.until([&] { return !seen.subscribed.empty(); }));
    EXPECT_EQ(seen.subscribed[0], (std::vector<int>{1, 1}));
    ASSERT_EQ(run({"/usr/bin/mosquitto_pub",
                   "-V",
                   "5",
                   "-p",
                   std::to_string(broker.port()),
                   "-q",
                   "1",
                   "-r",
                   "-t",
                   "cmd/city",
                   "-m",
                   "hello",
                   "-D",
                   "publish",
                   "response-topic",
                   "back/here",
                   "-D",
                   "publish",
                   "correlation-data",
                   "c0rr",
                   "-D",
                   "publish",
                   "message-expiry-interval",
                   "60"},
                  dir.path() / "pub.out"),
              0);
    ASSERT_TRUE(reactor.until([&] { return !seen.messages.empty(); }));
    const auto& m = seen.messages[0];
    EXPECT_EQ(m.topic, "cmd/city");
    EXPECT_EQ(m.payload, "hello");
    EXPECT_TRUE(m.retain);
    EXPECT_EQ(m.response_topic, "back/here");
    EXPECT_EQ(m.correlation, "c0rr");
    EXPECT_TRUE(m.broker_expiry);
}

TEST_F(Paho, SpeaksMqtt311) {
    Broker broker{dir};
    broker.start();
    auto o = plain(broker.port());
    o.version = 4;
    o.clean_start = true;
    link->connect(o);
    ASSERT_TRUE(connected());
    ASSERT_TRUE(link->subscribe({{"x", true}}));
    ASSERT_TRUE(link->publish(Publication{"x", "1", 1, false, "ignored"}, 1));
    EXPECT_TRUE(reactor.until([&] { return seen.published.size() == 1 && seen.messages.size() == 1; }));
}

TEST_F(Paho, ARefusalOfTheBrokerIsNotSuccess) {
    dir.write("acl", "topic read #\ntopic write allowed/#\n");
    Broker broker{dir, "allow_anonymous true\nacl_file " + dir.file("acl") + "\n"};
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected());
    ASSERT_TRUE(link->publish(Publication{"forbidden", "1", 1, false, {}}, 7));
    ASSERT_TRUE(link->publish(Publication{"allowed/nobody", "1", 1, false, {}}, 8));
    ASSERT_TRUE(reactor.until([&] { return seen.published.size() == 2; }));
    EXPECT_EQ(seen.published[0], (std::pair<PublishToken, int>{7, 0x87}));
    EXPECT_EQ(seen.published[1].first, 8U);
    EXPECT_LT(seen.published[1].second, 0x80);
}

TEST_F(Paho, ReportsTheLimitsOfTheBroker) {
    Broker broker{dir,
                  "allow_anonymous true\nmax_packet_size 2000\nmax_keepalive 40\nretain_available false\n"};
    broker.start();
    auto o = plain(broker.port());
    o.will.retain = false;
    link->connect(o);
    ASSERT_TRUE(connected());
    EXPECT_EQ(seen.connacks[0].maximum_packet_size, 2'000U);
    EXPECT_EQ(seen.connacks[0].server_keep_alive, std::chrono::seconds{40});
    EXPECT_FALSE(seen.connacks[0].retain_available);
}

TEST_F(Paho, KeepsTheSessionAndNoticesTheBrokersDeath) {
    Broker broker{dir};
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected());
    link->drop(false);
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected(2));
    EXPECT_TRUE(seen.connacks[1].session_present);
    broker.kill();
    ASSERT_TRUE(reactor.until([&] { return !seen.losses.empty(); }));
    EXPECT_FALSE(link->publish(Publication{"a", "1", 1, false, {}}, 1));
    link->connect(plain(broker.port()));
    EXPECT_THAT(failure(), HasSubstr("cannot be reached: Connection refused"));
    seen.failures.clear();
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected(3));
    EXPECT_FALSE(seen.connacks[2].session_present);
}

// Ends our connection to `port` as a dead line would: no DISCONNECT.
void cut_line(int port) {
    for (int fd = 3; fd < 256; ++fd) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || peer.sin_family != AF_INET)
            continue;
        if (ntohs(peer.sin_port) == port) ::shutdown(fd, SHUT_RDWR);
    }
}

TEST_F(Paho, TheWillSpeaksAfterItsDelayWhenTheLineDies) {
    Broker broker{dir};
    broker.start();
    const auto port = std::to_string(broker.port());
    const std::vector<std::string> subscriber{"/usr/bin/mosquitto_sub", "-p", port, "-t",
                                              "streetlight/#",          "-C", "1",  "-W"};
    auto patient = subscriber;
    patient.emplace_back("10");
    auto brief = subscriber;
    brief.emplace_back("2");
    auto o = plain(broker.port());
    o.will.delay = std::chrono::seconds{60};
    link->connect(o);
    ASSERT_TRUE(connected());
    cut_line(broker.port());
    ASSERT_TRUE(reactor.until([&] { return !seen.losses.empty(); }));
    EXPECT_NE(run(brief, dir.path() / "delayed.out"), 0);
    o.will.delay = std::chrono::seconds{0};
    link->connect(o);
    ASSERT_TRUE(connected(2));
    EXPECT_TRUE(seen.connacks[1].session_present);
    cut_line(broker.port());
    ASSERT_TRUE(reactor.until([&] { return seen.losses.size() == 2; }));
    EXPECT_EQ(run(patient, dir.path() / "now.out"), 0);
    EXPECT_EQ(dir.read("now.out"), "gone\n");
}

TEST_F(Paho, APoliteFarewellKeepsTheWillSilent) {
    Broker broker{dir};
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected());
    link->drop(true);
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected(2));
    EXPECT_NE(run({"/usr/bin/mosquitto_sub", "-p", std::to_string(broker.port()), "-t", "streetlight/#", "-C",
                   "1", "-W", "1"},
                  dir.path() / "sub.out"),
              0);
}

TEST_F(Paho, ConnectsOverMutualTls) {
    make_certificates(dir);
    Broker broker{dir, tls_conf("server")};
    broker.start();
    for (const auto* host : {"localhost", "127.0.0.1"}) {
        link->connect(mutual(broker.port(), host));
        ASSERT_TRUE(reactor.until([&] { return !seen.connacks.empty() || !seen.failures.empty(); }));
        ASSERT_TRUE(seen.failures.empty()) << host << ": " << seen.failures[0].text;
        seen.connacks.clear();
    }
}

TEST_F(Paho, ABrokerOfAnotherNameIsRefusedAndTheReasonNamed) {
    make_certificates(dir);
    Broker broker{dir, tls_conf("elsewhere")};
    broker.start();
    link->connect(mutual(broker.port()));
    EXPECT_THAT(failure(), HasSubstr("elsewhere.example) is refused: it is not for the name localhost"));
}

TEST_F(Paho, AnExpiredBrokerCertificateIsRefusedAndTheReasonNamed) {
    make_certificates(dir);
    Broker broker{dir, tls_conf("old")};
    broker.start();
    link->connect(mutual(broker.port()));
    EXPECT_THAT(failure(), HasSubstr("certificate has expired"));
}

TEST_F(Paho, ABrokerThatWantsACertificateSaysSo) {
    make_certificates(dir);
    Broker broker{dir, tls_conf("server")};
    broker.start();
    auto o = mutual(broker.port());
    o.cert_file.clear();
    o.key_file.clear();
    link->connect(o);
    EXPECT_THAT(failure(), HasSubstr("certificate required"));
}

TEST_F(Paho, PreflightNamesTheFileAndTheMend) {
    make_certificates(dir);
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    auto o = mutual(8883);
    EXPECT_EQ(preflight(o, now), "");
    EXPECT_THAT(preflight(o, site::WallTime{}), HasSubstr("is not valid before"));
    o.cert_file = dir.file("oldclient.crt");
    EXPECT_THAT(preflight(o, now), HasSubstr("oldclient.crt expired on"));
    o.cert_file = dir.file("server.crt");
    EXPECT_THAT(preflight(o, now), HasSubstr("does not belong to the certificate"));
    o.cert_file = dir.file("missing.crt");
    EXPECT_THAT(preflight(o, now), HasSubstr("missing.crt cannot be read: No such file"));
    dir.write("junk.crt", "junk");
    o.cert_file = dir.file("junk.crt");
    EXPECT_THAT(preflight(o, now), HasSubstr("is not a PEM certificate"));
    o.cert_file.clear();
    EXPECT_THAT(preflight(o, now), HasSubstr("belong together"));
    o.url = "http://x";
    EXPECT_THAT(preflight(o, now), HasSubstr("neither mqtts://"));
}

TEST_F(Paho, AnExpiredClientCertificateFailsBeforeTheBrokerIsAsked) {
    make_certificates(dir);
    auto o = mutual(1);
    o.cert_file = dir.file("oldclient.crt");
    o.key_file = dir.file("oldclient.key");
    link->connect(o);
    EXPECT_THAT(failure(), HasSubstr("oldclient.crt expired on"));
}

TEST_F(Paho, CanBeDestroyedWhileAMuteServerIsAsked) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(fd, 4), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    link->connect(plain(ntohs(address.sin_port)));
    reactor.until([] { return false; }, std::chrono::milliseconds{300});
    link.reset();
    reactor.until([] { return false; }, std::chrono::milliseconds{50});
    EXPECT_TRUE(seen.connacks.empty());
    EXPECT_TRUE(seen.failures.empty());
    ::close(fd);
}

TEST_F(Paho, CarriesAWindowOfLargeMessages) {
    Broker broker{dir, "allow_anonymous true\nmax_inflight_messages 200\nmax_queued_messages 0\n"};
    broker.start();
    link->connect(plain(broker.port()));
    ASSERT_TRUE(connected());
    const std::string body(10'000, 'x');
    PublishToken next = 1;
    const bool done = reactor.until([&] {
        while (next <= 3'000 && next - 1 - seen.published.size() < 100)
            link->publish(Publication{"bulk", body, 1, false, {}}, next++);
        return seen.published.size() == 3'000;
    });
    EXPECT_TRUE(done) << seen.published.size();
}

}  // namespace
}  // namespace sl::northbound::test
