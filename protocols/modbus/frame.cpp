#include "protocols/modbus/frame.hpp"

#include "protocols/modbus/layout.hpp"

#include <algorithm>
#include <array>

namespace sl::modbus {
namespace {

constexpr std::array<std::uint16_t, 256> make_crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        auto crc = static_cast<unsigned>(i);
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0xA001U : crc >> 1U;
        table[i] = static_cast<std::uint16_t>(crc);
    }
    return table;
}
constexpr auto crc_table = make_crc_table();

bool is_bit_function(std::uint8_t function) {
    return function == 1 || function == 2 || function == 15;
}

void put16(std::vector<std::uint8_t>& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8U));
    out.push_back(static_cast<std::uint8_t>(value & 0xFFU));
}

// The head of a frame whose PDU (function included) is `pdu_size` bytes long.
void begin(std::vector<std::uint8_t>& out, Framing framing, std::uint16_t transaction, std::uint8_t unit,
           std::size_t pdu_size) {
    if (framing == Framing::tcp) {
        put16(out, transaction);
        put16(out, 0);
        put16(out, static_cast<unsigned>(pdu_size + 1));
    }
    out.push_back(unit);
}

void end(std::vector<std::uint8_t>& out, Framing framing, std::size_t start) {
    if (framing == Framing::tcp) return;
    const unsigned crc = crc16(std::span<const std::uint8_t>(out).subspan(start));
    out.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
    out.push_back(static_cast<std::uint8_t>(crc >> 8U));
}

bool range_ok(std::uint16_t address, std::uint16_t count, std::uint16_t limit) {
    return count >= 1 && count <= limit && address + static_cast<unsigned>(count) <= 0x10000U;
}

bool write_ok(std::uint8_t function, std::uint16_t address, std::uint16_t count, std::size_t size) {
    switch (function) {
        case 5:
            return count == 1 && size == 1;
        case 6:
            return count == 1 && size == 2;
        case 15:
            return range_ok(address, count, max_write_bits) && size == data_size(function, count);
        case 16:
            return range_ok(address, count, max_write_registers) && size == data_size(function, count);
        default:
            return false;
    }
}

// Unused bits of the last byte are sent as 0, whatever the caller left there.
std::uint8_t masked(std::span<const std::uint8_t> data, std::size_t i, std::uint8_t function,
                    std::uint16_t count) {
    const unsigned used = count % 8U;
    if (function != 15 || used == 0 || i + 1 != data.size()) return data[i];
    return static_cast<std::uint8_t>(data[i] & ((1U << used) - 1U));
}

}  // namespace

std::uint16_t crc16(std::span<const std::uint8_t> bytes) noexcept {
    unsigned crc = 0xFFFFU;
    for (const auto byte : bytes)
        crc = (crc >> 8U) ^ crc_table[(crc ^ byte) & 0xFFU];
    return static_cast<std::uint16_t>(crc);
}

std::size_t data_size(std::uint8_t function, std::uint16_t count) noexcept {
    return is_bit_function(function) ? (count + std::size_t{7}) / 8 : std::size_t{count} * 2;
}

wire::Result<void> append_read_request(std::vector<std::uint8_t>& out, Framing framing,
                                       std::uint16_t transaction, std::uint8_t unit, std::uint8_t function,
                                       std::uint16_t address, std::uint16_t count) {
    if (function < 1 || function > 4) return wire::Errc::bad_request;
    if (!range_ok(address, count, is_bit_function(function) ? max_read_bits : max_read_registers)) {
        return wire::Errc::bad_request;
    }
    const auto start = out.size();
    begin(out, framing, transaction, unit, 5);
    out.push_back(function);
    put16(out, address);
    put16(out, count);
    end(out, framing, start);
    return {};
}

wire::Result<void> append_write_request(std::vector<std::uint8_t>& out, Framing framing,
                                        std::uint16_t transaction, std::uint8_t unit, std::uint8_t function,
                                        std::uint16_t address, std::uint16_t count,
                                        std::span<const std::uint8_t> data) {
    if (!write_ok(function, address, count, data.size())) return wire::Errc::bad_request;
    const bool multiple = function >= 15;
    const auto start = out.size();
    begin(out, framing, transaction, unit, multiple ? 6 + data.size() : 5);
    out.push_back(function);
    put16(out, address);
    if (function == 5) {
        put16(out, (data[0] & 1U) != 0 ? 0xFF00U : 0U);
        end(out, framing, start);
        return {};
    }
    if (multiple) {
        put16(out, count);
        out.push_back(static_cast<std::uint8_t>(data.size()));
    }
    for (std::size_t i = 0; i < data.size(); ++i)
        out.push_back(masked(data, i, function, count));
    end(out, framing, start);
    return {};
}

