// Modbus conversations on a bus: RTU on a serial line (or a serial server), TCP on a connection.
#pragma once

#include "protocols/driver.hpp"
#include "protocols/modbus/frame.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sl::wire {
class Bus;
}

namespace sl::modbus {

// Item.table is the read function 1..4. Writing table 1 uses function 5 for one coil and 15 for more, table 3
// function 6 for one register and 16 for more; a table of 5, 6, 15 or 16 names the function itself, for
// devices that know only one of the two.
std::unique_ptr<Driver> make_driver(wire::Bus& bus, Framing framing);

// "1".."247".
std::optional<UnitAddress> parse_address(std::string_view text, std::string& why);

}  // namespace sl::modbus
