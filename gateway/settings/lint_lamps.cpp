// References, duplicates and positions of the lamps.
#include "gateway/settings/draft.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <fmt/format.h>

namespace sl::settings {
namespace {

double distance_km(double lat1, double lon1, double lat2, double lon2) {
    constexpr double rad = std::numbers::pi / 180.0;
    const double a =
        std::pow(std::sin((lat2 - lat1) * rad / 2), 2) +
        std::cos(lat1 * rad) * std::cos(lat2 * rad) * std::pow(std::sin((lon2 - lon1) * rad / 2), 2);
    return 2 * 6371.0 * std::asin(std::sqrt(std::min(1.0, a)));
}

class LampCheck {
  public:
    LampCheck(Draft& draft, const Vocabulary& vocabulary, Report& report)
        : draft_(draft), vocabulary_(vocabulary), report_(report) {
        auto& plant = draft.config.plant;
        lines_ = {"line", ids_of(plant.lines), &draft.lines};
        feeders_ = {"feeder", ids_of(plant.feeders), &draft.feeders};
        for (const auto& line : plant.lines)
            protocols_[line.id] = line.protocol;
        for (const auto& feeder : plant.feeders)
            phases_[feeder.id] = feeder.phases;
        for (std::size_t i = 0; i < plant.meters.size(); ++i)
            add_device(plant.meters[i], draft.meters[i]);
        for (std::size_t i = 0; i < plant.modules.size(); ++i)
            add_device(plant.modules[i], draft.modules[i]);
    }

    void run() {
        auto& lamps = draft_.config.plant.lamps;
        for (std::size_t i = 0; i < lamps.size(); ++i)
            check(lamps[i], draft_.lamp_marks[i]);
    }

  private:
    struct Unit {
        At at;
        std::string model;
        bool device = false;
    };

    void add_device(const site::Device& device, const Mark& mark) {
        units_.try_emplace(unit_key(device.line, device.protocol, device.address),
                           Unit{mark.of("address"), device.model, true});
    }

    static std::string unit_key(const std::string& line, const std::string& protocol,
                                const std::string& address) {
        const auto digits = address.find_first_not_of('0');
        return fmt::format("{}\n{}\n{}", line, protocol,
                           digits == std::string::npos ? std::string{"0"} : address.substr(digits));
    }

    void check(site::Lamp& lamp, const LampMark& mark) {
        const auto who = fmt::format("lamp \"{}\"", lamp.id);
        if (!lamp.id.empty()) {
            first_use(ids_, lamp.id, mark.of(Column::id),
                      fmt::format("lamp id \"{}\" is used twice", lamp.id));
        }
        check_reference(report_, mark.of(Column::line), who, lamp.line, lines_);
        if (check_reference(report_, mark.of(Column::feeder), who, lamp.feeder, feeders_))
            check_phase(lamp, mark);
        check_protocol(lamp, mark);
        check_unit(lamp, mark);
        check_distance(lamp, mark);
    }

    void first_use(std::map<std::string, At>& seen, const std::string& key, const At& at,
                   std::string message) {
        const auto [it, fresh] = seen.try_emplace(key, at);
        if (!fresh) report_.error(at, std::move(message), fmt::format("first used at {}", place(it->second)));
    }

    void check_phase(const site::Lamp& lamp, const LampMark& mark) {
        const auto& phases = phases_[lamp.feeder];
        if (lamp.phase == site::Phase::none || phases.empty()) return;
        if (std::find(phases.begin(), phases.end(), lamp.phase) == phases.end()) {
            report_.error(mark.of(Column::phase), fmt::format("feeder \"{}\" has no such phase", lamp.feeder),
                          "see phases in its [[feeder]]");
        }
    }

    void check_protocol(site::Lamp& lamp, const LampMark& mark) {
        const auto& known = vocabulary_.protocols;
        if (!lamp.protocol.empty() && std::find(known.begin(), known.end(), lamp.protocol) == known.end()) {
            report_.error(mark.of(Column::protocol), fmt::format("\"{}\" is not a protocol", lamp.protocol),
                          suggest(lamp.protocol, known));
            return;
        }
        const auto model = draft_.config.models.find(lamp.model);
        if (model == draft_.config.models.end()) return;
        if (model->second.kind != site::DeviceKind::lamp) {
            report_.error(mark.of(Column::model),
                          fmt::format("model \"{}\" is not one of a lamp", lamp.model));
        }
        if (lamp.head > model->second.heads) {
            report_.error(mark.of(Column::head),
                          fmt::format("model \"{}\" has {} head{}, not {}", lamp.model, model->second.heads,
                                      model->second.heads == 1 ? "" : "s", lamp.head));
        }
        lamp.protocol = protocol_of(lamp.protocol, protocols_[lamp.line], model->second.protocol);
        std::string why;
        if (!lamp.address.empty() && vocabulary_.check_address &&
            !vocabulary_.check_address(lamp.protocol, lamp.address, why)) {
            report_.error(mark.of(Column::address),
                          fmt::format("\"{}\" is not an address of {}", lamp.address, lamp.protocol), why);
        }
    }

    void check_unit(const site::Lamp& lamp, const LampMark& mark) {
        if (lamp.address.empty() || lamp.line.empty()) return;
        const auto key = unit_key(lamp.line, lamp.protocol, lamp.address);
        const auto at = mark.of(Column::address);
        const auto [it, fresh] = units_.try_emplace(key, Unit{at, lamp.model, false});
        const auto& unit = it->second;
        if (!fresh && unit.device) {
            report_.error(at, fmt::format("address {} on line {} is already used", lamp.address, lamp.line),
                          fmt::format("first used at {}", place(unit.at)));
            return;
        }
        if (!fresh && unit.model != lamp.model) {
            report_.error(mark.of(Column::model),
                          fmt::format("address {} on line {} is model \"{}\" elsewhere", lamp.address,
                                      lamp.line, unit.model),
                          fmt::format("first used at {}", place(unit.at)));
        }
        first_use(heads_, fmt::format("{}\n{}", key, lamp.head), at,
                  fmt::format("head {} of address {} on line {} is already used", lamp.head, lamp.address,
                              lamp.line));
    }

    void check_distance(const site::Lamp& lamp, const LampMark& mark) {
        if (!lamp.latitude || !lamp.longitude || !draft_.has_place) return;
        const auto& cabinet = draft_.config.place;
        const double km = distance_km(*lamp.latitude, *lamp.longitude, cabinet.latitude, cabinet.longitude);
        if (km > draft_.reach_km) {
            report_.warning(mark.of(Column::lat),
                            fmt::format("lamp \"{}\" is {:.1f} km from the cabinet", lamp.id, km),
                            "check lat and lon, or raise reach_km in [lamps]");
        }
    }

    Draft& draft_;
    const Vocabulary& vocabulary_;
    Report& report_;
    Names lines_, feeders_;
    std::map<std::string, std::string> protocols_;
    std::map<std::string, std::vector<site::Phase>> phases_;
    std::map<std::string, At> ids_, heads_;
    std::map<std::string, Unit> units_;
};

}  // namespace

void check_lamps(Draft& draft, const Vocabulary& vocabulary, Report& report) {
    LampCheck{draft, vocabulary, report}.run();
}

}  // namespace sl::settings
