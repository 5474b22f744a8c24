// One thread, one epoll, one timerfd.
#pragma once

#include "tests/sim/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace sl::sim {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd() { reset(); }
    int get() const { return fd_; }
    int release();
    void reset();
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

class Loop {
  public:
    using OnReady = std::function<void(std::uint32_t events)>;
    using OnTime = std::function<void()>;

    explicit Loop(const Clock& clock);
    // A callback may forget its own or any other descriptor.
    void watch(int fd, std::uint32_t events, OnReady on_ready);
    void rewatch(int fd, std::uint32_t events);
    void forget(int fd);
    void at(std::int64_t real_ns, OnTime on_time);
    // The time of the present wake-up, read once per turn.
    const Now& now() const { return now_; }
    void run();
    void stop() { running_ = false; }

  private:
    struct Watch {
        OnReady on_ready;
        bool dead = false;
    };
    void arm();
    void fire_timers();

    const Clock& clock_;
    Fd epoll_, timer_;
    Now now_;
    bool running_ = true;
    std::map<int, std::unique_ptr<Watch>> watches_;
    std::vector<std::unique_ptr<Watch>> graveyard_;  // destroyed only between turns
    std::multimap<std::int64_t, OnTime> timers_;
    std::int64_t armed_ns_ = 0;
};

}  // namespace sl::sim
