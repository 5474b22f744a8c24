// Field, first half: lines, drivers and targets out of the configuration.
#include "gateway/app/field_parts.hpp"
#include "gateway/site/log.hpp"
#include "protocols/registry.hpp"
#include "protocols/wire/stream_factory.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace sl::app {
namespace {

// "8N1" as three characters; empty leaves the default.
LineFormat apply_format(LineFormat base, std::uint32_t baud, const std::string& text) {
    if (baud != 0) base.baud = baud;
    if (text.size() != 3) return base;
    base.data_bits = static_cast<std::uint8_t>(text[0] - '0');
    base.parity = text[1] == 'E' ? Parity::even : text[1] == 'O' ? Parity::odd : Parity::none;
    base.stop_bits = static_cast<std::uint8_t>(text[2] - '0');
    return base;
}

const Protocol& protocol_or_throw(const std::string& name) {
    const Protocol* protocol = find_protocol(name);
    if (protocol == nullptr) throw std::runtime_error("no such protocol: " + name);
    return *protocol;
}

// A model of modbus-rtu also serves modbus-tcp: what the line speaks decides between those two.
std::string protocol_of(const std::string& own, const site::DeviceModel& model, const site::Line& line) {
    if (!own.empty()) return own;
    const bool tcp = line.protocol == "modbus-tcp" && model.protocol == "modbus-rtu";
    return tcp ? line.protocol : model.protocol;
}

}  // namespace

void debounce(const site::Input& input, site::InputState& state, bool active, site::SiteTime at) {
    if (!state.active || *state.active == active) {
        if (!state.active) {
            state.active = active;
            state.since = at;
        }
        state.candidate.reset();
        return;
    }
    if (!state.candidate) state.candidate = at;
    if (at - *state.candidate < input.debounce) return;
    state.active = active;
    state.since = *state.candidate;
    state.candidate.reset();
}

std::function<void(std::exception_ptr)> log_failure(const std::string& what) {
    return [what](const std::exception_ptr& error) {
        if (!error) return;
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            // A broken invariant: the watchdog restarts us rather than running on half a gateway.
            site::log(site::LogLevel::error, what, fmt::format("ended by a defect: {}", e.what()));
            throw;
        }
    };
}

void Field::build_line(std::size_t index, boost::asio::io_context& context) {
    const site::Line& line = config_.plant.lines[index];
    LineParts& parts = *lines_[index];
    wire::StreamSettings stream_settings;
    stream_settings.rs485 = line.rs485;
    std::string why;
    auto stream = wire::make_stream(context, line.device, stream_settings, why);
    if (!stream) throw std::runtime_error(fmt::format("line {}: {}", line.id, why));
    wire::BusSettings settings;
    settings.name = line.id;
    settings.echo = line.echo;
    if (line.gap) settings.gap = *line.gap;
    parts.bus = std::make_unique<wire::Bus>(executor_, std::move(stream), timers_, settings);
    parts.bus->set_line_state([this, index](bool up, std::string_view text) {
        line_changed(index, up);
        events_.line_state(index, up, text);
    });
    add_lamps(index);
    add_devices(index);
    make_poller(index);
}

void Field::make_poller(std::size_t index) {
    LineParts& parts = *lines_[index];
    device::PollerHooks hooks;
    hooks.site_now = events_.now;
    hooks.may_poll = [this, index](std::size_t target) { return may_poll(index, target); };
    hooks.on_readings = [this, index](std::size_t target, std::span<const site::Reading> readings) {
        take(index, target, readings);
    };
    hooks.on_miss = [this, index](std::size_t target, int misses, wire::Errc) {
        miss(index, target, misses);
    };
    device::PollerSettings settings;
    settings.offline_after = config_.polling.offline_after;
    settings.backoff_max = config_.polling.backoff_max;
    parts.poller = std::make_unique<device::Poller>(parts.targets, timers_, std::move(hooks), settings);
}

