// A Modbus lamp controller with one or two heads: the register map of lamp/generic-modbus-2ch
// (config/models/README.md), written from that document.
#pragma once

#include "tests/sim/codec_modbus.hpp"
#include "tests/sim/world.hpp"

#include <array>
#include <vector>

namespace sl::sim {

struct LampUnitSpec {
    std::vector<std::size_t> heads;  // indices into the world, one or two
    double boot_s = 5.0;             // simulated, from mains to the first answer
    double fade_s = 0.0;
    std::uint16_t failsafe_level = 100;  // also at power-on
    std::uint16_t failsafe_after_s = 600;
};

class LampUnit : public RegisterDevice, public MainsConsumer {
  public:
    LampUnit(World& world, LampUnitSpec spec);

    bool alive() const override;
    void heard() override { last_heard_ns_ = world_.now().real_ns; }
    std::uint8_t read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) override;
    std::uint8_t write_registers(std::uint16_t address, std::span<const std::uint16_t> values,
                                 bool broadcast) override;

    std::size_t first_head() const override { return spec_.heads.front(); }
    void mains(bool present) override;
    void step() override;

    void set_dead(bool dead) { dead_ = dead; }
    bool dead() const { return dead_; }
    bool failsafe_acted() const { return failsafe_acted_; }

  private:
    void input_image(std::array<std::uint16_t, 34>& image);
    void store(std::uint16_t address, std::uint16_t value, bool broadcast);
    void set_level(std::size_t head, std::uint16_t level, Cause cause);
    std::uint16_t power_on_level(std::size_t head) const;

    World& world_;
    LampUnitSpec spec_;
    bool dead_ = false, powered_ = false, failsafe_acted_ = false;
    double up_at_s_ = 0.0;
    std::int64_t last_heard_ns_ = 0;
    std::array<std::uint16_t, 32> holding_{};
};

}  // namespace sl::sim
