// Inside of the Modbus codec: envelopes and lengths shared by frame.cpp and decode.cpp.
#pragma once

#include "protocols/modbus/frame.hpp"

#include <cstddef>

namespace sl::modbus {

constexpr std::uint16_t get16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>((unsigned{bytes[at]} << 8U) | bytes[at + 1]);
}

bool crc_ok(std::span<const std::uint8_t> rtu_frame) noexcept;

// One frame without its envelope. `why` is empty when the envelope is right.
struct Envelope {
    std::uint16_t transaction = 0;
    std::uint8_t unit = 0;
    std::span<const std::uint8_t> pdu;  // function first; at least one byte when `why` is empty
    std::string_view why;
};
Envelope open(std::span<const std::uint8_t> frame, Framing framing) noexcept;

// How long the answer at the start of `bytes` is.
struct Length {
    bool possible = false;  // such bytes can begin an answer
    bool known = false;     // `bytes` is the whole length; otherwise it is what must be there to learn more
    std::size_t bytes = 0;
};
Length response_length(std::span<const std::uint8_t> bytes, Framing framing) noexcept;

}  // namespace sl::modbus
