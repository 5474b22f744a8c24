#include "gateway/app/accounts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace sl::app {

using energy::Interval;
using site::Quantity;
using site::SiteTime;
using std::chrono::milliseconds;

namespace {

// Site time that rows of one quarter hour wait for each other, so that they share a record.
constexpr std::chrono::seconds gather{90};

const site::Point* energy_point(const site::DeviceModel& model, std::uint8_t head) {
    for (const site::Point& point : model.points) {
        if (point.quantity != Quantity::energy_wh || point.phase != site::Phase::none) continue;
        if (point.head == head || point.head == 0) return &point;
    }
    return nullptr;
}

energy::IntervalOptions options_for(const site::Point* point, int ct_ratio, energy::Method method) {
    energy::IntervalOptions options;
    options.method = method;
    if (point != nullptr && point->rollover > 0) {
        const auto counts = static_cast<std::int64_t>(point->rollover) + 1;
        options.rollover_wh = counts / point->scale.den * point->scale.num * ct_ratio;
    }
    return options;
}

std::map<std::string, std::size_t> count_members(const site::Config& config, std::string site::Lamp::*group) {
    std::map<std::string, std::size_t> members;
    for (const site::Lamp& lamp : config.plant.lamps) {
        if (!(lamp.*group).empty()) ++members[lamp.*group];
    }
    return members;
}

energy::Register to_register(double wh) {
    const std::int64_t whole = std::llround(wh);
    return energy::Register{whole, energy::register_text(whole)};
}

}  // namespace

Accounts::Accounts(const site::Config& config, const site::SiteState& state, const site::Zone& zone)
    : config_(config),
      state_(state),
      zone_(zone),
      meter_stepped_(config.plant.meters.size(), false),
      lamp_stepped_(config.plant.lamps.size(), false),
      meter_register_at_(config.plant.meters.size()),
      lamp_register_at_(config.plant.lamps.size()),
      feeders_(count_members(config, &site::Lamp::feeder)),
      classes_(count_members(config, &site::Lamp::lamp_class)),
      saving_(config.polling.baseline_w),
      meter_base_(config.plant.meters.size(), 0),
      meter_last_(config.plant.meters.size()) {
    for (const site::Device& meter : config.plant.meters) {
        const site::Point* point = energy_point(config.models.at(meter.model), 0);
        meters_.emplace_back(zone, options_for(point, meter.ct_ratio, energy::Method::metered));
    }
    for (const site::Lamp& lamp : config.plant.lamps) {
        const site::Point* point = energy_point(config.models.at(lamp.model), lamp.head);
        const auto method = point != nullptr ? energy::Method::metered : energy::Method::modelled;
        lamps_.emplace_back(zone, options_for(point, 1, method), point != nullptr);
    }
}

void Accounts::clock_stepped() noexcept {
    std::fill(meter_stepped_.begin(), meter_stepped_.end(), true);
    std::fill(lamp_stepped_.begin(), lamp_stepped_.end(), true);
}

void Accounts::add(const std::string& object, const Interval& interval) {
    northbound::IntervalRow row;
    row.object = object;
    row.from = interval.from;
    row.to = interval.to;
    row.wh = interval.wh;
    row.register_from = interval.register_from.text;
    row.register_to = interval.register_to.text;
    row.method = std::string{energy::name(interval.method)};
    row.coverage_pct = interval.coverage_pct;
    for (const std::string_view flag : energy::flag_names(interval.flags))
        row.flags.emplace_back(flag);
    history_.push_back(store::HistoryInterval{row.from, row.to, row.object, interval.wh, row.register_from,
                                              row.register_to, row.method, row.coverage_pct, interval.flags});
    rows_.push_back(std::move(row));
}

void Accounts::meter_read(std::size_t meter) {
    const site::Value& value = state_.meters[meter].at(Quantity::energy_wh);
    // Not part of every turn: a reading counts once.
    if (!value.ok() || value.at == meter_register_at_[meter]) return;
    meter_register_at_[meter] = value.at;
    energy::RegisterReading reading;
    reading.at = value.at;
    reading.value = to_register(value.value);
    reading.clock_step = meter_stepped_[meter];
    meter_stepped_[meter] = false;
    if (!meter_last_[meter]) meter_base_[meter] = reading.value.wh;
    meter_last_[meter] = reading.value.wh;
    for (const Interval& interval : meters_[meter].step(reading))
        add(config_.plant.meters[meter].id, interval);
}

