// The system's time zone database behind site::Zone.
#pragma once

#include "gateway/site/time.hpp"

#include <memory>
#include <string_view>

namespace sl::platform {

// Throws std::runtime_error naming the zone when the system does not know it.
std::unique_ptr<site::Zone> load_zone(std::string_view name);

}  // namespace sl::platform
