// DL/T 645-2007 frames (and the framing of -1997, which is the same): bytes in, fields out, and back. Pure.
//
//   FE*n | 68 | A0..A5 | 68 | C | L | DATA, each byte + 33 | CS | 16        (hexadecimal)
//
// A0 holds the lowest two decimal digits. CS is the sum of all bytes from the first 68 to the last of DATA,
// modulo 256. C: bit 7 answer, bit 6 abnormal, bit 5 more follows, bits 4..0 function.
#pragma once

#include "protocols/wire/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sl::dlt645 {

using Address = std::array<std::uint8_t, 6>;                               // in wire order, A0 first
inline constexpr Address any_address{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA};  // only on a line with one meter
inline constexpr Address broadcast_address{0x99, 0x99, 0x99, 0x99, 0x99, 0x99};

// Twelve decimal digits as printed on the meter, as a number below 10^12.
Address address_from(std::uint64_t digits) noexcept;
std::optional<std::uint64_t> digits_of(
    const Address& address) noexcept;  // empty when it is not BCD (AA, ...)

enum class Function : std::uint8_t {
    security = 0x03,
    broadcast_time = 0x08,
    read = 0x11,
    follow_on = 0x12,
    read_address = 0x13,
    write = 0x14,
    write_address = 0x15,
    freeze = 0x16,
    baud = 0x17,
    password = 0x18,
    clear_demand = 0x19,
    clear_meter = 0x1A,
    clear_events = 0x1B,
    control = 0x1C,
    multi_output = 0x1D,
};

inline constexpr std::size_t max_data = 200;  // of an answer; a write carries at most 50
inline constexpr std::size_t max_write_data = 50;
inline constexpr std::size_t overhead = 12;  // bytes of a frame around its data, without preamble

// --- requests
// ---------------------------------------------------------------------------------------------------

// Appends four preamble bytes and a frame with these control and data bytes (plain; the offset is added
// here). bad_request when the data is longer than the control code allows.
wire::Result<void> append_frame(std::vector<std::uint8_t>& out, const Address& address, std::uint8_t control,
                                std::span<const std::uint8_t> data);
void append_read(std::vector<std::uint8_t>& out, const Address& address, std::uint32_t di);
// The next part of an answer that said "more follows"; sequence 1..255.
void append_follow_on(std::vector<std::uint8_t>& out, const Address& address, std::uint32_t di,
                      std::uint8_t sequence);
void append_read_address(std::vector<std::uint8_t>& out);  // asks any_address

// A date and time as meters carry it: years 2000..2099.
struct DateTime {
    int year = 2000, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    friend bool operator==(const DateTime&, const DateTime&) = default;
};
// Sets every clock on the line; nobody answers. Order on the wire: second, minute, hour, day, month, year.
// bad_request when it is not a date.
wire::Result<void> append_broadcast_time(std::vector<std::uint8_t>& out, const DateTime& time);

// --- answers
// ----------------------------------------------------------------------------------------------------

// What stands at the beginning of a receive buffer.
struct Split {
    // need_more: `length` is the size the buffer must reach before asking again (more than it has).
    // frame: the first `length` bytes are preamble and one frame with right checksum and end byte, of
    // whomsoever. noise: drop the first `length` bytes (at least 1) and ask again.
    enum class State : std::uint8_t { need_more, frame, noise } state = State::need_more;
    std::size_t length = 0;
};
// Address and data may contain 68 and 16: a frame is recognised by length, checksum and end byte together. A
// good frame is found behind a false start.
Split split(std::span<const std::uint8_t> buffer) noexcept;

struct Frame {
    Address address{};
    std::uint8_t control = 0;
    std::vector<std::uint8_t> data;  // offset taken off
    std::size_t preamble = 0;        // FE bytes before it

    bool is_answer() const noexcept { return (control & 0x80U) != 0; }
    bool is_abnormal() const noexcept { return (control & 0x40U) != 0; }
    bool has_more() const noexcept { return (control & 0x20U) != 0; }
    std::uint8_t function() const noexcept { return control & 0x1FU; }
};

// Takes apart preamble and one whole frame. bad_frame with the reason in *why.
wire::Result<Frame> decode_frame(std::span<const std::uint8_t> bytes, std::string_view* why = nullptr);

// What the answer to a request has to look like.
struct Expected {
    Address address{};  // AA bytes match anything
    std::uint8_t function = 0x11;
    std::uint32_t di = 0;       // functions 11 and 12
    std::uint8_t sequence = 0;  // function 12
};

struct Answer {
    std::span<const std::uint8_t> data;  // without DI and sequence; points into the frame
    bool more = false;                   // ask on with function 12, sequence one higher
};

// Checks an answer against what was asked. foreign_answer: our own echo, another meter, another function, DI
// or sequence (a late answer is normal on these lines). An abnormal answer becomes its Errc.
wire::Result<Answer> check_answer(const Frame& frame, const Expected& expected) noexcept;

// What the ERR byte of an abnormal answer means for the poller.
wire::Errc errc_of_error(std::uint8_t error) noexcept;
// "no requested data", ... for the lowest set bit.
std::string_view error_text(std::uint8_t error) noexcept;

}  // namespace sl::dlt645
