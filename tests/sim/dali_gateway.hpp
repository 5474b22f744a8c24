// DALI control gear behind a Modbus gateway in the manner of the ECOdim GW2: a raw 16-bit DALI frame goes
// into holding register 25, the backward frame is read from 26, register 24 tells what became of it, 29 the
// state of the bus. Levels by register (1000 broadcast, 2000.. groups, 3000.. devices) are served as well.
#pragma once

#include "tests/sim/codec_modbus.hpp"
#include "tests/sim/world.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sl::sim {

double dali_percent(int arc_level);  // logarithmic curve, 0 = off, 254 = 100 %

class DaliGear : public MainsConsumer {
  public:
    DaliGear(World& world, std::size_t head, std::uint8_t short_address);

    std::size_t first_head() const override { return head_; }
    void mains(bool present) override;

    bool alive() const;
    void set_dead(bool dead) { dead_ = dead; }
    bool in_group(unsigned group) const { return (groups_ >> group & 1U) != 0; }
    std::uint8_t short_address() const { return short_address_; }
    void arc_power(int level, Cause cause);
    // A command opcode; `repeated` when it is the second of a pair. Answers the backward frame, if any.
    std::optional<std::uint8_t> command(std::uint8_t opcode, bool repeated, Cause cause);
    void set_dtr(std::size_t which, std::uint8_t value) { dtr_[which] = value; }
    std::uint8_t actual_level() const;
    std::uint8_t status() const;

  private:
    std::optional<std::uint8_t> query(std::uint8_t opcode) const;
    void configure(std::uint8_t opcode);
    std::optional<std::uint8_t> read_memory();
    std::optional<std::uint8_t> memory(std::uint8_t bank, std::uint8_t address) const;

    World& world_;
    std::size_t head_;
    std::uint8_t short_address_;
    bool dead_ = false, powered_ = false, power_cycle_seen_ = true;
    double up_at_s_ = 0.0;
    std::uint8_t arc_ = 0, max_ = 254, min_ = 85, power_on_ = 254, system_failure_ = 254;
    std::uint16_t groups_ = 0;
    std::array<std::uint8_t, 3> dtr_{};
};

class DaliGateway : public RegisterDevice {
  public:
    explicit DaliGateway(World& world) : world_(world) {}
    void add(DaliGear& gear) { gears_.push_back(&gear); }

    bool alive() const override { return !dead_; }
    void set_dead(bool dead) { dead_ = dead; }
    std::uint8_t read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) override;
    std::uint8_t write_registers(std::uint16_t address, std::span<const std::uint16_t> values,
                                 bool broadcast) override;

  private:
    std::uint8_t store(std::uint16_t address, std::uint16_t value);
    std::optional<std::uint16_t> load(std::uint16_t address) const;
    void forward(std::uint8_t address, std::uint8_t data);
    void special(std::uint8_t address, std::uint8_t data);
    DaliGear* gear(std::uint8_t short_address) const;

    World& world_;
    std::vector<DaliGear*> gears_;
    bool dead_ = false;
    std::uint16_t status_ = 0, answer_ = 0xFFFF, last_frame_ = 0;
    std::int64_t last_frame_ns_ = 0;
    bool pair_open_ = false;
};

}  // namespace sl::sim