wire::Errc errc_of_exception(std::uint8_t code) noexcept {
    switch (code) {
        case 1:
            return wire::Errc::unsupported;
        case 2:
            return wire::Errc::no_such_point;
        case 3:
            return wire::Errc::bad_value;
        case 5:
        case 6:
            return wire::Errc::busy;
        case 7:
            return wire::Errc::not_permitted;
        case 0x0A:
        case 0x0B:
            return wire::Errc::path_unavailable;
        default:
            return wire::Errc::device_failure;
    }
}

namespace {

using Data = std::span<const std::uint8_t>;

// A difference in what was asked: on RTU a late answer to an earlier request looks so; on TCP the transaction
// already proved that the answer is ours, so the device itself is wrong.
wire::Errc mismatch(Framing framing) {
    return framing == Framing::rtu ? wire::Errc::foreign_answer : wire::Errc::bad_frame;
}

wire::Result<Data> check_pdu(Data pdu, Framing framing, const Expected& expected) {
    if (pdu[0] == (expected.function | 0x80U)) {
        if (pdu.size() != 2) return wire::Errc::bad_frame;
        return errc_of_exception(pdu[1]);
    }
    if (pdu[0] != expected.function) return wire::Errc::foreign_answer;
    if (expected.function >= 1 && expected.function <= 4) {
        if (pdu.size() < 2 || pdu.size() != std::size_t{2} + pdu[1]) return wire::Errc::bad_frame;
        if (pdu[1] != data_size(expected.function, expected.count)) return mismatch(framing);
        return pdu.subspan(2);
    }
    if (pdu.size() != 5) return wire::Errc::bad_frame;
    if (get16(pdu, 1) != expected.address) return mismatch(framing);
    const bool single = expected.function == 5 || expected.function == 6;
    if (!single && get16(pdu, 3) != expected.count) return mismatch(framing);
    if (single && expected.value && get16(pdu, 3) != *expected.value) return mismatch(framing);
    return Data{};
}

bool complete_and_sound(Data buffer, Framing framing, const Length& length) {
    return length.possible && length.known && length.bytes <= buffer.size() &&
           (framing == Framing::tcp || crc_ok(buffer.first(length.bytes)));
}

// Is there, somewhere behind the first byte, the very answer we wait for?
std::size_t find_answer(Data buffer, Framing framing, const Expected& expected) {
    for (std::size_t i = 1; i < buffer.size(); ++i) {
        const auto rest = buffer.subspan(i);
        const auto length = response_length(rest, framing);
        if (!complete_and_sound(rest, framing, length)) continue;
        const auto checked = check_response(rest.first(length.bytes), framing, expected);
        const bool ours = checked || (checked.error() != wire::Errc::bad_frame &&
                                      checked.error() != wire::Errc::foreign_answer);
        if (ours) return i;
    }
    return 0;
}

}  // namespace

wire::Result<Data> check_response(Data frame, Framing framing, const Expected& expected) noexcept {
    const auto envelope = open(frame, framing);
    if (!envelope.why.empty()) return wire::Errc::bad_frame;
    if (framing == Framing::tcp && envelope.transaction != expected.transaction)
        return wire::Errc::foreign_answer;
    if (envelope.unit != expected.unit) return wire::Errc::foreign_answer;
    return check_pdu(envelope.pdu, framing, expected);
}

Split split_response(Data buffer, Framing framing, const Expected& expected) noexcept {
    if (buffer.empty())
        return {Split::State::need_more, framing == Framing::rtu ? std::size_t{5} : std::size_t{9}};
    const auto length = response_length(buffer, framing);
    if (complete_and_sound(buffer, framing, length)) return {Split::State::frame, length.bytes};
    if (const auto answer = find_answer(buffer, framing, expected); answer != 0)
        return {Split::State::noise, answer};
    if (length.possible && length.bytes > buffer.size()) return {Split::State::need_more, length.bytes};
    // Skip to the next byte that could begin a frame.
    for (std::size_t i = 1; i < buffer.size(); ++i) {
        const auto next = response_length(buffer.subspan(i), framing);
        if (next.possible &&
            (next.bytes > buffer.size() - i || complete_and_sound(buffer.subspan(i), framing, next))) {
            return {Split::State::noise, i};
        }
    }
    return {Split::State::noise, buffer.size()};
}

}  // namespace sl::modbus
