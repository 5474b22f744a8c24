// What stands where and how to read it: the retained meta pages of contract section 2.
#pragma once

#include "gateway/northbound/rows.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/config.hpp"

#include <span>
#include <string>
#include <vector>

namespace sl::northbound {

// Bodies of the pages. The first tells of the cabinet, columns, units and rights; lamps follow, at most 100 a
// page and none larger than the limit allows. The caller raises meta_rev when the pages differ from the last.
std::vector<std::string> meta_pages(const site::Config& config, std::span<const site::Op> executable,
                                    BodyLimits limits);

}  // namespace sl::northbound
