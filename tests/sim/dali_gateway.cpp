#include "tests/sim/dali_gateway.hpp"

#include <algorithm>
#include <cmath>

namespace sl::sim {

namespace {

// Register 24 after a frame: nothing answered (which is how DALI says "no"), one answer, more than one at
// once.
enum : std::uint16_t { status_no_answer = 0, status_answer = 1, status_collision = 2 };
constexpr std::uint16_t no_answer_value = 0xFFFF;
constexpr double gear_boot_s = 0.6;
constexpr std::int64_t pair_window_ns = 100'000'000;
constexpr int mask = 255;  // "no change"

std::uint8_t byte_of(std::uint64_t value, unsigned place) {
    return static_cast<std::uint8_t>(value >> (8 * place) & 0xFF);
}

bool needs_pair(std::uint8_t opcode) {
    return opcode >= 0x20 && opcode < 0x90;
}

}  // namespace

double dali_percent(int arc_level) {
    if (arc_level <= 0) return 0.0;
    return std::pow(10.0, (arc_level - 1) * 3.0 / 253.0 - 1.0);
}

DaliGear::DaliGear(World& world, std::size_t head, std::uint8_t short_address)
    : world_(world), head_(head), short_address_(short_address) {
    world_.add_consumer(*this);
}

bool DaliGear::alive() const {
    return powered_ && !dead_ && world_.now().sim_s >= up_at_s_;
}

void DaliGear::mains(bool present) {
    if (present == powered_) return;
    powered_ = present;
    const double sim_s = world_.now().sim_s;
    up_at_s_ = sim_s + gear_boot_s;
    power_cycle_seen_ = true;
    arc_ = present ? power_on_ : std::uint8_t{0};
    if (present) {
        world_.head(head_).energise(sim_s, dali_percent(arc_));
    } else {
        world_.head(head_).de_energise(sim_s);
    }
}

void DaliGear::arc_power(int level, Cause cause) {
    if (level == mask) return;
    if (level != 0) level = std::clamp<int>(level, min_, max_);
    arc_ = static_cast<std::uint8_t>(level);
    power_cycle_seen_ = false;
    world_.head(head_).command(world_.now().sim_s, dali_percent(level), 0.0, cause);
}

std::uint8_t DaliGear::actual_level() const {
    return world_.head(head_).fault() == HeadFault::open && arc_ > 0 ? std::uint8_t{0} : arc_;
}

std::uint8_t DaliGear::status() const {
    const LampHead& head = world_.head(head_);
    unsigned bits = 0;
    if (head.reports_open()) bits |= 1U << 1;
    if (head.readings().lit) bits |= 1U << 2;
    if (power_cycle_seen_) bits |= 1U << 7;
    return static_cast<std::uint8_t>(bits);
}

std::optional<std::uint8_t> DaliGear::query(std::uint8_t opcode) const {
    const LampHead& head = world_.head(head_);
    const auto yes_if = [](bool yes) { return yes ? std::optional<std::uint8_t>{0xFF} : std::nullopt; };
    switch (opcode) {
        case 0x90:
            return status();
        case 0x91:
            return 0xFF;
        case 0x92:
            return yes_if(head.reports_open());
        case 0x93:
            return yes_if(head.readings().lit);
        case 0x97:
            return std::uint8_t{8};  // DALI-2
        case 0x98:
            return dtr_[0];
        case 0x99:
            return std::uint8_t{6};  // LED
        case 0x9A:
            return min_;  // physical minimum
        case 0x9C:
            return dtr_[1];
        case 0x9D:
            return dtr_[2];
        case 0xA0:
            return actual_level();
        case 0xA1:
            return max_;
        case 0xA2:
            return min_;
        case 0xA3:
            return power_on_;
        case 0xA4:
            return system_failure_;
        case 0xC0:
            return byte_of(groups_, 0);
        case 0xC1:
            return byte_of(groups_, 1);
        default:
            return std::nullopt;
    }
}

void DaliGear::configure(std::uint8_t opcode) {
    if (opcode == 0x2A) max_ = dtr_[0];
    if (opcode == 0x2B) min_ = std::max<std::uint8_t>(dtr_[0], 1);
    if (opcode == 0x2C) system_failure_ = dtr_[0];
    if (opcode == 0x2D) power_on_ = dtr_[0];
    const auto bit = static_cast<std::uint16_t>(1U << (opcode & 0x0F));
    if (opcode >= 0x60 && opcode < 0x70) groups_ = static_cast<std::uint16_t>(groups_ | bit);
    if (opcode >= 0x70 && opcode < 0x80) groups_ = static_cast<std::uint16_t>(groups_ & ~bit);
}

// Banks 202 (energy and power) and 205 (diagnostics) as far as a street light uses them. Energy in 1 Wh,
// power in 0.1 W; what is not there answers nothing.
std::optional<std::uint8_t> DaliGear::memory(std::uint8_t bank, std::uint8_t address) const {
    const LampHead& head = world_.head(head_);
    const HeadReadings r = head.readings();
    const auto field = [address](std::uint64_t value, std::uint8_t first, unsigned bytes) {
        return byte_of(value, bytes - 1U - static_cast<unsigned>(address - first));
    };
    if (bank == 202) {
        if (address == 0) return std::uint8_t{0x0F};
        if (address == 3) return std::uint8_t{1};
        if (address == 4) return std::uint8_t{0};
        if (address >= 5 && address <= 10) return field(static_cast<std::uint64_t>(head.register_wh()), 5, 6);
        if (address == 11) return std::uint8_t{0xFF};  // scale -1
        if (address >= 12 && address <= 15) {
            return field(static_cast<std::uint64_t>(std::lround(r.watts * 10.0)), 12, 4);
        }
    }
    if (bank == 205) {
        if (address == 0) return std::uint8_t{0x1C};
        if (address == 3) return std::uint8_t{1};
        if (address >= 4 && address <= 7) return field(static_cast<std::uint64_t>(head.burning_s()), 4, 4);
        if (address >= 8 && address <= 10) return field(head.switchings(), 8, 3);
        if (address == 11 || address == 12) {
            return field(static_cast<std::uint64_t>(std::lround(r.volts * 10.0)), 11, 2);
        }
        if (address == 13) return std::uint8_t{50};
        if (address == 14) return static_cast<std::uint8_t>(std::lround(r.power_factor * 100.0));
        if (address >= 15 && address <= 26) return std::uint8_t{0};
        if (address == 27) return static_cast<std::uint8_t>(std::lround(r.celsius + 60.0));
        if (address == 28) return static_cast<std::uint8_t>(std::lround(head.level()));
    }
    return std::nullopt;
}

std::optional<std::uint8_t> DaliGear::read_memory() {
    const auto value = memory(dtr_[1], dtr_[0]);
    if (value && dtr_[0] < 0xFF) ++dtr_[0];
    return value;
}

std::optional<std::uint8_t> DaliGear::command(std::uint8_t opcode, bool repeated, Cause cause) {
    if (opcode == 0x00) {
        arc_power(0, cause);
    } else if (opcode == 0x05) {
        arc_power(max_, cause);
    } else if (opcode == 0x06) {
        arc_power(min_, cause);
    } else if (needs_pair(opcode)) {
        if (repeated) configure(opcode);
    } else if (opcode == 0xC5) {
        return read_memory();
    } else {
        return query(opcode);
    }
    return std::nullopt;
}

DaliGear* DaliGateway::gear(std::uint8_t short_address) const {
    for (DaliGear* g : gears_) {
        if (g->short_address() == short_address) return g;
    }
    return nullptr;
}

// A3, C3, C5 load the transfer registers of every gear.
void DaliGateway::special(std::uint8_t address, std::uint8_t data) {
    for (DaliGear* g : gears_) {
        if (!g->alive()) continue;
        if (address == 0xA3) g->set_dtr(0, data);
        if (address == 0xC3) g->set_dtr(1, data);
        if (address == 0xC5) g->set_dtr(2, data);
    }
}

// 0AAAAAAS short address, 100AAAAS group, 1111111S broadcast, A1..CB special.
void DaliGateway::forward(std::uint8_t address, std::uint8_t data) {
    const std::int64_t now_ns = world_.now().real_ns;
    const auto frame = static_cast<std::uint16_t>(address << 8 | data);
    const bool repeated = pair_open_ && frame == last_frame_ && now_ns - last_frame_ns_ <= pair_window_ns;
    pair_open_ = !repeated;
    last_frame_ = frame;
    last_frame_ns_ = now_ns;
    status_ = status_no_answer;
    answer_ = no_answer_value;
    if (address >= 0xA1 && address <= 0xCB && (address & 1) != 0) return special(address, data);
    int answers = 0;
    for (DaliGear* g : gears_) {
        const bool one = (address & 0x80) == 0 && g->short_address() == address >> 1;
        const bool group = (address & 0xE0) == 0x80 && g->in_group(address >> 1 & 0x0F);
        const bool all = address >= 0xFE;
        if (!g->alive() || !(one || group || all)) continue;
        const Cause cause = one ? Cause::write : all ? Cause::broadcast : Cause::group;
        if ((address & 1) == 0) {
            g->arc_power(data, cause);
        } else if (const auto backward = g->command(data, repeated, cause)) {
            ++answers;
            answer_ = *backward;
        }
    }
    if (answers > 0) status_ = answers == 1 ? status_answer : status_collision;
    if (answers > 1) answer_ = 0xFF;
}

std::uint8_t DaliGateway::store(std::uint16_t address, std::uint16_t value) {
    const auto data = static_cast<std::uint8_t>(value & 0xFF);
    if (address == 25) {
        forward(static_cast<std::uint8_t>(value >> 8), data);
    } else if (address == 1000 || address == 1001) {
        forward(address == 1000 ? 0xFE : 0xFF, data);
    } else if (address >= 2000 && address < 2080 && address % 5 < 2) {
        forward(static_cast<std::uint8_t>(0x80 | (address - 2000) / 5 << 1 | address % 5), data);
    } else if (address >= 3000 && address < 3320 && address % 5 < 2) {
        forward(static_cast<std::uint8_t>((address - 3000) / 5 << 1 | address % 5), data);
    } else {
        return exception::address;
    }
    return exception::none;
}

std::optional<std::uint16_t> DaliGateway::load(std::uint16_t address) const {
    switch (address) {
        case 24:
            return status_;
        case 25:
            return last_frame_;
        case 26:
            return answer_;
        case 27:
        case 28:
        case 29:  // 0 = the bus is fine
        case 30:
        case 32:
            return std::uint16_t{0};
        case 31:
            return static_cast<std::uint16_t>(
                std::count_if(gears_.begin(), gears_.end(), [](const DaliGear* g) { return g->alive(); }));
        default:
            break;
    }
    if (address < 3000 || address >= 3320) return std::nullopt;
    const DaliGear* g = gear(static_cast<std::uint8_t>((address - 3000) / 5));
    const bool there = g != nullptr && g->alive();
    switch (address % 5) {
        case 2:
            return there ? std::uint16_t{1} : std::uint16_t{0};
        case 3:
            return there ? g->status() : std::uint16_t{0};
        case 4:
            return there ? g->actual_level() : std::uint16_t{0xFF};
        default:
            return std::uint16_t{0};
    }
}

std::uint8_t DaliGateway::read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) {
    if (table != 3) return exception::function;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto value = load(static_cast<std::uint16_t>(address + i));
        if (!value) return exception::address;
        out[i] = *value;
    }
    return exception::none;
}

std::uint8_t DaliGateway::write_registers(std::uint16_t address, std::span<const std::uint16_t> values,
                                          bool) {
    if (values.size() != 1) return exception::address;
    return store(address, values[0]);
}

}  // namespace sl::sim
