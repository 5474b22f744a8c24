// Builds everything from the configuration, owns it, and obeys the control socket.
#pragma once

#include "tests/sim/config.hpp"
#include "tests/sim/dali_gateway.hpp"
#include "tests/sim/io_unit.hpp"
#include "tests/sim/lamp_unit.hpp"
#include "tests/sim/line.hpp"
#include "tests/sim/meter_unit.hpp"
#include "tests/sim/ports.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sl::sim {

class Field {
  public:
    Field(Clock& clock, Loop& loop, const FieldConfig& config);

    // One command in, one line of JSON out.
    std::string command(const std::string& line);
    std::map<std::string, std::string> where() const;  // line -> device
    std::string ready_json() const;
    void start();  // the tick

  private:
    using Words = std::vector<std::string>;
    struct Wire {
        std::unique_ptr<Line> line;
        std::unique_ptr<Port> port;
    };
    struct NamedMeter {
        std::unique_ptr<Meter> meter;
        std::unique_ptr<Dlt645Meter> dlt645;
        std::unique_ptr<Sdm630Meter> sdm630;
        std::string line, address;
    };

    void build_lines(const FieldConfig& config);
    void build_cabinet(const FieldConfig& config);
    void build_module(const ModuleConfig& module);
    void build_meter(const MeterConfig& config);
    void build_lamps(const FieldConfig& config);
    void tick();

    Wire& wire(const std::string& id);
    Unit& unit(const std::string& line, const std::string& unit);
    LampHead& head(const std::string& id);
    std::size_t feeder_index(const std::string& id) const;

    std::string dispatch(const Words& words);
    std::string lamp_json(const std::string& id);
    std::string lamps_json();
    std::string feeders_json();
    std::string meters_json();
    std::string modules_json();
    std::string stats_json();
    std::string energy_json();
    std::string frames_json(const std::string& line, const std::string& unit);
    std::string history_json(const std::string& id);
    std::string time_json() const;
    void fault(const Words& words);
    void fault_lamp(const Words& words);
    void fault_answer(const Words& words);
    void fault_cable(const Words& words);
    void fault_phase(const Words& words);
    void foreign(const Words& words);
    void repeat_foreign(const std::string& line, std::vector<std::uint8_t> bytes, double every_ms,
                        std::uint64_t epoch);

    Clock& clock_;
    Loop& loop_;
    World world_;
    std::map<std::string, Wire> wires_;
    std::map<std::string, std::unique_ptr<LampUnit>> lamp_units_;  // "line:unit"
    std::map<std::string, std::string> unit_of_lamp_;              // "L001" -> "line:unit"
    std::map<std::string, std::unique_ptr<DaliGateway>> dali_gateways_;
    std::map<std::string, std::unique_ptr<DaliGear>> gears_;  // by lamp
    std::map<std::string, std::unique_ptr<IoUnit>> modules_;
    std::map<std::string, std::vector<std::string>> input_names_;
    std::map<std::string, NamedMeter> meters_;
    std::uint64_t foreign_epoch_ = 0;
};

}  // namespace sl::sim
