#include "tests/sim/field.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace sl::sim {

namespace {
constexpr std::int64_t tick_ns = 20'000'000;
}

Field::Field(Clock& clock, Loop& loop, const FieldConfig& config)
    : clock_(clock), loop_(loop), world_(loop.now(), clock.offset_s()) {
    world_.loss_pct = config.loss_pct;
    world_.ambient_c = config.ambient_c;
    build_lines(config);
    build_cabinet(config);
    build_lamps(config);
    for (const MeterConfig& meter : config.meters)
        build_meter(meter);
    world_.step();
    for (auto& [id, wire] : wires_)
        wire.port = make_port(loop_, *wire.line);
    for (const std::string& fault : config.faults) {
        const std::string answer = command(fault);
        if (answer.find("\"ok\":true") == std::string::npos) throw std::runtime_error(fault + ": " + answer);
    }
}

Field::Wire& Field::wire(const std::string& id) {
    const auto found = wires_.find(id);
    if (found == wires_.end()) throw std::runtime_error(fmt::format("no line \"{}\"", id));
    return found->second;
}

std::size_t Field::feeder_index(const std::string& id) const {
    auto& feeders = const_cast<World&>(world_).feeders();
    for (std::size_t i = 0; i < feeders.size(); ++i) {
        if (feeders[i].id == id) return i;
    }
    throw std::runtime_error(fmt::format("no feeder \"{}\"", id));
}

void Field::build_lines(const FieldConfig& config) {
    for (const LineSpec& spec : config.lines) {
        if (wires_.count(spec.id) != 0) throw std::runtime_error("two lines \"" + spec.id + "\"");
        wires_[spec.id].line = std::make_unique<Line>(loop_, spec);
    }
}

void Field::build_cabinet(const FieldConfig& config) {
    for (const ContactorConfig& contactor : config.contactors) {
        Contactor made;
        made.id = contactor.id;
        made.close_s = contactor.close_s;
        made.open_s = contactor.open_s;
        world_.add_contactor(made);
    }
    for (const FeederConfig& feeder : config.feeders) {
        Feeder made;
        made.id = feeder.id;
        made.other_loads_w = feeder.other_loads_w;
        if (!feeder.contactor.empty()) {
            const Contactor* contactor = world_.find_contactor(feeder.contactor);
            if (contactor == nullptr) throw std::runtime_error("no contactor \"" + feeder.contactor + "\"");
            made.contactor = static_cast<std::size_t>(contactor - world_.contactors().data());
        }
        world_.add_feeder(made);
    }
    for (const ModuleConfig& module : config.modules)
        build_module(module);
}

void Field::build_module(const ModuleConfig& module) {
    const auto contactor_index = [this](const std::string& id) {
        const Contactor* contactor = world_.find_contactor(id);
        if (contactor == nullptr) throw std::runtime_error("no contactor \"" + id + "\"");
        return static_cast<std::size_t>(contactor - world_.contactors().data());
    };
    IoUnitSpec spec;
    spec.safe_state = module.safe_state;
    for (const std::string& output : module.outputs) {
        spec.outputs.push_back(output.empty() ? std::nullopt : std::optional{contactor_index(output)});
    }
    for (const std::string& input : module.inputs) {
        InputSpec made;
        made.inverted = input.starts_with('!');
        const std::string name = made.inverted ? input.substr(1) : input;
        if (name.starts_with("aux:")) made.aux_of = contactor_index(name.substr(4));
        spec.inputs.push_back(made);
        input_names_[module.id].push_back(name);
    }
    auto& made = modules_[module.id] = std::make_unique<IoUnit>(world_, std::move(spec));
    wire(module.line).line->add(module.unit, *made);
}

