// What history.db holds, as plain values.
#pragma once

#include "gateway/site/quantity.hpp"
#include "gateway/site/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace sl::store {

struct HistoryReading {
    site::SiteTime at;
    std::string object;
    site::Quantity quantity = site::Quantity::power_w;
    double value = 0.0;
    site::Quality quality = site::Quality::ok;
};

// One interval of energy as it was reported; the words are those of the contract.
struct HistoryInterval {
    site::SiteTime from, to;
    std::string object;
    std::int64_t wh = 0;
    std::string register_from, register_to;
    std::string method;
    int coverage_pct = 100;
    std::uint32_t flags = 0;
};

struct JournalEntry {
    site::SiteTime at;
    std::string kind;    // "input", "decision", "switching"
    std::string object;  // id of the lamp, feeder, input
    std::string text;
};

struct HistoryQuery {
    site::SiteTime from, to;  // [from, to)
    std::string object;       // empty = all
    std::size_t limit = 1'000;
};

}  // namespace sl::store
