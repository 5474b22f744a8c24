// What stands on the street and in the cabinet. Plain data from the configuration; identities never change at
// run time.
#pragma once

#include "gateway/site/level.hpp"
#include "gateway/site/quantity.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sl::site {

// A line: one serial port or one TCP connection with devices on it.
struct Line {
    std::string id;
    std::string device;      // "/dev/ttyS1" or "tcp://10.0.0.5:502"
    std::string protocol;    // default for the devices on it
    std::uint32_t baud = 0;  // 0 = the protocol's default
    std::string format;      // "8N1"; empty = the protocol's default
    std::optional<std::chrono::milliseconds> timeout, gap;
    int retries = 2;
    bool rs485 = false;  // ask the kernel driver to steer the direction pin
    bool echo = false;   // the line echoes what we send
};

enum class FeederKind : std::uint8_t { switched, always };
// What an output does when the gateway is dead (lighting-safety rule 4).
enum class DeadState : std::uint8_t { off, on, astro_timer };

struct Feeder {
    std::string id, name;
    FeederKind kind = FeederKind::switched;
    std::string contactor;  // empty for an always-live feeder
    std::string meter;
    std::vector<Phase> phases;
    double other_loads_w = 0.0;     // cameras, signals on the same cable
    std::optional<Level> failsafe;  // level its lamps fall back to; no silent default
    std::chrono::seconds failsafe_after{600};
    std::chrono::seconds open_delay{5};
};

// An output of an I/O module that drives a contactor.
struct Contactor {
    std::string id, name;
    std::string module;        // device id of the I/O module
    std::uint8_t channel = 1;  // relay number on the module, from 1
    std::string aux_module;    // where its auxiliary contact is read; empty = none
    std::uint8_t aux_channel = 0;
    bool aux_normally_open = true;
    DeadState dead_state = DeadState::off;
    std::chrono::seconds min_on{60}, min_off{60};
    int max_operations_per_hour = 12;
};

enum class InputRole : std::uint8_t { report, local_manual, door, leakage_trip };
struct Input {
    std::string id, name;
    std::string module;
    std::uint8_t channel = 1;
    bool inverted = false;
    std::chrono::milliseconds debounce{200};
    InputRole role = InputRole::report;
};

// A meter or an I/O module: one addressed device on a line.
struct Device {
    std::string id, name;
    std::string line, model, protocol;  // protocol empty = the model's
    std::string address;                // as written; the protocol parses it
    std::uint32_t baud = 0;             // differing from the line's; 0 = same
    std::string format;
    std::string serial;
    std::chrono::milliseconds poll{60'000};
    int ct_ratio = 1;                  // meters: multiplies current, power and energy
    std::chrono::seconds watchdog{0};  // I/O modules with a safety timer: what to write; 0 = leave alone
};

enum class RoadClass : std::uint8_t { express, main, secondary, branch, residential, other };

// One lamp head. The id is a place (pole and head) and is never recycled.
struct Lamp {
    std::string id;
    std::string name;
    std::string pole;
    std::uint8_t head = 1;  // channel of the controller
    std::string line, address, model, protocol;
    std::string feeder;
    Phase phase = Phase::none;
    std::uint32_t order = 0;  // position along the cable from the cabinet, from 1
    std::uint32_t branch = 0;
    std::string lamp_class;  // luminaire type for energy classes
    double rated_w = 0.0;
    RoadClass road_class = RoadClass::other;
    std::vector<std::string> tags;
    std::optional<double> latitude, longitude;
    std::string serial, installed;
};

struct Plant {
    std::vector<Line> lines;
    std::vector<Device> meters, modules;
    std::vector<Contactor> contactors;
    std::vector<Input> inputs;
    std::vector<Feeder> feeders;
    std::vector<Lamp> lamps;
};

}  // namespace sl::site
