#include "tests/sim/world.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sl::sim {

void Contactor::drive(double sim_s, bool on) {
    if (coil == on) return;
    coil = on;
    coil_since_s = sim_s;
}

void Contactor::step(double sim_s) {
    bool wanted = coil;
    if (fault == ContactorFault::welded) wanted = closed || coil;
    if (fault == ContactorFault::no_close) wanted = closed && coil;
    if (wanted == closed) return;
    if (sim_s - coil_since_s < (wanted ? close_s : open_s)) return;
    closed = wanted;
    ++operations;
}

std::size_t World::add_head(HeadSpec spec) {
    head_by_id_[spec.id] = heads_.size();
    heads_.emplace_back(std::move(spec));
    return heads_.size() - 1;
}

std::size_t World::add_feeder(Feeder feeder) {
    feeders_.push_back(std::move(feeder));
    return feeders_.size() - 1;
}

std::size_t World::add_contactor(Contactor contactor) {
    contactors_.push_back(std::move(contactor));
    return contactors_.size() - 1;
}

std::optional<std::size_t> World::head_index(const std::string& id) const {
    const auto found = head_by_id_.find(id);
    if (found == head_by_id_.end()) return std::nullopt;
    return found->second;
}

LampHead* World::find_head(const std::string& id) {
    const auto index = head_index(id);
    return index ? &heads_[*index] : nullptr;
}

Feeder* World::find_feeder(const std::string& id) {
    const auto found = std::find_if(feeders_.begin(), feeders_.end(), [&](auto& f) { return f.id == id; });
    return found == feeders_.end() ? nullptr : &*found;
}

Contactor* World::find_contactor(const std::string& id) {
    const auto found =
        std::find_if(contactors_.begin(), contactors_.end(), [&](auto& c) { return c.id == id; });
    return found == contactors_.end() ? nullptr : &*found;
}

bool World::phase_live(std::size_t feeder, int phase) const {
    const Feeder& f = feeders_[feeder];
    const auto p = static_cast<std::size_t>(phase);
    return !grid_lost[p] && !f.phase_lost[p] && (!f.contactor || contactors_[*f.contactor].closed);
}

bool World::supplied(const HeadSpec& spec) const {
    return phase_live(spec.feeder, spec.phase) &&
           spec.order <= feeders_[spec.feeder].cut_after[static_cast<std::size_t>(spec.phase)];
}

double World::busbar_volts(int phase) const {
    if (grid_lost[static_cast<std::size_t>(phase)]) return 0.0;
    // A slow swing of one volt in a quarter of an hour, different on every phase.
    constexpr std::array<double, 3> nominal{231.2, 229.6, 228.5};
    const double angle = 2.0 * std::numbers::pi * (std::fmod(now_.sim_s, 900.0) / 900.0 + phase / 3.0);
    return nominal[static_cast<std::size_t>(phase)] + std::sin(angle);
}

// The drop along a cable whose load is spread evenly: at span k of n it is I * r * (k - k^2 / 2n).
void World::update_voltages() {
    struct Cable {
        double amps = 0.0;
        int spans = 1;
    };
    std::vector<std::array<Cable, 3>> cables(feeders_.size());
    for (const LampHead& head : heads_) {
        Cable& cable = cables[head.spec().feeder][static_cast<std::size_t>(head.spec().phase)];
        cable.amps += head.readings().amps;
        cable.spans = std::max(cable.spans, head.spec().order);
    }
    std::array<double, 3> volts{};
    for (int phase = 0; phase < 3; ++phase)
        volts[static_cast<std::size_t>(phase)] = busbar_volts(phase);
    for (LampHead& head : heads_) {
        const HeadSpec& spec = head.spec();
        const auto phase = static_cast<std::size_t>(spec.phase);
        const Cable& cable = cables[spec.feeder][phase];
        const double k = spec.order;
        const double drop = cable.amps * cable_ohm_per_span * (k - k * k / (2.0 * cable.spans));
        head.set_surroundings(volts[phase] - drop, ambient_c);
    }
}

void World::step() {
    for (Contactor& contactor : contactors_)
        contactor.step(now_.sim_s);
    for (MainsConsumer* consumer : consumers_) {
        consumer->mains(supplied(heads_[consumer->first_head()].spec()));
        consumer->step();
    }
    for (LampHead& head : heads_)
        head.advance(now_.sim_s);
    update_voltages();
    const double hours = last_step_s_ == 0.0 ? 0.0 : (now_.sim_s - last_step_s_) / 3600.0;
    for (std::size_t f = 0; f < feeders_.size(); ++f) {
        if (phase_live(f, 0)) feeders_[f].other_wh += feeders_[f].other_loads_w * hours;
    }
    last_step_s_ = now_.sim_s;
}

PhaseSums World::load(const std::vector<std::size_t>& feeders) {
    PhaseSums sums;
    const double with_loss = 1.0 + loss_pct / 100.0;
    for (int phase = 0; phase < 3; ++phase) {
        sums.volts[static_cast<std::size_t>(phase)] = busbar_volts(phase);
    }
    const auto counted = [&](std::size_t f) {
        return std::find(feeders.begin(), feeders.end(), f) != feeders.end();
    };
    for (LampHead& head : heads_) {
        if (!head.energised() || !counted(head.spec().feeder)) continue;
        head.advance(now_.sim_s);
        const HeadReadings r = head.readings();
        const auto p = static_cast<std::size_t>(head.spec().phase);
        sums.watts[p] += (r.watts + controller_w) * with_loss;
        sums.vars[p] += r.volts * r.amps * std::sqrt(1.0 - r.power_factor * r.power_factor);
    }
    for (const std::size_t f : feeders) {
        if (phase_live(f, 0)) sums.watts[0] += feeders_[f].other_loads_w;
    }
    for (std::size_t p = 0; p < 3; ++p) {
        if (sums.volts[p] > 1.0) sums.amps[p] = std::hypot(sums.watts[p], sums.vars[p]) / sums.volts[p];
    }
    return sums;
}

double World::load_wh(const std::vector<std::size_t>& feeders, int phase) {
    double total = 0.0;
    for (LampHead& head : heads_) {
        const HeadSpec& spec = head.spec();
        if (spec.phase != phase || std::find(feeders.begin(), feeders.end(), spec.feeder) == feeders.end()) {
            continue;
        }
        head.advance(now_.sim_s);
        total += head.drawn_wh() + head.controller_wh();
    }
    total *= 1.0 + loss_pct / 100.0;
    if (phase == 0) {
        for (const std::size_t f : feeders)
            total += feeders_[f].other_wh;
    }
    return total;
}

}  // namespace sl::sim
