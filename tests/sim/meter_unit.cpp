#include "tests/sim/meter_unit.hpp"

#include <bit>
#include <cmath>

namespace sl::sim {

MeterValues Meter::values() const {
    const PhaseSums load = world_.load(spec_.feeders);
    MeterValues out;
    const double hours = (world_.now().sim_s - start_s_) / 3600.0;
    for (std::size_t p = 0; p < 3; ++p) {
        out.volts[p] = load.volts[p];
        out.watts[p] = load.watts[p];
        out.vars[p] = load.vars[p] / spec_.ct_ratio;
        out.wh[p] = world_.load_wh(spec_.feeders, static_cast<int>(p));
    }
    if (out.volts[0] > 1.0) out.watts[0] += spec_.standby_w;
    out.wh[0] += spec_.standby_w * hours;
    for (std::size_t p = 0; p < 3; ++p) {
        out.watts[p] /= spec_.ct_ratio;
        out.wh[p] = out.wh[p] / spec_.ct_ratio + spec_.initial_kwh * 1000.0 / 3.0;
        out.amps[p] = out.volts[p] > 1.0 ? std::hypot(out.watts[p], out.vars[p]) / out.volts[p] : 0.0;
    }
    out.hertz = 50.0 + 0.02 * std::sin(world_.now().sim_s / 37.0);
    return out;
}

double Meter::primary_wh() const {
    double total = spec_.standby_w * (world_.now().sim_s - start_s_) / 3600.0;
    for (int phase = 0; phase < 3; ++phase)
        total += world_.load_wh(spec_.feeders, phase);
    return total;
}

namespace {

double ratio(double part, double whole) {
    return whole > 1e-6 ? part / whole : 1.0;
}

}  // namespace

float Sdm630Meter::value_at(std::uint16_t address, const MeterValues& v) const {
    const std::size_t phase = static_cast<std::size_t>(address / 2 % 3);
    const double total_w = v.sum(v.watts);
    const double total_va = std::hypot(total_w, v.sum(v.vars));
    double value = 0.0;
    if (address < 6) {
        value = v.volts[phase];
    } else if (address < 12) {
        value = v.amps[phase];
    } else if (address < 18) {
        value = v.watts[phase];
    } else if (address < 24) {
        value = v.volts[phase] * v.amps[phase];
    } else if (address < 30) {
        value = v.vars[phase];
    } else if (address < 36) {
        value = ratio(v.watts[phase], v.volts[phase] * v.amps[phase]);
    } else if (address == 52) {
        value = total_w;
    } else if (address == 56) {
        value = total_va;
    } else if (address == 60) {
        value = v.sum(v.vars);
    } else if (address == 62) {
        value = ratio(total_w, total_va);
    } else if (address == 70) {
        value = v.hertz;
    } else if (address == 72 || address == 342) {
        value = v.sum(v.wh) / 1000.0;
    }
    return static_cast<float>(value);
}

std::uint8_t Sdm630Meter::read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) {
    if (table != 4) return exception::function;
    if (address % 2 != 0 || out.size() % 2 != 0 || address + out.size() > 382) return exception::address;
    const MeterValues values = meter_.values();
    for (std::size_t i = 0; i < out.size(); i += 2) {
        const auto bits =
            std::bit_cast<std::uint32_t>(value_at(static_cast<std::uint16_t>(address + i), values));
        out[i] = static_cast<std::uint16_t>(bits >> 16);
        out[i + 1] = static_cast<std::uint16_t>(bits & 0xFFFF);
    }
    return exception::none;
}

}  // namespace sl::sim
