// Which lamps a person means: "F1", "L001,L002", "1..20", "F1:3..9", "tag=crossing", "state=fault", "all".
#pragma once

#include "gateway/local/api_context.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sl::local {

// How a lamp is doing, in one word for people and filters.
enum class LampCondition : std::uint8_t { ok, fault, offline, no_power, starting };
std::string_view name(LampCondition condition) noexcept;
LampCondition condition_of(const site::LampState& lamp) noexcept;

struct Selection {
    std::vector<std::size_t> lamps;  // positions in Plant::lamps, ascending, each once
    std::string error;  // not empty: the expression means nothing, and why. A state nobody is in is no error.
};

// Parts separated by commas are united. An empty expression means all lamps.
//   all | lamp id | feeder id | group id
//   N..M            rows of the lamp list, from 1;  FEEDER:N..M  positions along that feeder's cable
//   tag=WORD phase=l1 road=main state=fault pole=ID group=ID feeder=ID model=ID
Selection select_lamps(const site::Config& config, const site::SiteState& state, std::string_view expression);

}  // namespace sl::local
