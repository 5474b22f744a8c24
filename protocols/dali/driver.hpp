// DALI lamps behind an ECOdim DALI GW2, a gateway that speaks Modbus RTU.
//
// Published (the register template of this gateway in Wiren Board's wb-mqtt-serial; holding registers):
//   24  "Last Command Status", read only      25  "DALI Command", write only, 16-bit forward frame
//   26  "Device Answer", read only            29  "DALI Bus Status": 0 = in order
// Assumed, because no public text gives it (change it here, nowhere else):
//   - the forward frame stands in register 25 with its address byte high;
//   - the meaning of the values of register 24, see Gw2Status;
//   - an answer is the low byte of register 26, and it is kept until the next command;
//   - the gateway acknowledges a command only after the DALI frame and its answer window have passed. If a
//   real one
//     acknowledges earlier, give its model a turnaround of 50 ms: that is longer than both.
#pragma once

#include "protocols/driver.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sl::wire {
class Bus;
}

namespace sl::dali {

inline constexpr std::uint16_t gw2_status_register = 24, gw2_command_register = 25, gw2_answer_register = 26;

// Assumed; every other value counts as a failure of the DALI side.
enum class Gw2Status : std::uint16_t {
    silent = 0,     // nobody answered
    answered = 1,   // one answer
    collision = 2,  // several gear answered at once, or the answer was damaged
};

// Item.table 0: write = arc power level 0..254, read = query with opcode Item.address. The data is one byte.
// A query that is answered with yes or no by speaking or not gives 0xFF or 0; any other that nobody answers
// is a timeout. Broadcast reaches the lamps behind the gateway of `via` only: several gateways on one line
// are addressed one by one.
std::unique_ptr<Driver> make_driver(wire::Bus& bus);

// "12/5": Modbus unit of the gateway, DALI short address 0..63.
std::optional<UnitAddress> parse_address(std::string_view text, std::string& why);

}  // namespace sl::dali
