// DL/T 645-2007 frames as a meter sees them:
//   FE*n | 68 | A0..A5 | 68 | C | L | DATA | CS | 16     (A0 = lowest BCD pair, DATA bytes +33H on the wire)
#pragma once

#include "tests/sim/codec_modbus.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace sl::sim {

struct Dlt645Frame {
    std::array<std::uint8_t, 6> address{};  // in wire order
    std::uint8_t control = 0;
    std::vector<std::uint8_t> data;  // offset taken off
};

// Does a frame (with its preamble) start at the first byte? Length and checksum decide: 68 and 16 may stand
// inside.
Scanned scan_dlt645(std::span<const std::uint8_t> bytes, bool silence);

// For a span that scan_dlt645 called a frame.
Dlt645Frame parse_dlt645(std::span<const std::uint8_t> bytes);
std::vector<std::uint8_t> build_dlt645(const Dlt645Frame& frame, int preamble);

// `bytes` pairs of decimal digits of |value|, lowest pair first; a negative value sets the top bit.
std::vector<std::uint8_t> bcd(std::int64_t value, int bytes);

}  // namespace sl::sim
