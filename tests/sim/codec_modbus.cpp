#include "tests/sim/codec_modbus.hpp"

namespace sl::sim {

namespace {

constexpr std::array<std::uint16_t, 256> make_crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0xA001U : crc >> 1;
        table[i] = static_cast<std::uint16_t>(crc);
    }
    return table;
}
constexpr auto crc_table = make_crc_table();

std::uint16_t word(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

bool crc_right(std::span<const std::uint8_t> frame) {
    const std::size_t body = frame.size() - 2;
    const std::uint16_t crc = modbus_crc(frame.first(body));
    return frame[body] == (crc & 0xFF) && frame[body + 1] == crc >> 8;
}

// Length of an RTU request from its first bytes; 0 = not known yet, -1 = only silence tells.
int request_length(std::span<const std::uint8_t> bytes) {
    switch (bytes[1]) {
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
        case 8:
            return 8;
        case 7:
        case 11:
        case 12:
        case 17:
            return 4;
        case 15:
        case 16:
            return bytes.size() < 7 ? 0 : 9 + bytes[6];
        case 22:
            return 10;
        case 23:
            return bytes.size() < 11 ? 0 : 13 + bytes[10];
        default:
            return -1;
    }
}

void refuse(Frame& answer, std::uint8_t function, std::uint8_t code) {
    answer.add(static_cast<std::uint8_t>(function | 0x80));
    answer.add(code);
}

std::uint8_t read_bits(RegisterDevice& device, std::span<const std::uint8_t> pdu, Frame& answer) {
    if (pdu.size() != 5) return exception::value;
    const std::uint16_t count = word(pdu, 3);
    if (count == 0 || count > 2000) return exception::value;
    std::array<bool, 2000> bits{};
    const auto wanted = std::span{bits}.first(count);
    const std::uint8_t code = device.read_bits(pdu[0], word(pdu, 1), wanted);
    if (code != exception::none) return code;
    answer.add(pdu[0]);
    answer.add(static_cast<std::uint8_t>((count + 7) / 8));
    for (std::size_t i = 0; i < count; i += 8) {
        std::uint8_t byte = 0;
        for (std::size_t bit = 0; bit < 8 && i + bit < count; ++bit) {
            if (wanted[i + bit]) byte = static_cast<std::uint8_t>(byte | 1U << bit);
        }
        answer.add(byte);
    }
    return exception::none;
}

std::uint8_t read_words(RegisterDevice& device, std::span<const std::uint8_t> pdu, Frame& answer) {
    if (pdu.size() != 5) return exception::value;
    const std::uint16_t count = word(pdu, 3);
    if (count == 0 || count > 125) return exception::value;
    std::array<std::uint16_t, 125> words{};
    const auto wanted = std::span{words}.first(count);
    const std::uint8_t code = device.read_registers(pdu[0], word(pdu, 1), wanted);
    if (code != exception::none) return code;
    answer.add(pdu[0]);
    answer.add(static_cast<std::uint8_t>(count * 2));
    for (const std::uint16_t value : wanted)
        answer.add16(value);
    return exception::none;
}

std::uint8_t write_one(RegisterDevice& device, std::span<const std::uint8_t> pdu, bool broadcast,
                       Frame& answer) {
    if (pdu.size() != 5) return exception::value;
    const std::uint16_t value = word(pdu, 3);
    std::uint8_t code = exception::none;
    if (pdu[0] == 5) {
        if (value != 0 && value != 0xFF00) return exception::value;
        const bool bit = value != 0;
        code = device.write_bits(word(pdu, 1), {&bit, 1});
    } else {
        code = device.write_registers(word(pdu, 1), {&value, 1}, broadcast);
    }
    if (code != exception::none) return code;
    for (const std::uint8_t byte : pdu)
        answer.add(byte);
    return exception::none;
}

std::uint8_t write_many(RegisterDevice& device, std::span<const std::uint8_t> pdu, bool broadcast,
                        Frame& answer) {
    if (pdu.size() < 6) return exception::value;
    const std::uint16_t count = word(pdu, 3);
    const bool bits = pdu[0] == 15;
    const std::size_t bytes = bits ? (count + 7U) / 8U : count * 2U;
    if (count == 0 || count > (bits ? 1968 : 123) || pdu[5] != bytes || pdu.size() != 6 + bytes) {
        return exception::value;
    }
    std::uint8_t code = exception::none;
    if (bits) {
        std::array<bool, 1968> values{};
        for (std::size_t i = 0; i < count; ++i)
            values[i] = (pdu[6 + i / 8] >> (i % 8) & 1) != 0;
        code = device.write_bits(word(pdu, 1), std::span{values}.first(count));
    } else {
        std::array<std::uint16_t, 123> values{};
        for (std::size_t i = 0; i < count; ++i)
            values[i] = word(pdu, 6 + 2 * i);
        code = device.write_registers(word(pdu, 1), std::span{values}.first(count), broadcast);
    }
    if (code != exception::none) return code;
    for (const std::uint8_t byte : pdu.first(5))
        answer.add(byte);
    return exception::none;
}

}  // namespace

std::uint8_t RegisterDevice::read_registers(int, std::uint16_t, std::span<std::uint16_t>) {
    return exception::function;
}
std::uint8_t RegisterDevice::write_registers(std::uint16_t, std::span<const std::uint16_t>, bool) {
    return exception::function;
}
std::uint8_t RegisterDevice::read_bits(int, std::uint16_t, std::span<bool>) {
    return exception::function;
}
std::uint8_t RegisterDevice::write_bits(std::uint16_t, std::span<const bool>) {
    return exception::function;
}

std::uint16_t modbus_crc(std::span<const std::uint8_t> bytes) {
    std::uint32_t crc = 0xFFFF;
    for (const std::uint8_t byte : bytes)
        crc = crc >> 8 ^ crc_table[(crc ^ byte) & 0xFF];
    return static_cast<std::uint16_t>(crc);
}

Scanned scan_rtu(std::span<const std::uint8_t> bytes, bool silence) {
    if (bytes.empty() || bytes[0] > 247) return {Scan::garbage, 0};
    const Scan unfinished = silence ? Scan::garbage : Scan::need_more;
    if (bytes.size() < 2) return {unfinished, 0};
    const int length = request_length(bytes);
    if (length == 0) return {unfinished, 0};
    if (length < 0) {
        if (!silence) return {Scan::need_more, 0};
        const bool whole = bytes.size() >= 4 && bytes.size() <= 256 && crc_right(bytes);
        return {whole ? Scan::frame : Scan::garbage, bytes.size()};
    }
    const auto size = static_cast<std::size_t>(length);
    if (size > 256) return {Scan::garbage, 0};
    if (bytes.size() < size) return {unfinished, 0};
    return {crc_right(bytes.first(size)) ? Scan::frame : Scan::garbage, size};
}

void serve(RegisterDevice& device, std::span<const std::uint8_t> pdu, bool broadcast, Frame& answer) {
    std::uint8_t code = exception::function;
    switch (pdu[0]) {
        case 1:
        case 2:
            code = read_bits(device, pdu, answer);
            break;
        case 3:
        case 4:
            code = read_words(device, pdu, answer);
            break;
        case 5:
        case 6:
            code = write_one(device, pdu, broadcast, answer);
            break;
        case 15:
        case 16:
            code = write_many(device, pdu, broadcast, answer);
            break;
        default:
            break;
    }
    if (code != exception::none) refuse(answer, pdu[0], code);
}

bool is_write(std::uint8_t function) {
    return function == 5 || function == 6 || function == 15 || function == 16;
}

}  // namespace sl::sim
