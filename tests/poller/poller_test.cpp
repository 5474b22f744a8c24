// The poller in virtual time against a driver that takes as long as a real line would.
#include "gateway/device/poller.hpp"

#include "tests/support/virtual_timers.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sl {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// 9600 baud, one read of 14 registers with its gap.
constexpr milliseconds exchange{46};

// Answers every read after `exchange`; silent units cost their time-out. One exchange at a time, as on a bus.
class SlowLine final : public Driver {
  public:
    explicit SlowLine(wire::Timers& timers) : timers_(timers) {}

    boost::asio::awaitable<wire::Result<Bytes>> read(const Unit& unit, Item item, Priority) override {
        const std::uint64_t address = unit.address.number;
        if (lost) {
            ++refused_at_once;
            co_return make_error_code(wire::Errc::port_lost);
        }
        const int tries = 1 + unit.retries;
        if (silent.contains(address)) {
            for (int i = 0; i < tries; ++i) {
                ++attempts[address];
                const wire::TimePoint until = timers_.now() + unit.timeout;
                co_await timers_.wait_until(until);
            }
            co_return make_error_code(wire::Errc::timeout);
        }
        const wire::TimePoint until = timers_.now() + exchange;
        co_await timers_.wait_until(until);
        answered[address].push_back(timers_.now());
        if (refused_tables.contains(item.table)) co_return make_error_code(wire::Errc::no_such_point);
        co_return Bytes(static_cast<std::size_t>(item.count) * 2, std::uint8_t{0});
    }
    boost::asio::awaitable<wire::Result<void>> write(const Unit&, Item, std::span<const std::uint8_t>,
                                                     Priority) override {
        co_return make_error_code(wire::Errc::bad_request);
    }
    boost::asio::awaitable<wire::Result<void>> broadcast(const Unit&, Item, std::span<const std::uint8_t>,
                                                         Priority) override {
        co_return make_error_code(wire::Errc::bad_request);
    }
    boost::asio::awaitable<wire::Result<void>> probe(const Unit&, Priority) override {
        co_return wire::Result<void>{};
    }
    boost::asio::awaitable<wire::Result<void>> broadcast_time(const Unit&, CivilTime, Priority) override {
        co_return make_error_code(wire::Errc::bad_request);
    }

    bool lost = false;  // the port is gone: every request fails at once
    int refused_at_once = 0;
    std::set<std::uint64_t> silent;
    std::set<std::uint32_t> refused_tables;
    std::map<std::uint64_t, std::vector<wire::TimePoint>> answered;
    std::map<std::uint64_t, int> attempts;

  private:
    wire::Timers& timers_;
};

site::DeviceModel lamp_model() {
    site::DeviceModel model;
    model.id = "lamp/test";
    model.protocol = "modbus-rtu";
    site::Point power;
    power.key = "power";
    power.quantity = site::Quantity::power_w;
    power.table = 4;
    model.points.push_back(power);
    return model;
}

class PollerTest : public ::testing::Test {
  protected:
    void build(std::size_t lamps, milliseconds period = 0ms) {
        std::vector<device::Target> targets(lamps);
        for (std::size_t i = 0; i < lamps; ++i) {
            targets[i].unit.address.number = i + 1;
            targets[i].unit.timeout = 300ms;
            targets[i].driver = &line;
            targets[i].model = &model;
            targets[i].period = period;
        }
        device::PollerHooks hooks;
        hooks.site_now = [] { return site::SiteTime{}; };
        hooks.may_poll = [this](std::size_t i) { return !dark.contains(i); };
        hooks.on_readings = [this](std::size_t i, std::span<const site::Reading> values) {
            ++readings[i];
            last_values.assign(values.begin(), values.end());
        };
        hooks.on_miss = [this](std::size_t i, int count, wire::Errc) { misses[i] = count; };
        poller = std::make_unique<device::Poller>(std::move(targets), timers, std::move(hooks),
                                                  device::PollerSettings{});
    }

    void run_for(milliseconds span) {
        boost::asio::co_spawn(io, poller->run(), boost::asio::detached);
        begin = timers.now();
        const auto end = begin + span;
        test::pump(io, timers, [&] { return timers.now() >= end; });
        poller->stop();
        test::pump(io, timers, [&] { return io.stopped() || timers.now() > end + 10s; });
    }

    std::size_t answers() const {
        std::size_t sum = 0;
        for (const auto& [unit, times] : line.answered)
            sum += times.size();
        return sum;
    }
    milliseconds longest_wait() const {
        wire::Duration longest{};
        for (const auto& [unit, times] : line.answered) {
            for (std::size_t i = 1; i < times.size(); ++i)
                longest = std::max(longest, times[i] - times[i - 1]);
        }
        return std::chrono::duration_cast<milliseconds>(longest);
    }