void Accounts::lamp_read(std::size_t lamp) {
    const site::LampState& state = state_.lamps[lamp];
    const site::Value& register_wh = state[Quantity::energy_wh];
    const site::Value& power = state[Quantity::power_w];
    energy::LampSample sample;
    sample.at = state.last_answer;
    // A register is not part of every turn: it counts at the time it was read, and once.
    if (register_wh.ok() && register_wh.at != lamp_register_at_[lamp]) {
        lamp_register_at_[lamp] = sample.at = register_wh.at;
        sample.energy = to_register(register_wh.value);
    }
    if (power.ok()) sample.power_w = power.value;
    sample.clock_step = lamp_stepped_[lamp];
    if (sample.energy || !register_wh.ok()) lamp_stepped_[lamp] = false;
    const site::Lamp& place = config_.plant.lamps[lamp];
    for (const Interval& interval : lamps_[lamp].step(sample)) {
        if (const auto sum = feeders_.add(place.feeder, interval)) add(sum->group, sum->interval);
        if (place.lamp_class.empty()) continue;
        if (const auto sum = classes_.add(place.lamp_class, interval)) add(sum->group, sum->interval);
    }
}

SiteTime Accounts::night_begin(SiteTime now) const {
    const auto local = zone_.to_local(now);
    auto noon = std::chrono::floor<std::chrono::days>(local) + std::chrono::hours{12};
    if (noon > local) noon -= std::chrono::days{1};
    return zone_.to_utc(noon);
}

void Accounts::roll_night(SiteTime now) {
    const SiteTime begin = night_begin(now);
    if (begin == night_.from) return;
    night_ = EnergyTonight{};
    night_.from = begin;
    for (std::size_t m = 0; m < meter_base_.size(); ++m)
        meter_base_[m] = meter_last_[m].value_or(0);
    lamps_base_ = 0;
    for (const energy::LampEnergy& lamp : lamps_)
        lamps_base_ += lamp.total_wh();
    seeded_metered_ = 0;
    seeded_lamps_ = 0;
    saving_ = energy::Saving(config_.polling.baseline_w);
}

void Accounts::seed(const std::vector<store::HistoryInterval>& intervals) {
    for (const store::HistoryInterval& interval : intervals) {
        const auto same = [&](const auto& object) { return object.id == interval.object; };
        if (std::any_of(config_.plant.meters.begin(), config_.plant.meters.end(), same)) {
            seeded_metered_ += interval.wh;
        }
        if (std::any_of(config_.plant.feeders.begin(), config_.plant.feeders.end(), same))
            seeded_lamps_ += interval.wh;
    }
}

std::vector<northbound::IntervalRow> Accounts::tick(SiteTime now) {
    roll_night(now);
    int lit = 0;
    for (const site::LampState& lamp : state_.lamps) {
        const site::Value& on = lamp[Quantity::on];
        if (lamp.online && lamp.powered && on.ok() && on.value != 0.0) ++lit;
    }
    saving_.lit(now, lit);
    const SiteTime settled = now - gather;
    for (const auto& sum : feeders_.close(settled))
        add(sum.group, sum.interval);
    for (const auto& sum : classes_.close(settled))
        add(sum.group, sum.interval);
    if (rows_.empty()) return {};
    if (!rows_since_ || *rows_since_ > now) rows_since_ = now;
    if (now - *rows_since_ < gather) return {};
    rows_since_.reset();
    return std::exchange(rows_, {});
}

std::vector<store::HistoryInterval> Accounts::take_history() {
    return std::exchange(history_, {});
}

EnergyTonight Accounts::tonight() const {
    EnergyTonight sum = night_;
    sum.metered_wh = seeded_metered_;
    for (std::size_t m = 0; m < meter_base_.size(); ++m) {
        if (meter_last_[m]) sum.metered_wh += *meter_last_[m] - meter_base_[m];
    }
    std::int64_t lamps = 0;
    for (const energy::LampEnergy& lamp : lamps_)
        lamps += lamp.total_wh();
    sum.lamps_wh = seeded_lamps_ + lamps - lamps_base_;
    sum.baseline_wh = saving_.baseline_wh();
    return sum;
}

}  // namespace sl::app
