// The answers of the local API as JSON. Pure: what the context says now, written down. Times are ISO 8601 in
// the site's zone; powers are W, energies integer Wh; null is "not available".
#pragma once

#include "gateway/local/api_context.hpp"
#include "gateway/local/select.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sl::local {

std::string error_json(std::string_view code, std::string_view message, std::string_view hint);

std::string status_json(const ApiContext& api);
std::string alarms_json(const ApiContext& api);
std::string outbox_json(const ApiContext& api);
std::string energy_json(const ApiContext& api);
std::string lines_json(const ApiContext& api);

std::string lamps_json(const ApiContext& api, const Selection& selection);
std::string lamp_json(const ApiContext& api, std::size_t lamp);  // everything known of one lamp
std::string feeders_json(const ApiContext& api);
std::string meters_json(const ApiContext& api);
std::string contactors_json(const ApiContext& api);
std::string inputs_json(const ApiContext& api);

}  // namespace sl::local
