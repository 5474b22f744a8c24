#include "gateway/energy/interval.hpp"

#include "gateway/energy/mul_div.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace sl::energy {

using site::SiteTime;
using std::chrono::milliseconds;

std::string register_text(std::int64_t wh) {
    const std::int64_t size = std::llabs(wh);
    std::string decimals = std::to_string(size % 1'000);
    decimals.insert(0, 3 - decimals.size(), '0');
    return (wh < 0 ? "-" : "") + std::to_string(size / 1'000) + "." + decimals;
}

std::vector<std::string_view> flag_names(std::uint32_t flags) {
    static constexpr std::array<std::string_view, 6> names{"rollover",  "replaced", "gap",
                                                           "estimated", "reverse",  "clock_step"};
    std::vector<std::string_view> found;
    for (std::size_t bit = 0; bit < names.size(); ++bit)
        if ((flags >> bit & 1U) != 0) found.push_back(names[bit]);
    return found;
}

std::string_view name(Method method) noexcept {
    static constexpr std::array<std::string_view, 3> names{"metered", "summed", "modelled"};
    return names[static_cast<std::size_t>(method)];
}

// A clock that was put back a little counts some time twice.
static int percent(milliseconds covered, const Interval& interval) {
    return static_cast<int>(std::min<std::int64_t>(covered * 100 / (interval.to - interval.from), 100));
}

SiteTime IntervalMeter::floor(SiteTime t) const {
    const milliseconds local = t.time_since_epoch() + milliseconds{zone_->offset(t)};
    milliseconds into = local % options_.length;
    if (into < milliseconds{0}) into += options_.length;
    return t - into;
}

// Boundaries are those of the local clock; where its offset changes inside an interval by something else than
// whole intervals, the interval ends at the next boundary of the new offset.
SiteTime IntervalMeter::end_of(SiteTime from) const {
    const SiteTime end = floor(from) + options_.length;
    const SiteTime aligned = floor(end);
    return aligned > from ? aligned : end;
}

Register IntervalMeter::at_boundary(std::int64_t wh) const {
    if (options_.method == Method::modelled) return Register{wh, {}};
    if (options_.rollover_wh > 0 && wh >= options_.rollover_wh) wh -= options_.rollover_wh;
    return Register{wh, register_text(wh)};
}

// What the register did since the last reading, and whether that can be believed.
IntervalMeter::Advance IntervalMeter::judge(const RegisterReading& reading) const {
    Advance advance;
    const milliseconds apart = reading.at - last_->at;
    if (reading.estimated || last_->estimated) advance.flags |= flag_estimated;
    // One step of a coarse register may fall into any short time: 1 kWh is always possible.
    const std::int64_t hours_ms = std::max<std::int64_t>(apart.count(), 0);
    const std::int64_t possible = options_.max_power_w * (hours_ms / 1'000 + 1) / 3'600 + 1'000;
    advance.wh = reading.value.wh - last_->value.wh;
    const bool rolled =
        advance.wh < 0 && options_.rollover_wh > 0 && advance.wh + options_.rollover_wh <= possible;
    if (rolled) {
        advance.wh += options_.rollover_wh;
        advance.flags |= flag_rollover;
    }
    const bool stepped = reading.clock_step || apart.count() <= 0;
    const bool unlikely = !stepped && std::llabs(advance.wh) > possible;
    const bool restarted = advance.wh < 0 && reading.value.wh < last_->value.wh / 10;
    if (reading.new_device || unlikely || restarted) {
        advance = Advance{0, advance.flags | flag_replaced, true, false};
    } else if (advance.wh < 0) {
        advance.flags |= flag_reverse;
    }
    if (stepped) {
        advance.flags |= flag_clock_step;
        advance.broken = advance.broken || apart.count() <= 0 || apart > options_.max_gap;
    } else if (apart > options_.max_gap && reading.at > open_.to) {
        advance.flags |= flag_gap;
        advance.broken = true;
    }
    return advance;
}

void IntervalMeter::begin(SiteTime at, const Register& value, std::uint32_t flags) {
    open_ = Interval{};
    open_.from = floor(at);
    open_.to = end_of(at);
    open_.register_from = value;
    open_.register_to = value;
    open_.method = options_.method;
    open_.flags = flags;
    covered_ = milliseconds{0};
}

void IntervalMeter::close(const Register& value, std::vector<Interval>& out) {
    open_.register_to = value;
    if (open_.from < told_until_) {
        unassigned_wh_ += open_.wh;  // the clock was put back: this time has been reported already
        return;
    }
    const auto length = (open_.to - open_.from).count();
    open_.coverage_pct = percent(covered_, open_);
    if (covered_.count() < length && open_.flags == 0) open_.flags = flag_gap;
    told_until_ = open_.to;
    out.push_back(open_);
}

// From the last reading to this one in a straight line, cut at the boundaries between.
void IntervalMeter::bridge(const RegisterReading& reading, const Advance& advance,
                           std::vector<Interval>& out) {
    const milliseconds apart = reading.at - last_->at;
    std::int64_t done_wh = 0;
    SiteTime done_until = last_->at;
    open_.flags |= advance.flags;
    while (open_.to <= reading.at) {
        const std::int64_t wh = mul_div(advance.wh, (open_.to - last_->at).count(), apart.count());
        open_.wh += wh - done_wh;
        covered_ += open_.to - done_until;
        done_wh = wh;
        done_until = open_.to;
        const Register boundary =
            done_until == reading.at ? reading.value : at_boundary(last_->value.wh + wh);
        close(boundary, out);
        begin(done_until, boundary, done_until == reading.at ? 0U : advance.flags);
        open_.from = done_until;
    }
    open_.wh += advance.wh - done_wh;
    covered_ += reading.at - done_until;
}

// No line can be drawn: the running interval ends with what is known of it.
void IntervalMeter::jump(const RegisterReading& reading, const Advance& advance, std::vector<Interval>& out) {
    open_.flags |= advance.flags;
    if (reading.at >= open_.from && reading.at < open_.to) {  // whenever it was, it was in here
        if (advance.known) open_.wh += advance.wh;
        return;
    }
    if (advance.known) unassigned_wh_ += advance.wh;
    if (covered_.count() > 0 || open_.wh != 0) close(last_->value, out);
    begin(reading.at, reading.value, advance.flags);
}

std::vector<Interval> IntervalMeter::step(const RegisterReading& reading) {
    std::vector<Interval> out;
    if (!last_) {
        const bool aligned = floor(reading.at) == reading.at;
        begin(reading.at, reading.value, aligned ? 0U : static_cast<std::uint32_t>(flag_gap));
    } else {
        const Advance advance = judge(reading);
        if (advance.broken) {
            jump(reading, advance, out);
        } else {
            bridge(reading, advance, out);
        }
    }
    last_ = reading;
    open_.register_to = reading.value;
    return out;
}

std::optional<Interval> IntervalMeter::running() const {
    if (!last_) return std::nullopt;
    Interval now = open_;
    now.coverage_pct = percent(covered_, now);
    return now;
}

}  // namespace sl::energy
