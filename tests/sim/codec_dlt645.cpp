#include "tests/sim/codec_dlt645.hpp"

#include <algorithm>
#include <cstdlib>

namespace sl::sim {

namespace {

constexpr std::size_t overhead = 12;  // 68 A6 68 C L ... CS 16
constexpr std::size_t max_data = 200;

std::size_t preamble_length(std::span<const std::uint8_t> bytes) {
    const auto* first = std::find_if(bytes.data(), bytes.data() + bytes.size(),
                                     [](std::uint8_t byte) { return byte != 0xFE; });
    return static_cast<std::size_t>(first - bytes.data());
}

std::uint8_t sum(std::span<const std::uint8_t> bytes) {
    std::uint8_t total = 0;
    for (const std::uint8_t byte : bytes)
        total = static_cast<std::uint8_t>(total + byte);
    return total;
}

}  // namespace

Scanned scan_dlt645(std::span<const std::uint8_t> bytes, bool silence) {
    const Scan unfinished = silence ? Scan::garbage : Scan::need_more;
    const std::size_t lead = preamble_length(bytes);
    const auto frame = bytes.subspan(lead);
    if (frame.empty()) return {lead > 0 ? unfinished : Scan::garbage, 0};
    if (frame[0] != 0x68) return {Scan::garbage, 0};
    if (frame.size() < 10) {
        return {frame.size() > 7 && frame[7] != 0x68 ? Scan::garbage : unfinished, 0};
    }
    if (frame[7] != 0x68 || frame[9] > max_data) return {Scan::garbage, 0};
    const std::size_t size = overhead + frame[9];
    if (frame.size() < size) return {unfinished, 0};
    const bool right = frame[size - 1] == 0x16 && frame[size - 2] == sum(frame.first(size - 2));
    return {right ? Scan::frame : Scan::garbage, lead + size};
}

Dlt645Frame parse_dlt645(std::span<const std::uint8_t> bytes) {
    const auto frame = bytes.subspan(preamble_length(bytes));
    Dlt645Frame parsed;
    std::copy_n(frame.begin() + 1, parsed.address.size(), parsed.address.begin());
    parsed.control = frame[8];
    for (const std::uint8_t byte : frame.subspan(10, frame[9])) {
        parsed.data.push_back(static_cast<std::uint8_t>(byte - 0x33));
    }
    return parsed;
}

std::vector<std::uint8_t> build_dlt645(const Dlt645Frame& frame, int preamble) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(preamble), 0xFE);
    const std::size_t start = bytes.size();
    bytes.push_back(0x68);
    bytes.insert(bytes.end(), frame.address.begin(), frame.address.end());
    bytes.push_back(0x68);
    bytes.push_back(frame.control);
    bytes.push_back(static_cast<std::uint8_t>(frame.data.size()));
    for (const std::uint8_t byte : frame.data)
        bytes.push_back(static_cast<std::uint8_t>(byte + 0x33));
    bytes.push_back(sum(std::span{bytes}.subspan(start)));
    bytes.push_back(0x16);
    return bytes;
}

std::vector<std::uint8_t> bcd(std::int64_t value, int bytes) {
    std::vector<std::uint8_t> out;
    std::int64_t rest = std::abs(value);
    for (int i = 0; i < bytes; ++i) {
        out.push_back(static_cast<std::uint8_t>(rest / 10 % 10 << 4 | rest % 10));
        rest /= 100;
    }
    if (value < 0 && !out.empty()) out.back() = static_cast<std::uint8_t>(out.back() | 0x80);
    return out;
}

}  // namespace sl::sim
