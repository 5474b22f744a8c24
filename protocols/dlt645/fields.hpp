// What stands inside the data of a DL/T 645 frame, for every control code: for the line monitor, the tests
// and the drivers.
#pragma once

#include "protocols/dlt645/frame.hpp"

namespace sl::dlt645 {

enum class Revision : std::uint8_t { y1997, y2007 };

// Fields that the frame does not have stay empty. Spans point into the frame's data.
struct Fields {
    std::string_view name;                        // of the function: "read", "broadcast time", ...
    std::optional<std::uint32_t> di;              // as printed; four digits in -1997
    std::span<const std::uint8_t> payload;        // the data behind DI
    std::optional<std::uint8_t> sequence;         // function 12
    std::optional<std::uint8_t> error;            // ERR of an abnormal answer
    std::optional<std::uint16_t> control_error;   // SERR of an abnormal answer to 03 or 1C
    std::optional<Address> address;               // carried as data: 13 answered, 15 asked
    std::optional<std::uint8_t> password_level;   // PA
    std::span<const std::uint8_t> password;       // P0 P1 P2
    std::span<const std::uint8_t> operator_code;  // C0..C3
    std::optional<std::uint8_t> command;          // N1 of 1C: 1A open relay, 1B permit closing, 1C close
    std::optional<std::uint8_t> command_detail;   // N2 of 1C
    std::optional<DateTime> time;                 // 08: the time set; 1C: valid until
    std::optional<std::uint8_t> baud;             // 17: bit set of the rate
};

// bad_frame with the reason in *why when the data does not fit its control code: too short, a broadcast time
// that is no time (as when the sender forgot the offset), ...
wire::Result<Fields> decode_fields(const Frame& frame, Revision revision = Revision::y2007,
                                   std::string_view* why = nullptr) noexcept;

}  // namespace sl::dlt645
