#include "tests/sim/lamp_unit.hpp"

#include <algorithm>
#include <cmath>

namespace sl::sim {

namespace {

enum : std::uint16_t {
    reg_level = 0,
    reg_all_heads = 2,
    reg_failsafe_level = 4,
    reg_failsafe_after = 6,
    reg_groups = 8,
    reg_group_level = 16,
    reg_end = 32
};
constexpr std::uint16_t keep_level = 0xFFFF;
constexpr std::uint16_t firmware = 104;  // 1.4

std::uint16_t u16(double value) {
    return static_cast<std::uint16_t>(std::clamp(std::lround(value), 0L, 0xFFFEL));
}

void put32(std::uint16_t* at, double value) {
    const auto whole = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value));
    at[0] = static_cast<std::uint16_t>(whole >> 16);
    at[1] = static_cast<std::uint16_t>(whole & 0xFFFF);
}

bool reserved(std::uint16_t address) {
    return address == 3 || address == 7 || (address >= 10 && address < 16);
}

bool in_range(std::uint16_t address, std::uint16_t value) {
    const bool level = address <= reg_all_heads || address >= reg_group_level;
    if (level && !reserved(address)) return value <= 100;
    if (address == reg_failsafe_level || address == reg_failsafe_level + 1) {
        return value <= 100 || value == keep_level;
    }
    return true;
}

void head_image(const LampHead& head, std::uint16_t* at) {
    const HeadReadings r = head.readings();
    const bool relay = head.fault() == HeadFault::stuck_on || head.fault() == HeadFault::stuck_off;
    at[0] = u16(head.level());
    at[1] = r.lit ? 1 : 0;
    at[2] = u16(r.volts * 10.0);
    at[3] = u16(r.amps * 1000.0);
    at[4] = u16(r.watts * 10.0);
    at[5] = r.amps > 0.0 ? u16(r.power_factor * 1000.0) : std::uint16_t{0x7FFF};
    put32(at + 6, head.register_wh());
    put32(at + 8, head.burning_s());
    at[10] = static_cast<std::uint16_t>(static_cast<std::int16_t>(std::lround(r.celsius * 10.0)));
    at[11] = static_cast<std::uint16_t>((head.reports_open() ? 1U : 0U) | (relay ? 1U << 7 : 0U));
    put32(at + 12, head.switchings());
    at[14] = at[15] = 0;
}

void absent_image(std::uint16_t* at) {
    std::fill(at, at + 14, std::uint16_t{0xFFFF});
    at[5] = at[10] = 0x7FFF;
    at[11] = at[14] = at[15] = 0;
}

}  // namespace

LampUnit::LampUnit(World& world, LampUnitSpec spec) : world_(world), spec_(std::move(spec)) {
    holding_[reg_failsafe_level] = holding_[reg_failsafe_level + 1] = spec_.failsafe_level;
    holding_[reg_failsafe_after] = spec_.failsafe_after_s;
    world_.add_consumer(*this);
}

bool LampUnit::alive() const {
    return powered_ && !dead_ && world_.now().sim_s >= up_at_s_;
}

// Levels do not survive a loss of mains, so "keep the last" leaves nothing to keep: a road lamp comes up lit.
std::uint16_t LampUnit::power_on_level(std::size_t head) const {
    const std::uint16_t level = holding_[reg_failsafe_level + head];
    return level == keep_level ? std::uint16_t{100} : level;
}

void LampUnit::mains(bool present) {
    if (present == powered_) return;
    powered_ = present;
    const Now& now = world_.now();
    for (std::size_t i = 0; i < spec_.heads.size(); ++i) {
        LampHead& head = world_.head(spec_.heads[i]);
        if (present) {
            head.energise(now.sim_s, power_on_level(i));
        } else {
            head.de_energise(now.sim_s);
        }
        holding_[reg_level + i] = present ? power_on_level(i) : std::uint16_t{0};
    }
    up_at_s_ = now.sim_s + spec_.boot_s;
    last_heard_ns_ = now.real_ns;
    failsafe_acted_ = false;
}

void LampUnit::step() {
    const std::int64_t after_s = holding_[reg_failsafe_after];
    if (!powered_ || after_s == 0 || failsafe_acted_) return;
    if (world_.now().real_ns - last_heard_ns_ < after_s * 1'000'000'000) return;
    failsafe_acted_ = true;
    for (std::size_t i = 0; i < spec_.heads.size(); ++i) {
        const std::uint16_t level = holding_[reg_failsafe_level + i];
        if (level != keep_level) set_level(i, level, Cause::failsafe);
    }
}

void LampUnit::input_image(std::array<std::uint16_t, 34>& image) {
    for (std::size_t i = 0; i < 2; ++i) {
        if (i < spec_.heads.size()) {
            LampHead& head = world_.head(spec_.heads[i]);
            head.advance(world_.now().sim_s);
            head_image(head, image.data() + 16 * i);
        } else {
            absent_image(image.data() + 16 * i);
        }
    }
    image[32] = firmware;
    image[33] = static_cast<std::uint16_t>(spec_.heads.size());
}

std::uint8_t LampUnit::read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) {
    const std::size_t end = address + out.size();
    if (table == 3) {
        if (end > holding_.size()) return exception::address;
        std::copy_n(holding_.begin() + address, out.size(), out.begin());
        return exception::none;
    }
    std::array<std::uint16_t, 34> image{};
    if (end > image.size()) return exception::address;
    input_image(image);
    std::copy_n(image.begin() + address, out.size(), out.begin());
    return exception::none;
}

std::uint8_t LampUnit::write_registers(std::uint16_t address, std::span<const std::uint16_t> values,
                                       bool broadcast) {
    if (address + values.size() > reg_end) return exception::address;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!in_range(static_cast<std::uint16_t>(address + i), values[i])) return exception::value;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        store(static_cast<std::uint16_t>(address + i), values[i], broadcast);
    }
    return exception::none;
}

void LampUnit::set_level(std::size_t head, std::uint16_t level, Cause cause) {
    if (head >= spec_.heads.size()) return;
    holding_[reg_level + head] = level;
    world_.head(spec_.heads[head]).command(world_.now().sim_s, level, spec_.fade_s, cause);
}

void LampUnit::store(std::uint16_t address, std::uint16_t value, bool broadcast) {
    if (reserved(address)) return;
    holding_[address] = value;
    const Cause whole = broadcast ? Cause::broadcast : Cause::write;
    if (address < reg_all_heads) {
        set_level(address, value, whole);
    } else if (address == reg_all_heads) {
        set_level(0, value, whole);
        set_level(1, value, whole);
    } else if (address >= reg_group_level) {
        for (std::size_t i = 0; i < 2; ++i) {
            if ((holding_[reg_groups + i] >> (address - reg_group_level) & 1) != 0) {
                set_level(i, value, Cause::group);
            }
        }
    }
    if (address == reg_failsafe_after || address <= reg_all_heads || address >= reg_group_level) {
        failsafe_acted_ = false;
    }
}

}  // namespace sl::sim
