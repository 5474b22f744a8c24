// The live table of the site: the last value of everything, with time and quality. One per process, on the
// reactor thread. Indices are positions in Plant's vectors and stay fixed while a configuration is in force.
#pragma once

#include "gateway/site/command.hpp"
#include "gateway/site/level.hpp"
#include "gateway/site/quantity.hpp"
#include "gateway/site/time.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sl::site {

// One value with its own time. Energy and counters are exact: `value` holds integers up to 2^53.
struct Value {
    double value = 0.0;
    SiteTime at;
    Quality quality = Quality::unknown;
    bool ok() const noexcept { return quality == Quality::ok; }
};

// What a device model decoded out of one exchange.
struct Reading {
    Quantity quantity = Quantity::power_w;
    Phase phase = Phase::none;
    std::uint8_t head = 0;
    Quality quality = Quality::ok;
    double value = 0.0;
    SiteTime at;
};

struct LampState {
    std::array<Value, static_cast<std::size_t>(Quantity::count_)> values;
    bool online = false;
    bool powered = true;  // its feeder is energised and boot_s has passed
    int misses = 0;
    SiteTime last_answer;
    std::uint32_t faults = 0;  // set of FaultBit
    // Wanted, by the program or an override, and how far it got.
    std::optional<Level> target;  // nullopt before the first decision
    Source source = Source::default_;
    int confirmed = 0;  // 0 assumed, 1 acknowledged, 2 verified
    Value& operator[](Quantity q) { return values[static_cast<std::size_t>(q)]; }
    const Value& operator[](Quantity q) const { return values[static_cast<std::size_t>(q)]; }
};

struct MeterState {
    // By quantity and phase; phases are none, l1, l2, l3, n.
    std::array<std::array<Value, 5>, static_cast<std::size_t>(Quantity::count_)> values;
    bool online = false;
    int misses = 0;
    SiteTime last_answer;
    Value& at(Quantity q, Phase p = Phase::none) {
        return values[static_cast<std::size_t>(q)][static_cast<std::size_t>(p)];
    }
    const Value& at(Quantity q, Phase p = Phase::none) const {
        return values[static_cast<std::size_t>(q)][static_cast<std::size_t>(p)];
    }
};

struct ContactorState {
    bool commanded = false;
    std::optional<bool> reported;  // coil as the module reads it back
    SiteTime reported_at;
    std::optional<bool> aux;  // auxiliary contact: closed?
    SiteTime aux_at;
    SiteTime changed;  // last operation commanded
    std::uint32_t operations = 0;
};

struct FeederState {
    bool energised = false;
    SiteTime energised_since;
    bool wanted = false;
    bool held_off = false;  // a person's hold: never re-closes by itself
    Source source = Source::default_;
};

struct InputState {
    std::optional<bool> active;
    SiteTime since;
    std::optional<SiteTime> candidate;  // a change seen, not yet for the debounce time
};

struct ModuleState {
    bool online = false;
    int misses = 0;
    SiteTime last_answer;
};

struct SiteState {
    std::vector<LampState> lamps;
    std::vector<MeterState> meters;
    std::vector<ModuleState> modules;
    std::vector<ContactorState> contactors;
    std::vector<FeederState> feeders;
    std::vector<InputState> inputs;
};

}  // namespace sl::site
