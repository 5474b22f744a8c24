// A bus on a scripted line in virtual time.
#pragma once

#include "protocols/wire/bus.hpp"
#include "tests/support/fake_line.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/detached.hpp>

namespace sl::test {

class LineFixture : public ::testing::Test {
  protected:
    void start(bool serial, wire::BusSettings settings = {}) {
        auto stream = std::make_unique<FakeLine>(timers, serial);
        line = stream.get();
        settings.name = "test";
        bus = std::make_unique<wire::Bus>(io.get_executor(), std::move(stream), timers, std::move(settings));
        bus->set_line_state([this](bool up, std::string_view why) {
            states.push_back(up ? std::string("up") : "down: " + std::string(why));
        });
        boost::asio::co_spawn(io, bus->run(), [this](const std::exception_ptr& error) {
            EXPECT_FALSE(error);
            ended = true;
        });
    }
    void start_up(bool serial, wire::BusSettings settings = {}) {
        start(serial, std::move(settings));
        pump(io, timers, [this] { return bus->up(); });
    }
    void TearDown() override {
        if (bus) {
            bus->stop();
            pump(io, timers, [this] { return ended; });
            line->verify();
            io.restart();
            io.poll();
        }
    }
    template <typename T>
    T run(boost::asio::awaitable<T> work) {
        const Pending<T> pending(io, std::move(work));
        pump(io, timers, [&pending] { return pending.done(); });
        return *pending;
    }
    std::chrono::microseconds since_start() const {
        return std::chrono::duration_cast<std::chrono::microseconds>(timers.now() - began);
    }

    boost::asio::io_context io;
    VirtualTimers timers;
    wire::TimePoint began = timers.now();
    FakeLine* line = nullptr;
    std::unique_ptr<wire::Bus> bus;
    std::vector<std::string> states;
    bool ended = false;
};

}  // namespace sl::test
