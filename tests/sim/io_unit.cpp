#include "tests/sim/io_unit.hpp"

namespace sl::sim {

namespace {
constexpr std::uint16_t reg_safety_timer = 8;  // seconds, 0 = off
}

IoUnit::IoUnit(World& world, IoUnitSpec spec)
    : world_(world),
      spec_(std::move(spec)),
      coils_(spec_.outputs.size()),
      last_heard_ns_(world.now().real_ns) {}

bool IoUnit::input(std::size_t channel) const {
    const InputSpec& spec = spec_.inputs[channel];
    const bool raw = spec.aux_of ? world_.contactors()[*spec.aux_of].closed : spec.value;
    return raw != spec.inverted;
}

bool IoUnit::set_input(std::size_t channel, bool value) {
    if (channel >= spec_.inputs.size() || spec_.inputs[channel].aux_of) return false;
    spec_.inputs[channel].value = value;
    return true;
}

void IoUnit::drive(std::size_t channel, bool on) {
    coils_[channel] = on;
    if (const auto contactor = spec_.outputs[channel]) {
        world_.contactors()[*contactor].drive(world_.now().sim_s, on);
    }
}

std::uint8_t IoUnit::read_bits(int table, std::uint16_t address, std::span<bool> out) {
    const std::size_t present = table == 1 ? coils_.size() : spec_.inputs.size();
    if (address + out.size() > present) return exception::address;
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = table == 1 ? coils_[address + i] : input(address + i);
    }
    return exception::none;
}

std::uint8_t IoUnit::write_bits(std::uint16_t address, std::span<const bool> values) {
    if (address + values.size() > coils_.size()) return exception::address;
    for (std::size_t i = 0; i < values.size(); ++i)
        drive(address + i, values[i]);
    world_.step();
    return exception::none;
}

std::uint8_t IoUnit::read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) {
    if (table != 3 || address != reg_safety_timer || out.size() != 1) return exception::address;
    out[0] = safety_timer_s_;
    return exception::none;
}

std::uint8_t IoUnit::write_registers(std::uint16_t address, std::span<const std::uint16_t> values, bool) {
    if (address != reg_safety_timer || values.size() != 1) return exception::address;
    safety_timer_s_ = values[0];
    return exception::none;
}

void IoUnit::step() {
    const std::int64_t silent_ns = world_.now().real_ns - last_heard_ns_;
    const bool expired = safety_timer_s_ != 0 && silent_ns >= std::int64_t{safety_timer_s_} * 1'000'000'000;
    if (!expired) tripped_ = false;
    if (!expired || tripped_) return;
    tripped_ = true;
    ++safety_trips_;
    for (std::size_t i = 0; i < coils_.size(); ++i)
        drive(i, spec_.safe_state);
}

}  // namespace sl::sim
