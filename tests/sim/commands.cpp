// The control socket's vocabulary (README.md). Queries answer JSON objects; everything else {"ok":true}.
#include "tests/sim/field.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace sl::sim {

namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + '"';
}

const std::string& word(const std::vector<std::string>& words, std::size_t index) {
    if (index >= words.size()) throw std::runtime_error("a word is missing");
    return words[index];
}

double number(const std::string& text) {
    std::size_t used = 0;
    double value = 0.0;
    try {
        value = std::stod(text, &used);
    } catch (const std::exception&) {
        used = 0;
    }
    if (used == 0 || used != text.size()) throw std::runtime_error(fmt::format("\"{}\" is no number", text));
    return value;
}

int integer(const std::string& text) {
    return static_cast<int>(number(text));
}

bool on_off(const std::string& text) {
    if (text == "on" || text == "1") return true;
    if (text == "off" || text == "0") return false;
    throw std::runtime_error(fmt::format("\"{}\": say on or off", text));
}

constexpr const char* fault_names[] = {"none", "open", "stuck-on", "stuck-off"};

}  // namespace

std::string Field::command(const std::string& line) {
    std::istringstream stream{line};
    const Words words{std::istream_iterator<std::string>{stream}, {}};
    if (words.empty()) return R"({"ok":false,"error":"say something"})";
    try {
        return dispatch(words);
    } catch (const std::exception& error) {
        return fmt::format(R"({{"ok":false,"error":{}}})", quoted(error.what()));
    }
}

std::string Field::dispatch(const Words& words) {
    world_.step();  // so that a query sees this instant
    const std::string& verb = words[0];
    if (verb == "lamp") return lamp_json(word(words, 1));
    if (verb == "lamps") return lamps_json();
    if (verb == "history") return history_json(word(words, 1));
    if (verb == "feeders") return feeders_json();
    if (verb == "meters") return meters_json();
    if (verb == "modules") return modules_json();
    if (verb == "stats") return stats_json();
    if (verb == "energy") return energy_json();
    if (verb == "frames") return frames_json(word(words, 1), word(words, 2));
    if (verb == "time") return time_json();
    if (verb == "fault") {
        fault(words);
    } else if (verb == "input") {
        const auto module = modules_.find(word(words, 1));
        if (module == modules_.end()) throw std::runtime_error("no module " + words[1]);
        if (!module->second->set_input(static_cast<std::size_t>(integer(word(words, 2)) - 1),
                                       on_off(word(words, 3)))) {
            throw std::runtime_error("no such input, or it follows a contactor");
        }
    } else if (verb == "fix") {
        const auto meter = meters_.find(word(words, 1));
        if (meter == meters_.end() || !meter->second.dlt645)
            throw std::runtime_error("no DL/T 645 meter " + words[1]);
        meter->second.dlt645->fix(static_cast<std::uint32_t>(std::stoul(word(words, 2), nullptr, 16)),
                                  bytes_from_hex(word(words, 3)));
    } else if (verb == "plug") {
        wire(word(words, 1)).port->plug();
    } else if (verb == "unplug") {
        wire(word(words, 1)).port->unplug();
    } else if (verb == "speed") {
        clock_.set_speed(number(word(words, 1)));
    } else if (verb == "ambient") {
        world_.ambient_c = number(word(words, 1));
    } else {
        throw std::runtime_error(fmt::format("unknown command \"{}\"", verb));
    }
    return R"({"ok":true})";
}

LampHead& Field::head(const std::string& id) {
    LampHead* found = world_.find_head(id);
    if (found == nullptr) throw std::runtime_error(fmt::format("no lamp \"{}\"", id));
    found->advance(world_.now().sim_s);
    return *found;
}

