// A device model: what a kind of device offers and how its bytes are read. Data, loaded from
// config/models/*.toml; the vocabulary is closed on purpose (a model that needs an expression extends this
// list).
#pragma once

#include "gateway/site/quantity.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sl::site {

// How raw bytes become a number.
enum class PointType : std::uint8_t {
    bit,  // a coil or discrete input
    u8,
    u16,
    i16,
    u32,
    i32,
    u64,
    i64,
    f32,         // Modbus registers (u8: the low byte, or DALI's answer)
    bcd,         // DL/T 645: `bytes` bytes of packed BCD, lowest first; sign = top bit when is_signed
    bits,        // bit map -> faults by `bits`
    dali_level,  // DALI arc power 0..254 on the logarithmic curve <-> percent
};

// Order of the four bytes of a 32-bit value as they stand in two registers.
enum class WordOrder : std::uint8_t { abcd, cdab, badc, dcba };

// value = raw * scale_num / scale_den + offset, in the unit of the quantity. Kept as integers so that energy
// stays exact: a register of 0.01 kWh as energy_wh has 10 / 1.
struct Scale {
    std::int64_t num = 1;
    std::int64_t den = 1;
    double offset = 0.0;
};

struct FaultMapping {
    std::uint8_t raw_bit = 0;
    FaultBit fault = FaultBit::lamp_open;
};

struct Point {
    std::string key;  // name inside the model: "power", "level_2"
    Quantity quantity = Quantity::power_w;
    Phase phase = Phase::none;
    std::uint8_t head = 0;    // 0 = the device as a whole, 1.. = lamp head (or relay/input channel)
    std::uint32_t table = 0;  // as in sl::Item
    std::uint32_t address = 0;
    PointType type = PointType::u16;
    std::uint8_t bytes = 0;  // bcd only
    bool is_signed = false;  // bcd only
    WordOrder order = WordOrder::abcd;
    Scale scale;
    std::optional<std::int64_t> invalid;  // raw value that means "not available"
    std::vector<FaultMapping> bits;       // type = bits
    bool writable = false;
    std::optional<std::uint32_t>
        write_table;  // where writing differs from reading (FC 6 against 16 is chosen by width)
    std::optional<double> min, max;
    // Registers: the largest raw value before the counter rolls over (energy, burning time); 0 = never.
    std::uint64_t rollover = 0;
    std::uint16_t every = 1;  // read on every n-th turn of the device (slow values: energy, temperature)
    std::uint16_t offset_bytes = 0;  // table 0 only: where the value stands in the answer (DL/T 645 blocks)
    std::uint8_t bit = 0;            // type = bit outside coils and discrete inputs: which bit, 0 = lowest
    std::optional<std::uint32_t> write_address;  // where writing differs from reading
};

// What a lamp does when its controller hears nothing (lighting-safety rule 4).
enum class FailsafeKind : std::uint8_t { none, fixed_level, profile_since_power_on, stored_schedule };

// A test frame carried by the model: bytes on the wire and the values expected from them.
struct ModelVector {
    std::string request_hex, response_hex, source;
    std::vector<std::pair<std::string, double>> expect;  // point key -> value
    std::vector<std::string> expect_missing;             // points that must come out as not available
};

enum class DeviceKind : std::uint8_t { lamp, meter, io };

struct DeviceModel {
    std::string id;  // "lamp/generic-modbus-2ch"
    std::string title, title_zh;
    std::string source;  // where the register map was published
    DeviceKind kind = DeviceKind::lamp;
    std::string protocol;  // "modbus-rtu" (its points also serve modbus-tcp), "dlt645-2007", "dali-ecodim"
    std::vector<Point> points;
    std::uint8_t heads = 1;         // lamp heads or channels behind one address
    std::uint16_t max_count = 125;  // largest block in registers
    std::uint16_t max_gap = 0;      // unused registers a block may read over
    bool broadcast = false;         // accepts broadcast writes
    std::chrono::milliseconds timeout{300};
    std::chrono::milliseconds turnaround{0};
    std::chrono::seconds boot{0};  // from mains to the first answer (boot_s)
    FailsafeKind failsafe = FailsafeKind::none;
    std::vector<std::string> caveats;
    std::vector<ModelVector> vectors;
};

}  // namespace sl::site
