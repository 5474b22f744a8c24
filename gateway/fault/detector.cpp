#include "gateway/fault/detector.hpp"

#include <algorithm>

namespace sl::fault {

bool SampleDetector::step(bool bad, site::SiteTime sample_at) noexcept {
    if (sample_at == last_) return raised_;
    last_ = sample_at;
    bad_ = bad ? bad_ + 1 : 0;
    good_ = bad ? 0 : good_ + 1;
    if (!raised_ && bad_ >= raise_) raised_ = true;
    if (raised_ && good_ >= clear_) raised_ = false;
    return raised_;
}

bool TimedDetector::step(bool bad, site::SiteTime now) noexcept {
    // `since_` in the future: the clock was stepped back; the time begins anew.
    if (bad != last_ || since_ > now || since_ == site::SiteTime{}) since_ = now;
    last_ = bad;
    if (bad && !raised_ && now - since_ >= raise_) raised_ = true;
    if (!bad && raised_ && now - since_ >= clear_) raised_ = false;
    return raised_;
}

double expected_power_w(double rated_w, double level_pct, double g) noexcept {
    if (level_pct <= 0.0) return 0.0;
    return std::max(0.0, rated_w * (1.0 - (1.0 - level_pct / 100.0) / g));
}

}  // namespace sl::fault