    boost::asio::io_context io;
    test::VirtualTimers timers;
    SlowLine line{timers};
    site::DeviceModel model = lamp_model();
    std::unique_ptr<device::Poller> poller;
    std::set<std::size_t> dark;
    std::map<std::size_t, int> readings, misses;
    std::vector<site::Reading> last_values;
    wire::TimePoint begin;
};

TEST_F(PollerTest, EveryLampIsReadOncePerCycleHoweverOverloadedThePlan) {
    build(100, 1s);  // 100 lamps a second are asked of a line that manages 21.7
    run_for(60s);
    ASSERT_EQ(line.answered.size(), 100U);
    std::size_t least = 1'000, most = 0;
    for (const auto& [unit, times] : line.answered) {
        least = std::min(least, times.size());
        most = std::max(most, times.size());
    }
    EXPECT_LE(most - least, 1U);
    EXPECT_LE(longest_wait(), 100 * exchange + exchange);
}

TEST_F(PollerTest, OneSilentLampAmongAHundredCostsTheOthersAlmostNothing) {
    build(100);
    line.silent.insert(50);
    run_for(600s);
    const double healthy = 600'000.0 / static_cast<double>(exchange.count());
    EXPECT_GE(static_cast<double>(answers()), 0.95 * healthy);
    EXPECT_LE(longest_wait().count(), 1.2 * 100 * static_cast<double>(exchange.count()));
    EXPECT_GE(misses[49], 3);
}

TEST_F(PollerTest, ADeadLampIsAskedEverMoreRarely) {
    build(2);
    line.silent.insert(2);
    run_for(3'600s);
    // Backing off from a second by doubling to ten minutes: about fifteen attempts an hour, not thousands.
    EXPECT_GE(line.attempts[2], 10);
    EXPECT_LE(line.attempts[2], 25);
}

TEST_F(PollerTest, ALampWithoutMainsIsNotAskedAndIsAskedAtOnceWhenItIsForgiven) {
    build(2);
    dark.insert(1);
    run_for(10s);
    EXPECT_EQ(line.answered.count(2), 0U);
    EXPECT_EQ(misses.count(1), 0U);
    dark.clear();
    build(2);
    poller->forgive(1);
    run_for(1s);
    EXPECT_GT(line.answered[2].size(), 0U);
}

TEST_F(PollerTest, ADeviceThatAnswersAgainIsBackInTheNextCycle) {
    build(2);
    line.silent.insert(2);
    run_for(120s);
    EXPECT_EQ(readings[1], 0);
    line.silent.clear();
    build(2);
    run_for(1s);
    EXPECT_GT(readings[1], 1);
}

TEST_F(PollerTest, AnUnknownRegisterBlockDoesNotMakeTheDeviceSilent) {
    site::Point extra = model.points.front();
    extra.key = "level";
    extra.quantity = site::Quantity::level_pct;
    extra.table = 3;
    model.points.push_back(extra);
    line.refused_tables.insert(3);
    build(1);
    run_for(1s);
    EXPECT_GT(readings[0], 5);
    EXPECT_EQ(misses.count(0), 0U);
    ASSERT_EQ(last_values.size(), 1U);
    EXPECT_EQ(last_values.front().quantity, site::Quantity::power_w);
}

TEST_F(PollerTest, ALostLineIsAskedCalmlyHowManyDevicesItHasAndBlamesNoneOfThem) {
    build(200);
    line.lost = true;
    run_for(10s);
    EXPECT_GE(line.refused_at_once, 50);
    EXPECT_LE(line.refused_at_once, 110);
    EXPECT_TRUE(misses.empty());
    line.lost = false;
    build(200);
    run_for(12s);
    EXPECT_EQ(readings.size(), 200U);
}

TEST_F(PollerTest, SlowRegistersAreSpreadOverTheCycles) {
    site::Point slow = model.points.front();
    slow.key = "firmware";
    slow.quantity = site::Quantity::firmware;
    slow.table = 3;
    slow.every = 20;
    model.points.push_back(slow);
    build(100);
    run_for(120s);
    // Without the spread one cycle in twenty would be twice as long as the others. The first reads everything.
    wire::Duration longest{};
    for (const auto& [unit, times] : line.answered) {
        for (std::size_t i = 3; i < times.size(); ++i) longest = std::max(longest, times[i] - times[i - 1]);
    }
    EXPECT_LE(longest, 112 * exchange);
}

TEST_F(PollerTest, APeriodIsKeptWithoutDrift) {
    build(1, 1s);
    run_for(100s);
    const auto& times = line.answered[1];
    ASSERT_GE(times.size(), 99U);
    // Measured from its deadlines: the hundredth reading is not late by a hundred exchanges.
    const auto drift = times.back() - times.front() - static_cast<int>(times.size() - 1) * 1s;
    EXPECT_LE(std::chrono::abs(drift), 200ms);
}

}  // namespace
}  // namespace sl
