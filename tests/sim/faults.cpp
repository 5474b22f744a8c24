// What can be broken at run time: the commands that begin with "fault".
#include "tests/sim/field.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace sl::sim {

namespace {

const std::string& word(const std::vector<std::string>& words, std::size_t index) {
    if (index >= words.size()) throw std::runtime_error("a word is missing");
    return words[index];
}

bool on_off(const std::string& text) {
    if (text == "on") return true;
    if (text == "off") return false;
    throw std::runtime_error(fmt::format("\"{}\": say on or off", text));
}

std::size_t phase_of(const std::string& name) {
    if (name == "L1") return 0;
    if (name == "L2") return 1;
    if (name == "L3") return 2;
    throw std::runtime_error(fmt::format("\"{}\" is no phase (L1, L2, L3)", name));
}

Spoil spoil_of(const std::string& name) {
    const std::map<std::string, Spoil> names{{"none", Spoil::none},
                                             {"bad-crc", Spoil::bad_crc},
                                             {"wrong-unit", Spoil::wrong_unit},
                                             {"wrong-count", Spoil::wrong_count},
                                             {"exception", Spoil::exception},
                                             {"truncated", Spoil::truncated},
                                             {"noise", Spoil::noise},
                                             {"silent", Spoil::silent}};
    const auto found = names.find(name);
    if (found == names.end()) throw std::runtime_error(fmt::format("unknown answer fault \"{}\"", name));
    return found->second;
}

}  // namespace

void Field::fault(const Words& words) {
    const std::string& what = word(words, 1);
    if (what == "lamp") return fault_lamp(words);
    if (what == "answer") return fault_answer(words);
    if (what == "cut") return fault_cable(words);
    if (what == "phase") return fault_phase(words);
    if (what == "foreign") return foreign(words);
    if (what == "contactor") {
        Contactor* contactor = world_.find_contactor(word(words, 2));
        if (contactor == nullptr) throw std::runtime_error("no contactor " + words[2]);
        const std::string& how = word(words, 3);
        if (how != "welded" && how != "no-close" && how != "none") {
            throw std::runtime_error("say welded, no-close or none");
        }
        contactor->fault = how == "welded"     ? ContactorFault::welded
                           : how == "no-close" ? ContactorFault::no_close
                                               : ContactorFault::none;
    } else if (what == "module") {
        const auto module = modules_.find(word(words, 2));
        if (module == modules_.end()) throw std::runtime_error("no module " + words[2]);
        module->second->set_dead(word(words, 3) == "dead");
    } else if (what == "dali-gateway") {
        const auto gateway = dali_gateways_.find(word(words, 2));
        if (gateway == dali_gateways_.end()) throw std::runtime_error("no DALI gateway " + words[2]);
        gateway->second->set_dead(word(words, 3) == "dead");
    } else if (what == "noise") {
        wire(word(words, 2)).line->set_noise(std::stod(word(words, 3)));
    } else if (what == "delay") {
        wire(word(words, 2)).line->extra_delay_ms = std::stod(word(words, 3));
    } else if (what == "echo") {
        wire(word(words, 2)).line->settings().echo = on_off(word(words, 3));
    } else {
        throw std::runtime_error(fmt::format("unknown fault \"{}\"", what));
    }
}

// fault lamp L003 dead|open|stuck-on|stuck-off|none
void Field::fault_lamp(const Words& words) {
    const std::string& id = word(words, 2);
    const std::string& how = word(words, 3);
    LampHead& lamp = head(id);
    const std::map<std::string, HeadFault> names{{"none", HeadFault::none},
                                                 {"dead", HeadFault::none},
                                                 {"open", HeadFault::open},
                                                 {"stuck-on", HeadFault::stuck_on},
                                                 {"stuck-off", HeadFault::stuck_off}};
    const auto found = names.find(how);
    if (found == names.end()) throw std::runtime_error(fmt::format("unknown lamp fault \"{}\"", how));
    const bool dead = how == "dead";
    if (const auto key = unit_of_lamp_.find(id); key != unit_of_lamp_.end()) {
        if (dead || how == "none") lamp_units_[key->second]->set_dead(dead);
    } else if (dead || how == "none") {
        gears_[id]->set_dead(dead);
    }
    if (!dead) lamp.set_fault(world_.now().sim_s, found->second);
}

// fault answer LINE UNIT bad-crc|...|late [code or ms] [every N] [times N]
void Field::fault_answer(const Words& words) {
    AnswerFault& fault = unit(word(words, 2), word(words, 3)).fault;
    const std::string& how = word(words, 4);
    std::size_t next = 5;
    if (how == "late") {
        fault.late_ms = std::stod(word(words, next++));
        return;
    }
    AnswerFault made;
    made.spoil = spoil_of(how);
    if (how != "none") made.late_ms = fault.late_ms;
    if (how == "exception") made.code = static_cast<std::uint8_t>(std::stoi(word(words, next++)));
    for (; next + 1 < words.size(); next += 2) {
        const int count = std::stoi(words[next + 1]);
        if (count < 1) throw std::runtime_error("counts start at 1");
        if (words[next] == "every") {
            made.every = static_cast<unsigned>(count);
        } else if (words[next] == "times") {
            made.left = count;
        } else {
            throw std::runtime_error("say every N or times N");
        }
    }
    fault = made;
}

// fault cut F1 [L2] 5|none: no mains beyond the pole of that order.
void Field::fault_cable(const Words& words) {
    Feeder& feeder = world_.feeders()[feeder_index(word(words, 2))];
    const bool one = words.size() > 4;
    const std::string& where = word(words, one ? 4 : 3);
    const int pole = where == "none" ? Feeder::no_cut[0] : std::stoi(where);
    for (std::size_t phase = 0; phase < 3; ++phase) {
        if (!one || phase == phase_of(words[3])) feeder.cut_after[phase] = pole;
    }
    world_.step();
}

// fault phase L2 [F1] lost|back: on one feeder, or of the grid.
void Field::fault_phase(const Words& words) {
    const std::size_t phase = phase_of(word(words, 2));
    const bool one = words.size() > 4;
    const std::string& how = word(words, one ? 4 : 3);
    if (how != "lost" && how != "back") throw std::runtime_error("say lost or back");
    if (one) {
        world_.feeders()[feeder_index(words[3])].phase_lost[phase] = how == "lost";
    } else {
        world_.grid_lost[phase] = how == "lost";
    }
    world_.step();
}

// fault foreign LINE HEX [EVERY_MS] | fault foreign off
void Field::foreign(const Words& words) {
    ++foreign_epoch_;
    if (word(words, 2) == "off") return;
    const auto bytes = bytes_from_hex(word(words, 3));
    if (words.size() > 4) {
        repeat_foreign(words[2], bytes, std::max(1.0, std::stod(words[4])), foreign_epoch_);
    } else {
        wire(words[2]).line->foreign_frame(bytes);
    }
}

void Field::repeat_foreign(const std::string& line, std::vector<std::uint8_t> bytes, double every_ms,
                           std::uint64_t epoch) {
    if (epoch != foreign_epoch_) return;
    wire(line).line->foreign_frame(bytes);
    const auto due = loop_.now().real_ns + static_cast<std::int64_t>(every_ms * 1e6);
    loop_.at(due, [this, line, bytes, every_ms, epoch] { repeat_foreign(line, bytes, every_ms, epoch); });
}

}  // namespace sl::sim