Unit& Field::unit(const std::string& line, const std::string& name) {
    Line& on = *wire(line).line;
    if (const auto meter = meters_.find(name); meter != meters_.end() && meter->second.dlt645) {
        for (Unit& candidate : on.meters()) {
            if (candidate.meter == meter->second.dlt645.get()) return candidate;
        }
    }
    Unit* found = on.modbus_unit(static_cast<unsigned>(integer(name)));
    if (found == nullptr || found->modbus == nullptr) throw std::runtime_error("no unit " + name);
    return *found;
}

std::string Field::lamp_json(const std::string& id) {
    const LampHead& lamp = head(id);
    const HeadReadings r = lamp.readings();
    const auto key = unit_of_lamp_.find(id);
    const bool answers = key != unit_of_lamp_.end() ? lamp_units_[key->second]->alive() : gears_[id]->alive();
    const bool acted = key != unit_of_lamp_.end() && lamp_units_[key->second]->failsafe_acted();
    return fmt::format(
        R"({{"ok":true,"id":{},"feeder":{},"phase":{},"order":{},"energised":{},"answers":{},"wanted":{:.1f},)"
        R"("level":{:.1f},"lit":{},"watts":{:.2f},"volts":{:.2f},"amps":{:.4f},"pf":{:.3f},"celsius":{:.1f},)"
        R"("wh":{:.3f},"burning_s":{:.1f},"switchings":{},"fault":"{}","failsafe_acted":{},"changes":{}}})",
        quoted(id), quoted(world_.feeders()[lamp.spec().feeder].id), lamp.spec().phase + 1, lamp.spec().order,
        lamp.energised(), answers, lamp.wanted(), lamp.level(), r.lit, r.watts, r.volts, r.amps,
        r.power_factor, r.celsius, lamp.register_wh(), lamp.burning_s(), lamp.switchings(),
        fault_names[static_cast<std::size_t>(lamp.fault())], acted, lamp.history().size());
}

std::string Field::lamps_json() {
    std::string out;
    for (LampHead& lamp : world_.heads()) {
        lamp.advance(world_.now().sim_s);
        const HeadReadings r = lamp.readings();
        out += fmt::format(R"({}{{"id":{},"energised":{},"level":{:.1f},"lit":{},"watts":{:.2f}}})",
                           out.empty() ? "" : ",", quoted(lamp.spec().id), lamp.energised(), lamp.level(),
                           r.lit, r.watts);
    }
    return fmt::format(R"({{"ok":true,"lamps":[{}]}})", out);
}

std::string Field::history_json(const std::string& id) {
    std::string out;
    for (const LevelChange& change : head(id).history()) {
        out += fmt::format(R"({}{{"t":{:.3f},"level":{:.1f},"cause":"{}"}})", out.empty() ? "" : ",",
                           change.sim_s, change.level, name(change.cause));
    }
    return fmt::format(R"({{"ok":true,"id":{},"changes":[{}]}})", quoted(id), out);
}

std::string Field::feeders_json() {
    std::string out;
    for (std::size_t i = 0; i < world_.feeders().size(); ++i) {
        const Feeder& feeder = world_.feeders()[i];
        const PhaseSums load = world_.load({i});
        const Contactor* contactor = feeder.contactor ? &world_.contactors()[*feeder.contactor] : nullptr;
        const auto lit = std::count_if(
            world_.heads().begin(), world_.heads().end(),
            [i](const LampHead& lamp) { return lamp.spec().feeder == i && lamp.readings().lit; });
        out += fmt::format(
            R"({}{{"id":{},"contactor":{},"coil":{},"closed":{},"operations":{},"watts":{:.1f},"lit":{}}})",
            out.empty() ? "" : ",", quoted(feeder.id), quoted(contactor ? contactor->id : ""),
            contactor == nullptr || contactor->coil, contactor == nullptr || contactor->closed,
            contactor == nullptr ? 0 : contactor->operations, load.watts[0] + load.watts[1] + load.watts[2],
            lit);
    }
    return fmt::format(R"({{"ok":true,"feeders":[{}]}})", out);
}

