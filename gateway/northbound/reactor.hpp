// What the northbound parts need of the loop they run on. Real time; tests run it virtually.
#pragma once

#include "gateway/site/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace sl::northbound {

using TimerId = std::uint64_t;  // 0 = none

class Reactor {
  public:
    Reactor() = default;
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    virtual ~Reactor() = default;
    virtual site::MonoTime now() const = 0;
    // Runs `task` once on the reactor, never from inside this call.
    virtual TimerId after(std::chrono::milliseconds delay, std::function<void()> task) = 0;
    virtual void cancel(TimerId id) = 0;  // of a timer that is gone: nothing
};

// Uniform in [0, 1).
using Random = std::function<double()>;

// The present moment as it is written into messages.
struct Stamp {
    site::SiteTime ts;
    site::TimeQuality tq = site::TimeQuality::none;
    std::int64_t up_ms = 0;  // monotonic since the process started; also decides live or history
    std::uint32_t meta_rev = 0;
};

}  // namespace sl::northbound
