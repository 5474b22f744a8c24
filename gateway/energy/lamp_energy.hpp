// Energy of one lamp head, sums over a feeder or a class, and what the retrofit saves.
#pragma once

#include "gateway/energy/interval.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sl::energy {

struct LampSample {
    site::SiteTime at;
    std::optional<Register> energy;  // the controller's own register, where the model has one
    std::optional<double> power_w;
    bool clock_step = false;
};

// By the lamp's register when it has one, else by integrating its power (`modelled`): straight between two
// samples, nothing over a gap. Which of the two is decided once, by the first sample.
class LampEnergy {
  public:
    LampEnergy(const site::Zone& zone, IntervalOptions options, bool has_register);
    std::vector<Interval> step(const LampSample& sample);
    // Since the object was made, the running interval included.
    std::int64_t total_wh() const;

  private:
    RegisterReading integrate(const LampSample& sample);
    IntervalOptions options_;
    bool has_register_;
    IntervalMeter meter_;
    std::int64_t told_wh_ = 0;
    std::int64_t mw_ms_ = 0;  // mW x ms since the start: a virtual register finer than 1 Wh
    std::optional<LampSample> last_;
};

// Adds up the intervals of the members of a group (a feeder, a lamp class): one interval when all have come,
// or what there is when the time is up.
class GroupSums {
  public:
    // Number of members by group.
    explicit GroupSums(std::map<std::string, std::size_t> members) : members_(std::move(members)) {}
    struct Sum {
        std::string group;
        Interval interval;
    };
    std::optional<Sum> add(const std::string& group, const Interval& part);
    // Sums whose interval ended at `until` or before and that still miss members; flagged.
    std::vector<Sum> close(site::SiteTime until);

  private:
    struct Open {
        Interval interval;
        std::size_t parts = 0;
        std::int64_t coverage = 0;
    };
    Sum finish(const std::string& group, Open open, std::size_t members) const;
    std::map<std::string, std::size_t> members_;
    std::map<std::pair<site::SiteTime, std::string>, Open> open_;
};

// Against the lamps of before: the same heads burning at `baseline_w` each as long as they are lit now.
class Saving {
  public:
    explicit Saving(double baseline_w);
    void lit(site::SiteTime at, int heads);  // that many from now on
    void used(std::int64_t wh) { used_wh_ += wh; }
    void stop(site::SiteTime at) { lit(at, 0); }
    std::int64_t head_seconds() const noexcept { return head_ms_ / 1'000; }
    std::int64_t baseline_wh() const noexcept;
    std::int64_t used_wh() const noexcept { return used_wh_; }
    std::int64_t saved_wh() const noexcept { return baseline_wh() - used_wh_; }
    std::optional<int> saved_pct100() const noexcept;  // in 0.01 %; nullopt without a baseline

  private:
    std::int64_t baseline_mw_;
    std::int64_t head_ms_ = 0, used_wh_ = 0;
    std::optional<site::SiteTime> since_;
    int heads_ = 0;
};

}  // namespace sl::energy
