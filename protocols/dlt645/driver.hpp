// DL/T 645-2007 conversations: read with follow-on frames, read address, broadcast time.
#pragma once

#include "protocols/driver.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sl::wire {
class Bus;
}

namespace sl::dlt645 {

// UnitAddress::number of a line with one meter, whatever its address is; no twelve decimal digits give it.
inline constexpr std::uint64_t any_number = 0xAAAAAAAAAAAA;

// An answer is at most this many frames long; a meter that still says "more follows" then is broken.
inline constexpr int max_frames = 16;

// Item.table 0 reads the data item Item.address; table 1 reads the meter's address (six bytes, A0 first).
// Writing needs a password and may move a mains relay: it is not offered.
std::unique_ptr<Driver> make_driver(wire::Bus& bus);

// Up to twelve decimal digits as printed on the meter, or AAAAAAAAAAAA.
std::optional<UnitAddress> parse_address(std::string_view text, std::string& why);

}  // namespace sl::dlt645
