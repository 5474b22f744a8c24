#pragma once

#include "gateway/settings/reader.hpp"
#include "gateway/site/model.hpp"

namespace sl::settings {

// "0.1" -> 1/10, "10" -> 10/1, "1/3", "1e-05": exact, in lowest terms; nothing for zero.
std::optional<site::Scale> parse_scale(std::string_view text);

void read_point(Reader& in, site::Point& out, std::string_view protocol, int heads);

}  // namespace sl::settings
