// Reads the devices of one line in turn, for ever: every device once per cycle however overloaded the line
// is, a dead one ever more rarely, one without mains not at all. One coroutine per line; what a reading means
// to the site is the listener's business.
#pragma once

#include "gateway/device/block_plan.hpp"
#include "gateway/site/model.hpp"
#include "gateway/site/state.hpp"
#include "protocols/driver.hpp"
#include "protocols/wire/timers.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace sl::device {

// What stands behind one address of a line.
struct Target {
    Unit unit;
    Driver* driver = nullptr;
    const site::DeviceModel* model = nullptr;
    int ct_ratio = 1;
    std::optional<std::uint8_t> head;     // only this head of the device is fitted; empty = all
    std::chrono::milliseconds period{0};  // 0 = every cycle
    std::string name;                     // for the log
};

// How the rest of the gateway is reached. Everything runs on the reactor.
struct PollerHooks {
    std::function<site::SiteTime()> site_now;
    // False while the device has no mains (lighting-safety rule 1) or must be left alone.
    std::function<bool(std::size_t target)> may_poll;
    // Everything one turn of a device brought, decoded.
    std::function<void(std::size_t target, std::span<const site::Reading>)> on_readings;
    // A turn without an answer; `misses` in a row.
    std::function<void(std::size_t target, int misses, wire::Errc why)> on_miss;
};

struct PollerSettings {
    int offline_after = 3;               // misses before backing off
    std::chrono::milliseconds cycle{0};  // shortest time from one cycle's start to the next; 0 = none
    std::chrono::milliseconds backoff_max{600'000};  // real time
};

struct PollerStatistics {
    std::uint64_t cycles = 0, turns = 0, readings = 0, misses = 0, skipped = 0;
    std::chrono::microseconds last_cycle{0};
};

class Poller {
  public:
    Poller(std::vector<Target> targets, wire::Timers& timers, PollerHooks hooks, PollerSettings settings);

    // Runs until stop(); must outlive the coroutine.
    boost::asio::awaitable<void> run();
    void stop() noexcept { stopping_ = true; }

    // Reads one device now at the given priority, outside its turn; false when it did not answer.
    boost::asio::awaitable<bool> read_now(std::size_t target, Priority priority);
    // The device has mains again (or is to be believed again): misses and backoff are forgotten.
    void forgive(std::size_t target);
    // The device should be asked in the next cycle even when its period has not passed.
    void hurry(std::size_t target);

    std::size_t size() const noexcept { return slots_.size(); }
    const PollerStatistics& statistics() const noexcept { return statistics_; }

  private:
    // The blocks of each turn of a model, shared by all its devices: they repeat after the slowest point's
    // `every`.
    struct Rota {
        const site::DeviceModel* model = nullptr;
        std::optional<std::uint8_t> head;
        std::vector<std::vector<Block>> turns;
    };
    struct Slot {
        Target target;
        std::shared_ptr<const Rota> rota;
        std::uint32_t turn = 0;
        int misses = 0;
        std::chrono::milliseconds backoff{0};
        site::MonoTime due{};
    };

    std::shared_ptr<const Rota> rota_for(const Target& target) const;
    boost::asio::awaitable<bool> turn(std::size_t index, Priority priority);
    static void next_turn(Slot& slot, std::size_t index);
    bool is_due(std::size_t index, site::MonoTime now) const;
    void note_answer(Slot& slot, site::MonoTime now);
    void note_miss(std::size_t index, wire::Errc why);

    std::vector<Slot> slots_;
    wire::Timers& timers_;
    PollerHooks hooks_;
    PollerSettings settings_;
    PollerStatistics statistics_;
    std::vector<site::Reading> readings_;
    bool stopping_ = false, line_lost_ = false;
};

}  // namespace sl::device
