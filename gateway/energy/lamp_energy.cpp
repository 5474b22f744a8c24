#include "gateway/energy/lamp_energy.hpp"

#include "gateway/energy/mul_div.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sl::energy {

static constexpr std::int64_t mw_ms_per_wh = 3'600'000'000;
static constexpr double max_lamp_w = 5'000.0;  // beyond this it is no power of a lamp

static IntervalOptions as_modelled(IntervalOptions options, bool has_register) {
    if (has_register) return options;
    options.method = Method::modelled;
    options.rollover_wh = 0;
    return options;
}

LampEnergy::LampEnergy(const site::Zone& zone, IntervalOptions options, bool has_register)
    : options_(options), has_register_(has_register), meter_(zone, as_modelled(options, has_register)) {}

std::vector<Interval> LampEnergy::step(const LampSample& sample) {
    std::vector<Interval> closed;
    if (has_register_) {
        if (!sample.energy) return closed;
        closed = meter_.step(RegisterReading{sample.at, *sample.energy, false, false, sample.clock_step});
    } else {
        const bool usable = sample.power_w && std::isfinite(*sample.power_w) && *sample.power_w >= 0.0 &&
                            *sample.power_w <= max_lamp_w;
        if (!usable) return closed;
        closed = meter_.step(integrate(sample));
    }
    for (const Interval& interval : closed)
        told_wh_ += interval.wh;
    return closed;
}

RegisterReading LampEnergy::integrate(const LampSample& sample) {
    const auto milliwatt = [](double watt) { return static_cast<std::int64_t>(std::llround(watt * 1e3)); };
    if (last_ && !sample.clock_step && sample.at > last_->at && sample.at - last_->at <= options_.max_gap) {
        const std::int64_t twice = milliwatt(*last_->power_w) + milliwatt(*sample.power_w);
        mw_ms_ += twice * (sample.at - last_->at).count() / 2;
    }
    // Nothing was integrated over a gap; one inside an interval is said to be an estimate.
    const bool gap = last_ && sample.at - last_->at > options_.max_gap;
    last_ = sample;
    RegisterReading reading;
    reading.at = sample.at;
    reading.value = Register{mw_ms_ / mw_ms_per_wh, {}};
    reading.estimated = gap;
    reading.clock_step = sample.clock_step;
    return reading;
}

std::int64_t LampEnergy::total_wh() const {
    const auto running = meter_.running();
    return told_wh_ + (running ? running->wh : 0) + meter_.unassigned_wh();
}

std::optional<GroupSums::Sum> GroupSums::add(const std::string& group, const Interval& part) {
    const auto members = members_.find(group);
    if (members == members_.end()) return std::nullopt;
    const auto key = std::pair{part.from, group};
    Open& open = open_[key];
    if (open.parts == 0) {
        open.interval.from = part.from;
        open.interval.to = part.to;
    }
    open.interval.wh += part.wh;
    open.interval.flags |= part.flags;
    open.coverage += part.coverage_pct;
    if (++open.parts < members->second) return std::nullopt;
    Sum sum = finish(group, open, members->second);
    open_.erase(key);
    return sum;
}

GroupSums::Sum GroupSums::finish(const std::string& group, Open open, std::size_t members) const {
    const auto count = static_cast<std::int64_t>(std::max(members, open.parts));
    open.interval.method = Method::summed;
    open.interval.coverage_pct = static_cast<int>(open.coverage / count);
    if (open.parts < members) open.interval.flags |= flag_gap;
    return Sum{group, open.interval};
}

std::vector<GroupSums::Sum> GroupSums::close(site::SiteTime until) {
    std::vector<Sum> sums;
    for (auto it = open_.begin(); it != open_.end();) {
        if (it->second.interval.to > until) {
            ++it;
            continue;
        }
        const std::string& group = it->first.second;
        sums.push_back(finish(group, it->second, members_.at(group)));
        it = open_.erase(it);
    }
    return sums;
}

Saving::Saving(double baseline_w)
    : baseline_mw_(std::isfinite(baseline_w) && baseline_w > 0.0 && baseline_w < 1e6
                       ? static_cast<std::int64_t>(std::llround(baseline_w * 1e3))
                       : 0) {}

void Saving::lit(site::SiteTime at, int heads) {
    if (since_ && at > *since_) head_ms_ += (at - *since_).count() * heads_;
    since_ = at;
    heads_ = heads;
}

std::int64_t Saving::baseline_wh() const noexcept {
    // head_ms may exceed one hour's worth: whole hours first, the rest by the exact rule.
    constexpr std::int64_t hour_ms = 3'600'000;
    const std::int64_t milliwatt_hours =
        baseline_mw_ * (head_ms_ / hour_ms) + mul_div(baseline_mw_, head_ms_ % hour_ms, hour_ms);
    return (milliwatt_hours + 500) / 1'000;
}

std::optional<int> Saving::saved_pct100() const noexcept {
    const std::int64_t baseline = baseline_wh();
    if (baseline <= 0) return std::nullopt;
    return static_cast<int>(std::clamp<std::int64_t>(saved_wh() * 10'000 / baseline, -100'000, 10'000));
}

}  // namespace sl::energy
