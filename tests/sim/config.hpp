// What is simulated, as plain values: read from a TOML file or made by the generator.
#pragma once

#include "tests/sim/clock.hpp"
#include "tests/sim/line.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sl::sim {

struct ContactorConfig {
    std::string id;
    double close_s = 0.06, open_s = 0.03;
};

struct FeederConfig {
    std::string id;
    std::string contactor;  // empty: always live
    double other_loads_w = 0.0;
};

enum class MeterKind : std::uint8_t { dlt645, sdm630 };

struct MeterConfig {
    std::string id, line;
    MeterKind kind = MeterKind::dlt645;
    std::string address;  // 12 digits, or the Modbus unit
    std::vector<std::string> feeders;
    double standby_w = 6.0, initial_kwh = 0.0, clock_error_s = 0.0;
    int ct_ratio = 1, preamble = 4;
    std::size_t reply_limit = 200;
    std::map<std::string, std::string> fixed;  // DI -> data, both in hex
};

struct ModuleConfig {
    std::string id, line;
    std::uint8_t unit = 20;
    std::vector<std::string> outputs;  // contactor ids, "" = nothing connected
    std::vector<std::string> inputs;   // "aux:K1", "!aux:K1", or a name of its own: "door"
    bool safe_state = false;
};

struct DaliGatewayConfig {
    std::string id, line;
    std::uint8_t unit = 200;
};

struct LampConfig {
    std::string id, feeder;
    double watts = 100.0, initial_wh = 0.0;
    int phase = 0, order = 1;
    std::string line;          // of the controller
    std::uint8_t unit = 1;     // Modbus unit of the controller
    std::uint8_t head = 1;     // 1 or 2
    std::string dali_gateway;  // behind this one instead
    std::uint8_t short_address = 0;
    double boot_s = 5.0, fade_s = 0.0;
    int failsafe_level = 100, failsafe_after_s = 600;
};

struct FieldConfig {
    std::optional<Instant> start;
    double speed = 1.0, loss_pct = 1.5, ambient_c = 10.0;
    std::string control;  // path of the control socket, empty = none
    std::vector<LineSpec> lines;
    std::vector<ContactorConfig> contactors;
    std::vector<FeederConfig> feeders;
    std::vector<MeterConfig> meters;
    std::vector<ModuleConfig> modules;
    std::vector<DaliGatewayConfig> dali_gateways;
    std::vector<LampConfig> lamps;
    std::vector<std::string> faults;  // commands carried out at the start: "fault lamp L003 dead"
};

bool known_format(const std::string& format);  // of a serial character

// Throws std::runtime_error saying file, line and what is wrong.
FieldConfig read_config(const std::string& path);

struct Generate {
    int lamps = 60, feeders = 2, heads = 1, dali = 0;
    int tcp_lines = 0, base_port = 0;
    std::string dir;  // ptys, control socket and written configuration
    double watts = 100.0, boot_s = 5.0;
    unsigned baud = 9600;
    std::string format = "8N1";  // of the lamps' and modules' lines
    bool pace = false, shared_line = false, sdm630 = false;
};
FieldConfig generate(const Generate& wish);

// Writes gateway.toml and lamps.csv for exactly this field into `dir`; `where` maps a line to its device. An
// empty `mqtt_url` leaves [mqtt] out.
void write_gateway_config(const FieldConfig& field, const std::map<std::string, std::string>& where,
                          const std::string& dir, const std::string& mqtt_url);

std::vector<std::uint8_t> bytes_from_hex(const std::string& text);

}  // namespace sl::sim
