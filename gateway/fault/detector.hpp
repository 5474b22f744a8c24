// The pieces that detectors are made of: a judgement that must repeat before it counts.
#pragma once

#include "gateway/site/time.hpp"

#include <string_view>

namespace sl::fault {

// Counts samples: raised after `raise` bad ones in a row, cleared after `clear` good ones in a row. The same
// sample (by its time) counts once, however often it is looked at.
class SampleDetector {
  public:
    SampleDetector(int raise, int clear) : raise_(raise), clear_(clear) {}
    bool step(bool bad, site::SiteTime sample_at) noexcept;
    // While nothing may be judged: what was raised stays, what was being counted does not.
    void inhibit() noexcept { bad_ = good_ = 0; }
    bool raised() const noexcept { return raised_; }

  private:
    int raise_, clear_, bad_ = 0, good_ = 0;
    site::SiteTime last_{};
    bool raised_ = false;
};

// A condition that must last: raised after `raise`, cleared after `clear` without it.
class TimedDetector {
  public:
    TimedDetector(site::milliseconds raise, site::milliseconds clear) : raise_(raise), clear_(clear) {}
    bool step(bool bad, site::SiteTime now) noexcept;
    bool raised() const noexcept { return raised_; }

  private:
    site::milliseconds raise_, clear_;
    site::SiteTime since_{};
    bool last_ = false, raised_ = false;
};

// Power to expect of a luminaire at a level: rated * (1 - (1 - level) / g). g = 1 is proportional; a driver
// that draws 15 % at level 0 has g = 1 / 0.85. Never below zero.
double expected_power_w(double rated_w, double level_pct, double g) noexcept;

}  // namespace sl::fault
