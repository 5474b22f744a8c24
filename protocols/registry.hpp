// The one table of field protocols: the name in the configuration -> how to make its driver and read its
// addresses.
#pragma once

#include "protocols/driver.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sl::wire {
class Bus;
}

namespace sl {

struct Protocol {
    std::string_view name;      // "modbus-rtu", "modbus-tcp", "dlt645-2007", "dali-ecodim"
    LineFormat default_format;  // what such devices leave the factory with
    std::unique_ptr<Driver> (*make)(wire::Bus& bus);
    // Parses an address as written in the configuration; on failure `why` says what was expected.
    std::optional<UnitAddress> (*parse_address)(std::string_view text, std::string& why);
};

std::span<const Protocol> protocols() noexcept;
const Protocol* find_protocol(std::string_view name) noexcept;

}  // namespace sl
