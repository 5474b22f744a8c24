// References and duplicates in the cabinet.
#include "gateway/settings/draft.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace sl::settings {
namespace {

template <typename Entity>
const Entity* find_by_id(const std::vector<Entity>& entities, std::string_view id) {
    const auto it =
        std::find_if(entities.begin(), entities.end(), [id](const Entity& e) { return e.id == id; });
    return it == entities.end() ? nullptr : &*it;
}

const site::DeviceModel* model_of(const Draft& draft, const std::string& id) {
    const auto it = draft.config.models.find(id);
    return it == draft.config.models.end() ? nullptr : &it->second;
}

bool offers(const site::DeviceModel& model, site::Quantity quantity, int channel) {
    return std::any_of(model.points.begin(), model.points.end(), [&](const site::Point& point) {
        return point.quantity == quantity && point.head == channel;
    });
}

class PlantCheck {
  public:
    PlantCheck(Draft& draft, const Vocabulary& vocabulary, Report& report)
        : draft_(draft), plant_(draft.config.plant), vocabulary_(vocabulary), report_(report) {}

    void run() {
        check_ids();
        check_devices(plant_.meters, draft_.meters, "meter", site::DeviceKind::meter);
        check_devices(plant_.modules, draft_.modules, "module", site::DeviceKind::io);
        for (std::size_t i = 0; i < plant_.contactors.size(); ++i)
            check_contactor(plant_.contactors[i], draft_.contactors[i]);
        for (std::size_t i = 0; i < plant_.inputs.size(); ++i)
            check_input(plant_.inputs[i], draft_.inputs[i]);
        for (std::size_t i = 0; i < plant_.feeders.size(); ++i)
            check_feeder(plant_.feeders[i], draft_.feeders[i]);
        for (std::size_t i = 0; i < plant_.contactors.size(); ++i) {
            if (!used_contactors_.contains(plant_.contactors[i].id)) {
                report_.warning(draft_.contactors[i].of("id"),
                                fmt::format("no feeder uses contactor \"{}\"", plant_.contactors[i].id));
            }
        }
    }

  private:
    void check_ids() {
        check_duplicates(report_, {"line", ids_of(plant_.lines), &draft_.lines});
        check_duplicates(report_, {"contactor", ids_of(plant_.contactors), &draft_.contactors});
        check_duplicates(report_, {"input", ids_of(plant_.inputs), &draft_.inputs});
        check_duplicates(report_, {"feeder", ids_of(plant_.feeders), &draft_.feeders});
        // Meters and modules are devices alike: one space of names.
        auto ids = ids_of(plant_.meters);
        auto marks = draft_.meters;
        const auto more = ids_of(plant_.modules);
        ids.insert(ids.end(), more.begin(), more.end());
        marks.insert(marks.end(), draft_.modules.begin(), draft_.modules.end());
        check_duplicates(report_, {"device", ids, &marks});
        check_same_device();
    }

    void check_same_device() {
        std::map<std::string, At> seen;
        for (std::size_t i = 0; i < plant_.lines.size(); ++i) {
            if (plant_.lines[i].device.empty()) continue;
            const auto at = draft_.lines[i].of("device");
            const auto [it, fresh] = seen.try_emplace(plant_.lines[i].device, at);
            if (!fresh) {
                report_.error(at, fmt::format("device {} is already another line's", plant_.lines[i].device),
                              fmt::format("first used at {}", place(it->second)));
            }
        }
    }

    void check_devices(std::vector<site::Device>& devices, const std::vector<Mark>& marks,
                       std::string_view what, site::DeviceKind kind) {
        for (std::size_t i = 0; i < devices.size(); ++i) {
            auto& device = devices[i];
            const auto& mark = marks[i];
            const auto who = fmt::format("{} \"{}\"", what, device.id);
            const Names lines{"line", ids_of(plant_.lines), &draft_.lines};
            check_reference(report_, mark.of("line"), who, device.line, lines);
            const auto* model = model_of(draft_, device.model);
            if (model == nullptr) continue;
            if (model->kind != kind) {
                report_.error(mark.of("model"),
                              fmt::format("model \"{}\" is not one of a {}", device.model, what));
            }
            const auto* line = find_by_id(plant_.lines, device.line);
            device.protocol =
                protocol_of(device.protocol, line == nullptr ? "" : line->protocol, model->protocol);
            check_address(mark.of("address"), device);
        }
    }

    void check_address(const At& at, const site::Device& device) {
        if (device.address.empty()) return;
        std::string why;
        if (vocabulary_.check_address && !vocabulary_.check_address(device.protocol, device.address, why)) {
            report_.error(at, fmt::format("\"{}\" is not an address of {}", device.address, device.protocol),
                          why);
            return;
        }
        const auto key = fmt::format("{}\n{}\n{}", device.line, device.protocol, device.address);
        const auto [it, fresh] = addresses_.try_emplace(key, at);
        if (!fresh) {
            report_.error(at,
                          fmt::format("address {} on line {} is already used", device.address, device.line),
                          fmt::format("first used at {}", place(it->second)));
        }
    }