std::string Field::meters_json() {
    std::string out;
    for (const auto& [id, named] : meters_) {
        const MeterValues v = named.meter->values();
        const bool dlt = named.dlt645 != nullptr;
        out += fmt::format(
            R"({}{{"id":{},"address":{},"watts":{:.1f},"kwh":{:.4f},"volts":[{:.1f},{:.1f},{:.1f}],)"
            R"("local_time":"{}","time_broadcasts":{}}})",
            out.empty() ? "" : ",", quoted(id), quoted(named.address), v.sum(v.watts), v.sum(v.wh) / 1000.0,
            v.volts[0], v.volts[1], v.volts[2],
            dlt ? format_instant(named.dlt645->local_time_s(), 0).substr(0, 19) : "",
            dlt ? named.dlt645->time_broadcasts() : 0);
    }
    return fmt::format(R"({{"ok":true,"meters":[{}]}})", out);
}

std::string Field::modules_json() {
    std::string out;
    for (const auto& [id, module] : modules_) {
        std::string coils;
        std::string inputs;
        for (std::size_t i = 0; i < module->outputs(); ++i) {
            coils += fmt::format("{}{}", i == 0 ? "" : ",", module->output(i));
        }
        for (std::size_t i = 0; i < module->inputs(); ++i) {
            inputs += fmt::format("{}{{\"name\":{},\"value\":{}}}", i == 0 ? "" : ",",
                                  quoted(input_names_[id][i]), module->input(i));
        }
        out += fmt::format(R"({}{{"id":{},"outputs":[{}],"inputs":[{}],"safety_trips":{}}})",
                           out.empty() ? "" : ",", quoted(id), coils, inputs, module->safety_trips());
    }
    return fmt::format(R"({{"ok":true,"modules":[{}]}})", out);
}

std::string Field::stats_json() {
    std::string out;
    for (const auto& [id, on] : wires_) {
        const LineStats& s = on.line->stats();
        out += fmt::format(
            R"({}{}:{{"frames":{},"answers":{},"unanswered":{},"broadcasts":{},"garbage_bytes":{},"early_requests":{}}})",
            out.empty() ? "" : ",", quoted(id), s.frames, s.answers, s.unanswered, s.broadcasts,
            s.garbage_bytes, s.early_requests);
    }
    return fmt::format(R"({{"ok":true,"lines":{{{}}}}})", out);
}

std::string Field::energy_json() {
    double lamps = 0.0;
    double controllers = 0.0;
    for (LampHead& lamp : world_.heads()) {
        lamp.advance(world_.now().sim_s);
        lamps += lamp.drawn_wh();
        controllers += lamp.controller_wh();
    }
    std::string meters;
    for (const auto& [id, named] : meters_) {
        meters +=
            fmt::format(R"({}{}:{:.4f})", meters.empty() ? "" : ",", quoted(id), named.meter->primary_wh());
    }
    return fmt::format(
        R"({{"ok":true,"lamps_wh":{:.4f},"controllers_wh":{:.4f},"loss_pct":{},"meters_wh":{{{}}}}})", lamps,
        controllers, world_.loss_pct, meters);
}

std::string Field::frames_json(const std::string& line, const std::string& name) {
    const UnitStats& s = unit(line, name).stats;
    return fmt::format(
        R"({{"ok":true,"requests":{},"reads":{},"writes":{},"broadcasts":{},"answers":{},"exceptions":{},"spoiled":{}}})",
        s.requests, s.reads, s.writes, s.broadcasts, s.answers, s.exceptions, s.spoiled);
}

std::string Field::time_json() const {
    const double sim_s = world_.now().sim_s;
    return fmt::format(R"({{"ok":true,"sim_s":{:.3f},"local":"{}","speed":{}}})", sim_s,
                       format_instant(sim_s, clock_.offset_s()), clock_.speed());
}

}  // namespace sl::sim