void Field::build_meter(const MeterConfig& config) {
    MeterSpec spec;
    spec.id = config.id;
    spec.standby_w = config.standby_w;
    spec.initial_kwh = config.initial_kwh;
    spec.ct_ratio = config.ct_ratio;
    for (const std::string& feeder : config.feeders)
        spec.feeders.push_back(feeder_index(feeder));
    NamedMeter& named = meters_[config.id];
    named.line = config.line;
    named.address = config.address;
    named.meter = std::make_unique<Meter>(world_, std::move(spec));
    Line& line = *wire(config.line).line;
    if (config.kind == MeterKind::sdm630) {
        named.sdm630 = std::make_unique<Sdm630Meter>(*named.meter);
        line.add(static_cast<std::uint8_t>(std::stoi(config.address)), *named.sdm630);
        return;
    }
    const auto digits = bytes_from_hex(config.address);
    if (digits.size() != 6) throw std::runtime_error("a DL/T 645 address has 12 digits: " + config.address);
    Dlt645Spec face;
    std::copy(digits.rbegin(), digits.rend(), face.address.begin());
    face.preamble = config.preamble;
    face.reply_limit = config.reply_limit;
    face.clock_error_s = config.clock_error_s;
    for (const auto& [di, data] : config.fixed) {
        face.fixed[static_cast<std::uint32_t>(std::stoul(di, nullptr, 16))] = bytes_from_hex(data);
    }
    named.dlt645 = std::make_unique<Dlt645Meter>(*named.meter, std::move(face));
    line.add(*named.dlt645);
}

void Field::build_lamps(const FieldConfig& config) {
    for (const DaliGatewayConfig& gateway : config.dali_gateways) {
        auto& made = dali_gateways_[gateway.id] = std::make_unique<DaliGateway>(world_);
        wire(gateway.line).line->add(gateway.unit, *made);
    }
    std::map<std::string, LampUnitSpec> units;
    std::map<std::string, std::pair<std::string, std::uint8_t>> places;
    for (const LampConfig& lamp : config.lamps) {
        const std::size_t head = world_.add_head(
            {lamp.id, lamp.watts, feeder_index(lamp.feeder), lamp.phase, lamp.order, lamp.initial_wh});
        if (!lamp.dali_gateway.empty()) {
            const auto gateway = dali_gateways_.find(lamp.dali_gateway);
            if (gateway == dali_gateways_.end()) throw std::runtime_error("no gateway " + lamp.dali_gateway);
            auto& gear = gears_[lamp.id] = std::make_unique<DaliGear>(world_, head, lamp.short_address);
            gateway->second->add(*gear);
            continue;
        }
        const std::string key = fmt::format("{}:{}", lamp.line, lamp.unit);
        LampUnitSpec& unit = units[key];
        unit.boot_s = lamp.boot_s;
        unit.fade_s = lamp.fade_s;
        unit.failsafe_level = static_cast<std::uint16_t>(lamp.failsafe_level);
        unit.failsafe_after_s = static_cast<std::uint16_t>(lamp.failsafe_after_s);
        unit.heads.push_back(head);
        places[key] = {lamp.line, lamp.unit};
        unit_of_lamp_[lamp.id] = key;
    }
    for (auto& [key, spec] : units) {
        auto& made = lamp_units_[key] = std::make_unique<LampUnit>(world_, std::move(spec));
        wire(places[key].first).line->add(places[key].second, *made);
    }
}

void Field::start() {
    tick();
}

void Field::tick() {
    world_.step();
    for (auto& [id, module] : modules_)
        module->step();
    loop_.at(loop_.now().real_ns + tick_ns, [this] { tick(); });
}

std::map<std::string, std::string> Field::where() const {
    std::map<std::string, std::string> out;
    for (const auto& [id, wire] : wires_)
        out[id] = wire.port->where();
    return out;
}

std::string Field::ready_json() const {
    std::string lines;
    for (const auto& [id, wire] : wires_) {
        lines += fmt::format("{}\"{}\":{{\"device\":\"{}\",\"port\":{}}}", lines.empty() ? "" : ",", id,
                             wire.port->where(), wire.port->tcp_port());
    }
    return fmt::format("{{\"lamps\":{},\"lines\":{{{}}}}}", unit_of_lamp_.size() + gears_.size(), lines);
}

}  // namespace sl::sim
