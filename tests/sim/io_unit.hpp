// Relay and input module in the manner of the WB-MRM2: coils drive contactors, discrete inputs show auxiliary
// contacts and switches, holding register 8 is the safety timer.
#pragma once

#include "tests/sim/codec_modbus.hpp"
#include "tests/sim/world.hpp"

#include <optional>
#include <vector>

namespace sl::sim {

struct InputSpec {
    std::optional<std::size_t> aux_of;  // follows the main contacts of this contactor
    bool inverted = false;              // a normally closed contact
    bool value = false;                 // else: what the control socket set
};

struct IoUnitSpec {
    std::vector<std::optional<std::size_t>> outputs;  // contactor behind every relay
    std::vector<InputSpec> inputs;
    bool safe_state = false;  // what the relays do when nobody polls
};

class IoUnit : public RegisterDevice {
  public:
    IoUnit(World& world, IoUnitSpec spec);
    bool alive() const override { return !dead_; }
    void heard() override { last_heard_ns_ = world_.now().real_ns; }
    std::uint8_t read_bits(int table, std::uint16_t address, std::span<bool> out) override;
    std::uint8_t write_bits(std::uint16_t address, std::span<const bool> values) override;
    std::uint8_t read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) override;
    std::uint8_t write_registers(std::uint16_t address, std::span<const std::uint16_t> values,
                                 bool broadcast) override;

    void step();  // the safety timer, in real time
    void set_dead(bool dead) { dead_ = dead; }
    bool set_input(std::size_t channel, bool value);
    bool output(std::size_t channel) const { return coils_[channel]; }
    bool input(std::size_t channel) const;
    std::size_t inputs() const { return spec_.inputs.size(); }
    std::size_t outputs() const { return coils_.size(); }
    std::uint32_t safety_trips() const { return safety_trips_; }

  private:
    void drive(std::size_t channel, bool on);

    World& world_;
    IoUnitSpec spec_;
    std::vector<bool> coils_;
    bool dead_ = false, tripped_ = false;
    std::uint16_t safety_timer_s_ = 0;
    std::int64_t last_heard_ns_;
    std::uint32_t safety_trips_ = 0;
};

}  // namespace sl::sim
