#pragma once

#include "gateway/northbound/session.hpp"
#include "tests/northbound/fakes.hpp"

#include <memory>
#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sl::northbound::test {

inline boost::json::object parsed(const std::string& text) {
    return boost::json::parse(text).as_object();
}
inline std::int64_t seq_of(const Publication& p) {
    return parsed(p.payload).at("seq").as_int64();
}

struct World : public ::testing::Test {
    VirtualReactor reactor;
    FakeLink link{reactor};
    FakeOutbox outbox{reactor};
    std::mt19937_64 engine{7};
    SessionOptions options;
    site::TimeQuality tq = site::TimeQuality::ntp;
    int ready = 0;
    std::vector<Incoming> commands;
    std::unique_ptr<Session> session;
    const std::string r = "streetlight/v1/JZ/JZ-0237/";

    World() {
        options.site = "JZ";
        options.gateway = "JZ-0237";
        options.pacing = false;
        options.spread_start = false;
        options.mqtt.url = "mqtt://127.0.0.1:1883";
    }
    Stamp stamp() {
        return Stamp{site::site_ms(1'764'000'000'000 + reactor.up_ms()), tq, reactor.up_ms(), 12};
    }
    void build() {
        SessionHooks hooks;
        hooks.stamp = [this] { return stamp(); };
        hooks.status = [] { return StatusInfo{"0.1.0", "cfg", "auto"}; };
        hooks.ready = [this] { ++ready; };
        hooks.command = [this](Incoming m, const Topics::CommandTopic&) { commands.push_back(std::move(m)); };
        session = std::make_unique<Session>(
            options, outbox, link, reactor, [this] { return std::uniform_real_distribution<>{}(engine); },
            hooks);
        session->start();
        reactor.run(milliseconds{5});
    }
    void up(const Connack& connack = {}) {
        if (!session) build();
        while (!link.connecting)
            reactor.run(seconds{1});
        link.accept(connack);
        reactor.run(milliseconds{100});
    }
    void append(site::Stream stream, std::size_t bytes = 40) {
        site::Record record;
        record.stream = stream;
        const auto s = stamp();
        record.boot = outbox.identity_.boot;
        record.ts = s.ts;
        record.tq = s.tq;
        record.up_ms = s.up_ms;
        record.meta_rev = s.meta_rev;
        record.body = "\"pad\":\"" + std::string(bytes, 'x') + "\"";
        outbox.append(std::move(record), site::Urgency::now);
    }
};

}  // namespace sl::northbound::test