    // `user` is the one channel of a module that this entity owns.
    void check_channel(const At& module_at, const At& channel_at, const std::string& who,
                       const std::string& module, int channel, site::Quantity quantity) {
        const Names modules{"module", ids_of(plant_.modules), &draft_.modules};
        if (!check_reference(report_, module_at, who, module, modules)) return;
        const auto* device = find_by_id(plant_.modules, module);
        const auto* model = device == nullptr ? nullptr : model_of(draft_, device->model);
        const bool output = quantity == site::Quantity::output;
        if (model != nullptr && !offers(*model, quantity, channel)) {
            report_.error(channel_at, fmt::format("model \"{}\" has no {} {}", device->model,
                                                  output ? "relay" : "input", channel));
        }
        const auto key = fmt::format("{}\n{}\n{}", module, output ? "o" : "i", channel);
        const auto [it, fresh] = channels_.try_emplace(key, channel_at);
        if (!fresh) {
            report_.error(channel_at,
                          fmt::format("{} {} of module \"{}\" is already used", output ? "relay" : "input",
                                      channel, module),
                          fmt::format("first used at {}", place(it->second)));
        }
    }

    void check_contactor(const site::Contactor& contactor, const Mark& mark) {
        const auto who = fmt::format("contactor \"{}\"", contactor.id);
        check_channel(mark.of("module"), mark.of("channel"), who, contactor.module, contactor.channel,
                      site::Quantity::output);
        if (contactor.aux_module.empty() || contactor.aux_channel == 0) return;
        check_channel(mark.of("aux_module"), mark.of("aux_channel"), who, contactor.aux_module,
                      contactor.aux_channel, site::Quantity::input);
    }

    void check_input(const site::Input& input, const Mark& mark) {
        check_channel(mark.of("module"), mark.of("channel"), fmt::format("input \"{}\"", input.id),
                      input.module, input.channel, site::Quantity::input);
    }

    void check_feeder(const site::Feeder& feeder, const Mark& mark) {
        const auto who = fmt::format("feeder \"{}\"", feeder.id);
        const bool switched = feeder.kind == site::FeederKind::switched;
        if (switched && feeder.contactor.empty()) {
            report_.error(mark.header, fmt::format("{} is switched but has no contactor", who),
                          "contactor = \"K1\", or kind = \"always\" if it is live day and night");
        }
        if (!switched && !feeder.contactor.empty()) {
            report_.error(mark.of("contactor"),
                          fmt::format("{} is always live, so it has no contactor", who));
        }
        if (!feeder.contactor.empty()) {
            const Names contactors{"contactor", ids_of(plant_.contactors), &draft_.contactors};
            check_reference(report_, mark.of("contactor"), who, feeder.contactor, contactors);
            const auto [it, fresh] = used_contactors_.try_emplace(feeder.contactor, mark.of("contactor"));
            if (!fresh) {
                report_.error(
                    mark.of("contactor"),
                    fmt::format("contactor \"{}\" already switches another feeder", feeder.contactor),
                    fmt::format("first used at {}; one contactor is one feeder", place(it->second)));
            }
        }
        if (feeder.meter.empty()) return;
        const Names meters{"meter", ids_of(plant_.meters), &draft_.meters};
        check_reference(report_, mark.of("meter"), who, feeder.meter, meters);
    }

    Draft& draft_;
    site::Plant& plant_;
    const Vocabulary& vocabulary_;
    Report& report_;
    std::map<std::string, At> addresses_, channels_, used_contactors_;
};

}  // namespace

bool check_reference(Report& report, const At& at, std::string_view who, std::string_view id,
                     const Names& names) {
    if (id.empty()) return false;  // reported where it was read
    if (std::find(names.ids.begin(), names.ids.end(), id) != names.ids.end()) return true;
    auto hint = suggest(id, names.ids);
    const auto near = nearest(id, names.ids);
    const auto it = std::find(names.ids.begin(), names.ids.end(), near);
    if (!near.empty() && names.marks != nullptr && it != names.ids.end()) {
        const auto& mark = names.marks->at(static_cast<std::size_t>(it - names.ids.begin()));
        hint = fmt::format("did you mean \"{}\" ({})?", near, place(mark.of("id")));
    }
    if (names.ids.empty()) hint = fmt::format("there is no {} at all", names.what);
    report.error(at, fmt::format("{} names {} \"{}\", which does not exist", who, names.what, id), hint);
    return false;
}

void check_duplicates(Report& report, const Names& names) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < names.ids.size(); ++i) {
        if (names.ids[i].empty()) continue;
        const auto [it, fresh] = seen.try_emplace(names.ids[i], i);
        if (fresh) continue;
        report.error(names.marks->at(i).of("id"),
                     fmt::format("{} id \"{}\" is used twice", names.what, names.ids[i]),
                     fmt::format("first used at {}", place(names.marks->at(it->second).of("id"))));
    }
}

std::string protocol_of(const std::string& own, const std::string& line, const std::string& model) {
    if (!own.empty()) return own;
    const auto family = [](const std::string& name) { return name.substr(0, name.find('-')); };
    return !line.empty() && family(line) == family(model) ? line : model;
}

void check_plant(Draft& draft, const Vocabulary& vocabulary, Report& report) {
    PlantCheck{draft, vocabulary, report}.run();
}

}  // namespace sl::settings
