// The sun of a range of days, as a table for people and as JSON; the same for the API and the command line.
#pragma once

#include "gateway/schedule/sun_table.hpp"

#include <span>
#include <string>

namespace sl::local {

std::string sun_json(std::span<const schedule::SunDay> days, schedule::GeoPoint place,
                     const site::Zone& zone);

}  // namespace sl::local
