#include "protocols/registry.hpp"

#include "protocols/dali/driver.hpp"
#include "protocols/dlt645/driver.hpp"
#include "protocols/modbus/driver.hpp"

#include <array>

namespace sl {
namespace {

std::unique_ptr<Driver> make_rtu(wire::Bus& bus) {
    return modbus::make_driver(bus, modbus::Framing::rtu);
}
std::unique_ptr<Driver> make_tcp(wire::Bus& bus) {
    return modbus::make_driver(bus, modbus::Framing::tcp);
}

constexpr LineFormat n81{9600, 8, Parity::none, 1};
constexpr LineFormat even81{2400, 8, Parity::even, 1};

constexpr std::array<Protocol, 4> table{{
    {"modbus-rtu", n81, make_rtu, modbus::parse_address},
    {"modbus-tcp", n81, make_tcp, modbus::parse_address},
    {"dlt645-2007", even81, dlt645::make_driver, dlt645::parse_address},
    {"dali-ecodim", n81, dali::make_driver, dali::parse_address},
}};

}  // namespace

std::span<const Protocol> protocols() noexcept {
    return table;
}

const Protocol* find_protocol(std::string_view name) noexcept {
    for (const auto& row : table) {
        if (row.name == name) {
            return &row;
        }
    }
    return nullptr;
}

}  // namespace sl
