// Modbus RTU and TCP frames: bytes in, fields out, and back. Pure: no I/O, no state, no clock.
// Source of the layout: MODBUS Application Protocol V1.1b3 and Serial Line V1.02 as open implementations
// agree on them.
#pragma once

#include "protocols/wire/error.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sl::modbus {

enum class Framing : std::uint8_t { rtu, tcp };
enum class Direction : std::uint8_t { request, response };

inline constexpr std::uint16_t max_read_bits = 2000, max_read_registers = 125;
inline constexpr std::uint16_t max_write_bits = 1968, max_write_registers = 123;
inline constexpr std::size_t max_rtu_frame = 256, max_tcp_frame = 260;
inline constexpr std::uint8_t broadcast_unit = 0;

// CRC-16, polynomial A001 reflected, start FFFF; sent low byte first.
std::uint16_t crc16(std::span<const std::uint8_t> bytes) noexcept;

// The number of data bytes that `count` items of a read function occupy.
std::size_t data_size(std::uint8_t function, std::uint16_t count) noexcept;

// Functions 1..4. bad_request when the count is 0 or over the limit, or the range leaves the address space;
// nothing is appended then. `transaction` is ignored on RTU.
wire::Result<void> append_read_request(std::vector<std::uint8_t>& out, Framing framing,
                                       std::uint16_t transaction, std::uint8_t unit, std::uint8_t function,
                                       std::uint16_t address, std::uint16_t count);

// Functions 5, 6 (count 1), 15, 16. Data: registers big-endian, bits packed with the lowest address in bit 0
// (function 5: bit 0 of one byte). bad_request when data does not match the count.
wire::Result<void> append_write_request(std::vector<std::uint8_t>& out, Framing framing,
                                        std::uint16_t transaction, std::uint8_t unit, std::uint8_t function,
                                        std::uint16_t address, std::uint16_t count,
                                        std::span<const std::uint8_t> data);

// What the answer to a request has to look like.
struct Expected {
    std::uint16_t transaction = 0;  // TCP only
    std::uint8_t unit = 0;
    std::uint8_t function = 0;
    std::uint16_t address = 0;  // writes only: a read answer does not carry it
    std::uint16_t count = 0;
    std::optional<std::uint16_t>
        value;  // functions 5 and 6: the echoed value (FF00 or 0000 for 5), when it is to be checked
};

// What stands at the beginning of a receive buffer.
struct Split {
    // need_more: `length` is the size the buffer must reach before asking again (more than it has).
    // frame: the first `length` bytes are a frame with a right CRC (RTU) or header (TCP), of whomsoever.
    // noise: drop the first `length` bytes (at least 1) and ask again.
    enum class State : std::uint8_t { need_more, frame, noise } state = State::need_more;
    std::size_t length = 0;
};

// Frames by length, not by silence: t1.5 cannot be measured through a USB adapter. Looks for the answer also
// behind noise, so a corrupted header never hides a good answer that followed it.
Split split_response(std::span<const std::uint8_t> buffer, Framing framing,
                     const Expected& expected) noexcept;

// Checks one whole frame against what was asked and gives its data bytes (empty for writes); the span points
// into `frame`. bad_frame: checksum, header or lengths are wrong. foreign_answer: sound, but not the answer
// to this request. A Modbus exception becomes its Errc.
wire::Result<std::span<const std::uint8_t>> check_response(std::span<const std::uint8_t> frame,
                                                           Framing framing,
                                                           const Expected& expected) noexcept;

// What an exception code means for the poller.
wire::Errc errc_of_exception(std::uint8_t code) noexcept;

// Any frame, taken apart. Fields that the function does not have stay empty. `data` points into the decoded
// frame.
struct Frame {
    std::uint16_t transaction = 0;
    std::uint8_t unit = 0;
    std::uint8_t function = 0;                       // without the exception bit
    std::optional<std::uint8_t> exception;           // its code, when the frame is an exception answer
    std::optional<std::uint16_t> address;            // also: FIFO pointer (24)
    std::optional<std::uint16_t> quantity;           // also: event count (11, 12)
    std::optional<std::uint16_t> value;              // 5, 6; status (7, 11, 12); FIFO count (24)
    std::optional<std::uint16_t> byte_count;         // as the frame states it
    std::optional<std::uint16_t> and_mask, or_mask;  // 22
    std::optional<std::uint16_t> write_address, write_quantity;  // 23; its read part is address and quantity
    std::optional<std::uint16_t> sub_function;                   // 8; MEI type of 43
    std::span<const std::uint8_t> data;  // the rest: registers, bits, records, objects
    std::string_view
        defect;  // empty, or why a server would refuse this sound frame (a quantity out of range, ...)
};

// Takes apart one whole frame of any public function (and, as plain data, of any other). bad_frame with the
// reason in *why.
wire::Result<Frame> decode_frame(std::span<const std::uint8_t> bytes, Framing framing, Direction direction,
                                 std::string_view* why = nullptr) noexcept;

}  // namespace sl::modbus
