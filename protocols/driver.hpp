// What every field protocol offers to the device layer. One driver serves one line; the line's Bus decides
// whose exchange goes first. A driver moves raw bytes: what they mean is said by the device model.
#pragma once

#include "protocols/wire/error.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace sl {

// Order of service on a line, highest first.
enum class Priority : std::uint8_t { command, schedule, reread, poll };

enum class Parity : std::uint8_t { none, even, odd };

// Character format of a serial line; ignored on TCP.
struct LineFormat {
    std::uint32_t baud = 9600;
    std::uint8_t data_bits = 8;
    Parity parity = Parity::none;
    std::uint8_t stop_bits = 1;
    friend bool operator==(const LineFormat&, const LineFormat&) = default;
};

// Where a device sits on its line.
struct UnitAddress {
    std::uint64_t number =
        0;  // Modbus unit 1..247; DL/T 645 address as its 12 decimal digits; DALI: unit of the gateway
    std::uint8_t sub = 0;  // DALI short address 0..63 behind that gateway; 0 elsewhere
    friend bool operator==(const UnitAddress&, const UnitAddress&) = default;
};

// One device on a line with all that an exchange with it needs. Several formats may share one line.
struct Unit {
    Unit() = default;
    UnitAddress address;
    LineFormat format;
    std::chrono::milliseconds timeout{300};   // from the last byte sent to the first byte of the answer
    std::chrono::milliseconds turnaround{0};  // extra silence this device wants before the next request
    int retries = 2;                          // further attempts when the error says retry
};

// One contiguous thing to read or write.
//   Modbus:   table = 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers (the read function);
//   address and
//             count in registers or bits. Data: registers big-endian as on the wire; bits packed, lowest
//             address in bit 0.
//   DL/T 645: table = 0, address = DI (DI3..DI0 as printed, 0x00010000), count ignored. Data: bytes in wire
//   order (lowest
//             first) after the 0x33 offset is taken off, without the DI.
//   DALI:     table = 0 arc power level (write) / query (read), address = query opcode (0xA0 actual level,
//   0x90 status).
//             Data: one byte.
struct Item {
    std::uint32_t table = 0;
    std::uint32_t address = 0;
    std::uint16_t count = 1;
    friend bool operator==(const Item&, const Item&) = default;
};

using Bytes = std::vector<std::uint8_t>;

// Local civil time as meters want it.
struct CivilTime {
    int year = 2000, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

class Driver {
  public:
    Driver() = default;
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    virtual ~Driver() = default;

    // Reads one item. The unit must outlive the call. Retries are done inside, between the caller's call and
    // its answer; an exchange of a higher priority may run between two attempts.
    virtual boost::asio::awaitable<wire::Result<Bytes>> read(const Unit& unit, Item item,
                                                             Priority priority) = 0;

    // Writes one item and waits for the device's acknowledgement. `data` must outlive the call.
    virtual boost::asio::awaitable<wire::Result<void>> write(const Unit& unit, Item item,
                                                             std::span<const std::uint8_t> data,
                                                             Priority priority) = 0;

    // Writes one item to every device of this protocol that shares `via`'s line and format. No
    // acknowledgement exists. bad_request where the protocol has no broadcast.
    virtual boost::asio::awaitable<wire::Result<void>> broadcast(const Unit& via, Item item,
                                                                 std::span<const std::uint8_t> data,
                                                                 Priority priority) = 0;

    // Answers whether anybody is there, in the protocol's cheapest harmless way.
    virtual boost::asio::awaitable<wire::Result<void>> probe(const Unit& unit, Priority priority) = 0;

    // Sets all clocks on the line by broadcast. bad_request where the protocol has no such frame.
    virtual boost::asio::awaitable<wire::Result<void>> broadcast_time(const Unit& via, CivilTime local,
                                                                      Priority priority) = 0;
};

}  // namespace sl
