// Modbus as a server sees it: where a request ends on a serial line, and what a device answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sl::sim {

enum class Scan : std::uint8_t { frame, need_more, garbage };
struct Scanned {
    Scan what = Scan::garbage;
    std::size_t length = 0;
};

namespace exception {
inline constexpr std::uint8_t none = 0, function = 1, address = 2, value = 3, failure = 4;
}

// A device with registers. Every function answers an exception code, `none` when all went well; a refused
// write changes nothing.
class RegisterDevice {
  public:
    RegisterDevice() = default;
    RegisterDevice(const RegisterDevice&) = delete;
    RegisterDevice& operator=(const RegisterDevice&) = delete;
    virtual ~RegisterDevice() = default;

    // Powered, booted and not broken: a silent device hears nothing either.
    virtual bool alive() const = 0;
    // A request with a right checksum came for this device or for all.
    virtual void heard() {}
    // table: 3 holding, 4 input.
    virtual std::uint8_t read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out);
    virtual std::uint8_t write_registers(std::uint16_t address, std::span<const std::uint16_t> values,
                                         bool broadcast);
    // table: 1 coils, 2 discrete inputs.
    virtual std::uint8_t read_bits(int table, std::uint16_t address, std::span<bool> out);
    virtual std::uint8_t write_bits(std::uint16_t address, std::span<const bool> values);
};

std::uint16_t modbus_crc(std::span<const std::uint8_t> bytes);

// Does a request start at the first byte? With `silence` no more bytes will come: what is incomplete is
// garbage then, and a frame of an unknown function is recognised by its checksum alone.
Scanned scan_rtu(std::span<const std::uint8_t> bytes, bool silence);

// Room for unit, PDU and checksum.
struct Frame {
    std::array<std::uint8_t, 264> bytes{};
    std::size_t size = 0;
    void add(std::uint8_t byte) { bytes[size++] = byte; }
    void add16(std::uint16_t word) {
        add(static_cast<std::uint8_t>(word >> 8));
        add(static_cast<std::uint8_t>(word & 0xFF));
    }
    std::span<const std::uint8_t> view() const { return {bytes.data(), size}; }
};

// Carries out a PDU (function code and data) and appends the answer's PDU.
void serve(RegisterDevice& device, std::span<const std::uint8_t> pdu, bool broadcast, Frame& answer);

bool is_write(std::uint8_t function);

}  // namespace sl::sim
