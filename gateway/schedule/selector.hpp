// Which lamps a selector means.
#pragma once

#include "gateway/site/plan.hpp"
#include "gateway/site/plant.hpp"

#include <optional>
#include <string_view>

namespace sl::schedule {

// Trailing integer of a pole's text: "迎宾西街北15" -> 15, "F1-007" -> 7; nullopt without one.
std::optional<int> pole_number(std::string_view pole) noexcept;

// Values: lamps and feeder take ids, tag takes tags, phase "l1".."l3" or "L1", road_class the words of
// lamps.csv ("express", "main", "secondary", "branch", "residential", "other").
bool selects(const site::Selector& selector, const site::Lamp& lamp);

}  // namespace sl::schedule
