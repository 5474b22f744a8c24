// Real time for the wire, injected so that tests run in virtual time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/awaitable.hpp>

namespace sl::wire {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// One alarm that can be set again and again. Destroying or disarming it drops the call.
class Timer {
  public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer() = default;
    // Calls on_due once, from the reactor, not before `when`; replaces what was set before.
    virtual void arm(TimePoint when, std::function<void()> on_due) = 0;
    virtual void disarm() noexcept = 0;
};

class Timers {
  public:
    Timers() = default;
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;
    virtual ~Timers() = default;
    virtual TimePoint now() const noexcept = 0;
    // The timer must not outlive this object.
    virtual std::unique_ptr<Timer> make_timer() = 0;
    // Suspends the calling coroutine; `when` in the past goes through the reactor once.
    virtual boost::asio::awaitable<void> wait_until(TimePoint when) = 0;
};

}  // namespace sl::wire
