// Pieces that several views write.
#pragma once

#include "gateway/json/writer.hpp"
#include "gateway/local/api_context.hpp"
#include "gateway/local/select.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sl::local {

void write_time(json::Writer& out, std::string_view key, const std::optional<site::SiteTime>& t,
                const ApiContext& api);
// A value that is trusted now, else null.
void write_value(json::Writer& out, std::string_view key, const site::Value& value, int decimals);

// How the lamps of a set are doing.
struct LampCounts {
    std::size_t total = 0, lit = 0;
    std::array<std::size_t, 5> by_condition{};  // indexed by LampCondition
    double power_w = 0.0;                       // of those that report it
    std::optional<int> level_min, level_max;    // wanted
    std::size_t operator[](LampCondition c) const { return by_condition[static_cast<std::size_t>(c)]; }
};
// Of one feeder, or of all when `feeder` is empty.
LampCounts count_lamps(const ApiContext& api, std::string_view feeder);
void write_counts(json::Writer& out, const LampCounts& counts);

// What flows into a feeder: by its meter when that measures nothing else, else the sum of its lamps.
struct FeederPower {
    double watts = 0.0;
    bool metered = false;
    const site::MeterState* meter = nullptr;  // its own meter
};
FeederPower feeder_power(const ApiContext& api, const site::Feeder& feeder, const LampCounts& counts);

void write_feeder(json::Writer& out, const ApiContext& api, std::size_t feeder);

}  // namespace sl::local
