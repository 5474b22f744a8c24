// When to try again. The first retry after a loss is uniform in 0..first_max, so that ten thousand gateways
// do not come back together after a blip of their broker; then full jitter under a doubling ceiling, for
// ever. A connection that did not last does not reset it.
#pragma once

#include "gateway/northbound/reactor.hpp"

#include <algorithm>
#include <chrono>

namespace sl::northbound {

class Backoff {
  public:
    using ms = std::chrono::milliseconds;
    Backoff(ms first_max, ms cap) : first_max_(first_max), cap_(cap) {}

    // Counted from the end of the failed attempt. A spread of 0 (bench, demo) retries every second at most.
    ms next(const Random& random) {
        const int n = failures_;
        failures_ = std::min(failures_ + 1, 20);
        if (first_max_.count() == 0) return n == 0 ? ms{0} : std::min(flat, std::max(cap_, floor));
        if (n == 0) return scaled(first_max_, random);
        const ms ceiling = std::min<ms>(cap_, first_max_ * (1LL << n));
        return std::max(floor, scaled(ceiling, random));
    }
    void reset() noexcept { failures_ = 0; }
    int failures() const noexcept { return failures_; }

  private:
    static constexpr ms floor{200};
    static constexpr ms flat{1'000};
    static ms scaled(ms range, const Random& random) {
        return ms{static_cast<ms::rep>(static_cast<double>(range.count()) * random())};
    }
    ms first_max_, cap_;
    int failures_ = 0;
};

}  // namespace sl::northbound
