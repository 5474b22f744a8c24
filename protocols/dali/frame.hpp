// DALI forward and backward frames (IEC 62386-102 as open implementations agree on it). Pure.
//
//   forward, 16 bits, first byte then second:      address byte   second byte
//     0AAAAAAS  short address A (0..63)            S = 0: arc power level 0..254 (255 = no change)
//     100AAAAS  group A (0..15)                    S = 1: command
//     1111110S  gear without a short address
//     1111111S  broadcast
//     101xxxx1, 110xxxx1 (A1..CB)                  special command; the second byte is its data
//   backward, 8 bits. No answer means "no"; a collision means that at least one gear answered.
#pragma once

#include "protocols/wire/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sl::dali {

struct Address {
    enum class Kind : std::uint8_t {
        short_address,
        group,
        unaddressed,
        broadcast
    } kind = Kind::short_address;
    std::uint8_t number = 0;
    friend bool operator==(const Address&, const Address&) = default;
};

inline constexpr std::uint8_t max_level = 254, no_change = 255;
inline constexpr std::uint8_t query_status = 0x90, query_gear_present = 0x91, query_actual_level = 0xA0;

using Forward = std::array<std::uint8_t, 2>;

// bad_request when the address does not exist (short > 63, group > 15).
wire::Result<Forward> arc_power(Address to, std::uint8_t level) noexcept;
wire::Result<Forward> command(Address to, std::uint8_t opcode) noexcept;
// A special command by its address byte: A1, A3 (DTR0), .. CB; C1 enables a device type for the next command.
wire::Result<Forward> special(std::uint8_t address_byte, std::uint8_t data) noexcept;

enum class ReplyKind : std::uint8_t { none, yes_no, value, value_or_mask };

// A forward frame taken apart.
struct Decoded {
    enum class Kind : std::uint8_t { arc_power, command, special } kind = Kind::arc_power;
    Address address;        // arc_power and command
    std::uint8_t data = 0;  // level; opcode; data of a special command
    std::uint8_t special_byte = 0;
    // Of the command table; empty when the opcode is reserved. `parameter` is the number inside the opcode
    // (scene, group).
    std::string_view name;
    std::optional<std::uint8_t> parameter;
    bool send_twice = false;  // only obeyed when it comes twice within 100 ms
    ReplyKind reply = ReplyKind::none;
};
// bad_frame for address bytes outside the scheme above. `device_type`: the type enabled by the frame before
// (C1), whose commands E0..FF mean something of their own; 6 is LED.
wire::Result<Decoded> decode(Forward frame, std::uint8_t device_type = 0) noexcept;

// What QueryStatus answers.
struct Status {
    bool gear_failure = false, lamp_failure = false, lamp_on = false, limit_error = false;
    bool fade_running = false, reset_state = false, short_address_missing = false, power_cycle_seen = false;
    friend bool operator==(const Status&, const Status&) = default;
};
Status decode_status(std::uint8_t answer) noexcept;
std::uint8_t encode(const Status& status) noexcept;

// The logarithmic curve: percent = 10^((level - 1) * 3 / 253 - 1), 254 = 100 %, 1 = 0.1 %, 0 = off. Level 255
// (no change, "mask" in an answer) has no percent.
std::optional<double> percent_of(std::uint8_t level) noexcept;
// The nearest level; anything above 0 gives at least 1, so that a small percentage never switches off.
std::uint8_t level_of(double percent) noexcept;
// The linear curve that LED gear may have selected (device type 6): percent = level / 254.
std::optional<double> linear_percent_of(std::uint8_t level) noexcept;
std::uint8_t linear_level_of(double percent) noexcept;

}  // namespace sl::dali