std::size_t Field::add_target(std::size_t index, const TargetSpec& spec) {
    const site::Line& line = config_.plant.lines[index];
    LineParts& parts = *lines_[index];
    const std::string protocol_name = protocol_of(spec.protocol, *spec.model, line);
    const std::string key = protocol_name + " " + spec.address;
    const auto known = std::find(parts.keys.begin(), parts.keys.end(), key);
    if (known != parts.keys.end()) return static_cast<std::size_t>(known - parts.keys.begin());
    const Protocol& protocol = protocol_or_throw(protocol_name);
    auto driver = std::find_if(parts.drivers.begin(), parts.drivers.end(),
                               [&](const auto& pair) { return pair.first == protocol_name; });
    if (driver == parts.drivers.end()) {
        parts.drivers.emplace_back(protocol_name, protocol.make(*parts.bus));
        driver = parts.drivers.end() - 1;
    }
    device::Target target;
    std::string why;
    const auto address = protocol.parse_address(spec.address, why);
    if (!address) throw std::runtime_error(fmt::format("{}: address {}: {}", spec.name, spec.address, why));
    target.unit.address = *address;
    const bool own_line = protocol_name == line.protocol;
    const LineFormat base =
        own_line ? apply_format(protocol.default_format, line.baud, line.format) : protocol.default_format;
    target.unit.format = apply_format(base, spec.baud, spec.format);
    target.unit.timeout = line.timeout.value_or(spec.model->timeout);
    target.unit.turnaround = spec.model->turnaround;
    target.unit.retries = line.retries;
    target.driver = driver->second.get();
    target.model = spec.model;
    target.ct_ratio = spec.ct_ratio;
    target.period = events_.real(spec.period);
    target.name = spec.name;
    parts.targets.push_back(std::move(target));
    parts.keys.push_back(key);
    parts.objects.push_back(TargetObjects{spec.kind, {}});
    return parts.targets.size() - 1;
}

void Field::add_lamps(std::size_t index) {
    const site::Line& line = config_.plant.lines[index];
    for (std::size_t i = 0; i < config_.plant.lamps.size(); ++i) {
        const site::Lamp& lamp = config_.plant.lamps[i];
        if (lamp.line != line.id) continue;
        const site::DeviceModel& model = config_.models.at(lamp.model);
        TargetSpec spec;
        spec.kind = ObjectKind::lamp;
        spec.name = lamp.id;
        spec.model = &model;
        spec.protocol = lamp.protocol;
        spec.address = lamp.address;
        spec.period = config_.polling.lamps;
        const std::size_t target = add_target(index, spec);
        places_[i] = Place{index, target, lamp.head, &model};
        std::vector<std::size_t>& heads = lines_[index]->objects[target].indices;
        heads.push_back(i);
        lines_[index]->targets[target].head =
            heads.size() == 1 ? std::optional<std::uint8_t>{lamp.head} : std::nullopt;
    }
}

void Field::add_devices(std::size_t index) {
    const site::Line& line = config_.plant.lines[index];
    const auto add = [&](const std::vector<site::Device>& devices, std::vector<Place>& places,
                         ObjectKind kind) {
        for (std::size_t i = 0; i < devices.size(); ++i) {
            const site::Device& device = devices[i];
            if (device.line != line.id) continue;
            const site::DeviceModel& model = config_.models.at(device.model);
            TargetSpec spec;
            spec.kind = kind;
            spec.name = device.id;
            spec.model = &model;
            spec.protocol = device.protocol;
            spec.address = device.address;
            spec.baud = device.baud;
            spec.format = device.format;
            spec.ct_ratio = device.ct_ratio;
            spec.period = device.poll;
            const std::size_t target = add_target(index, spec);
            places[i] = Place{index, target, 0, &model};
            lines_[index]->objects[target].indices.push_back(i);
        }
    };
    add(config_.plant.modules, module_places_, ObjectKind::module);
    add(config_.plant.meters, meter_places_, ObjectKind::meter);
}

}  // namespace sl::app
