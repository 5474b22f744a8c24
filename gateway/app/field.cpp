#include "gateway/app/field.hpp"

#include "gateway/app/field_parts.hpp"
#include "gateway/device/decode.hpp"
#include "gateway/site/log.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

namespace sl::app {

using boost::asio::awaitable;
using site::Quantity;

Field::Field(boost::asio::any_io_executor executor, boost::asio::io_context& context, wire::Timers& timers,
             const site::Config& config, site::SiteState& state, FieldEvents events)
    : executor_(std::move(executor)),
      timers_(timers),
      config_(config),
      state_(state),
      events_(std::move(events)),
      lines_(config.plant.lines.size()),
      places_(config.plant.lamps.size()),
      meter_places_(config.plant.meters.size()),
      module_places_(config.plant.modules.size()),
      module_set_up_(config.plant.modules.size(), false),
      failsafe_tries_(config.plant.lamps.size(), 0) {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        lines_[i] = std::make_unique<LineParts>();
        build_line(i, context);
    }
}

Field::~Field() = default;

void Field::start() {
    for (const std::unique_ptr<LineParts>& entry : lines_) {
        LineParts& line = *entry;
        boost::asio::co_spawn(executor_, line.bus->run(), log_failure(line.bus->name()));
        boost::asio::co_spawn(executor_, line.poller->run(), log_failure(line.bus->name()));
    }
}

void Field::stop() {
    for (const std::unique_ptr<LineParts>& entry : lines_) {
        LineParts& line = *entry;
        line.poller->stop();
        line.bus->stop();
    }
}

const wire::Bus& Field::bus(std::size_t line) const {
    return *lines_[line]->bus;
}
const device::PollerStatistics& Field::polling(std::size_t line) const {
    return lines_[line]->poller->statistics();
}
bool Field::line_up(std::size_t line) const {
    return lines_[line]->up;
}

void Field::set_wire_log(const std::string& line_or_all) {
    for (const std::unique_ptr<LineParts>& entry : lines_) {
        LineParts& line = *entry;
        const std::string name = line.bus->name();
        if (line_or_all != name && line_or_all != "all") {
            line.bus->set_wire_log({});
            continue;
        }
        line.bus->set_wire_log(
            [name](wire::Direction direction, std::span<const std::uint8_t> bytes, wire::TimePoint) {
                std::string text = direction == wire::Direction::sent ? "->" : "<-";
                for (const std::uint8_t byte : bytes)
                    text += fmt::format(" {:02x}", byte);
                site::log(site::LogLevel::info, "wire " + name, text);
            });
    }
}

bool Field::may_poll(std::size_t line, std::size_t target) const {
    const TargetObjects& objects = lines_[line]->objects[target];
    if (objects.kind != ObjectKind::lamp) return true;
    return std::any_of(objects.indices.begin(), objects.indices.end(),
                       [this](std::size_t lamp) { return state_.lamps[lamp].powered; });
}

void Field::take(std::size_t line, std::size_t target, std::span<const site::Reading> readings) {
    const TargetObjects& objects = lines_[line]->objects[target];
    for (const std::size_t index : objects.indices) {
        switch (objects.kind) {
            case ObjectKind::lamp:
                take_lamp(index, readings);
                break;
            case ObjectKind::meter:
                take_meter(index, readings);
                break;
            case ObjectKind::module:
                take_module(index, readings);
                break;
        }
        events_.read(ObjectRef{objects.kind, index});
    }
}

void Field::take_lamp(std::size_t lamp, std::span<const site::Reading> readings) {
    site::LampState& state = state_.lamps[lamp];
    const std::uint8_t head = places_[lamp].head;
    for (const site::Reading& reading : readings) {
        if (reading.head != 0 && reading.head != head) continue;
        state[reading.quantity] = site::Value{reading.value, reading.at, reading.quality};
        if (reading.quantity == Quantity::faults && reading.quality == site::Quality::ok) {
            state.faults = static_cast<std::uint32_t>(reading.value);
        }
    }
    presence({ObjectKind::lamp, lamp}, true, state.online);
    state.misses = 0;
    state.last_answer = readings.empty() ? events_.now() : readings.front().at;
}

void Field::take_meter(std::size_t meter, std::span<const site::Reading> readings) {
    site::MeterState& state = state_.meters[meter];
    for (const site::Reading& reading : readings) {
        state.at(reading.quantity, reading.phase) = site::Value{reading.value, reading.at, reading.quality};
    }
    presence({ObjectKind::meter, meter}, true, state.online);
    state.misses = 0;
    state.last_answer = readings.empty() ? events_.now() : readings.front().at;
}

void Field::take_module(std::size_t module, std::span<const site::Reading> readings) {
    const std::string& id = config_.plant.modules[module].id;
    site::ModuleState& state = state_.modules[module];
    presence({ObjectKind::module, module}, true, state.online);
    state.misses = 0;
    state.last_answer = readings.empty() ? events_.now() : readings.front().at;
    for (const site::Reading& reading : readings) {
        if (reading.quality != site::Quality::ok) continue;
        const bool bit = reading.value != 0.0;
        for (std::size_t i = 0; i < config_.plant.contactors.size(); ++i) {
            const site::Contactor& contactor = config_.plant.contactors[i];
            site::ContactorState& known = state_.contactors[i];
            if (reading.quantity == Quantity::output && contactor.module == id &&
                contactor.channel == reading.head) {
                const bool changed = known.reported != bit;
                known.reported = bit;
                known.reported_at = reading.at;
                if (changed) events_.contactor_changed(i);
            }
            if (reading.quantity == Quantity::input && contactor.aux_module == id &&
                contactor.aux_channel == reading.head) {
                const bool closed = bit == contactor.aux_normally_open;
                const bool changed = known.aux != closed;
                known.aux = closed;
                known.aux_at = reading.at;
                if (changed) events_.contactor_changed(i);
            }
        }
        for (std::size_t i = 0; i < config_.plant.inputs.size(); ++i) {
            const site::Input& input = config_.plant.inputs[i];
            if (reading.quantity != Quantity::input || input.module != id || input.channel != reading.head)
                continue;
            const std::optional<bool> before = state_.inputs[i].active;
            debounce(input, state_.inputs[i], bit != input.inverted, reading.at);
            if (before != state_.inputs[i].active) events_.input_changed(i);
        }
    }
}

void Field::miss(std::size_t line, std::size_t target, int misses) {
    const TargetObjects& objects = lines_[line]->objects[target];
    for (const std::size_t index : objects.indices) {
        const bool offline = misses >= config_.polling.offline_after;
        switch (objects.kind) {
            case ObjectKind::lamp:
                state_.lamps[index].misses = misses;
                if (offline) state_.lamps[index].online = false;
                break;
            case ObjectKind::meter:
                state_.meters[index].misses = misses;
                if (offline) presence({objects.kind, index}, false, state_.meters[index].online);
                break;
            case ObjectKind::module:
                state_.modules[index].misses = misses;
                if (offline) presence({objects.kind, index}, false, state_.modules[index].online);
                break;
        }
        events_.missed(ObjectRef{objects.kind, index});
    }
}

void Field::presence(ObjectRef object, bool online, bool& known) {
    if (known == online) return;
    known = online;
    if (object.kind == ObjectKind::module) module_set_up_[object.index] = false;
    events_.presence_changed(object);
}

void Field::lamp_powered(std::size_t lamp) {
    const Place& place = places_[lamp];
    lines_[place.line]->poller->forgive(place.target);
}

awaitable<bool> Field::read_lamp(std::size_t lamp, Priority priority) {
    const Place& place = places_[lamp];
    return lines_[place.line]->poller->read_now(place.target, priority);
}

awaitable<bool> Field::read_meter(std::size_t meter, Priority priority) {
    const Place& place = meter_places_[meter];
    return lines_[place.line]->poller->read_now(place.target, priority);
}

awaitable<bool> Field::read_module(std::size_t module, Priority priority) {
    const Place& place = module_places_[module];
    return lines_[place.line]->poller->read_now(place.target, priority);
}

awaitable<wire::Result<void>> Field::write_point(Place place, const site::Point* point, double value,
                                                 Priority priority) {
    if (point == nullptr) co_return make_error_code(wire::Errc::bad_request);
    const wire::Result<Bytes> data = device::encode(*point, value);
    if (data.has_error()) co_return data.error();
    const device::Target& target = lines_[place.line]->targets[place.target];
    const Item item = device::write_item(*point);
    const std::span<const std::uint8_t> bytes{*data};
    co_return co_await target.driver->write(target.unit, item, bytes, priority);
}

awaitable<wire::Result<void>> Field::write_level(std::size_t lamp, site::Level level, Priority priority) {
    const Place& place = places_[lamp];
    const site::Point* point = device::find_writable(*place.model, Quantity::level_pct, place.head);
    return write_point(place, point, level.percent(), priority);
}

bool Field::can_broadcast(std::size_t lamp) const {
    const site::DeviceModel& model = *places_[lamp].model;
    return model.broadcast && device::find_writable(model, Quantity::group_level_pct, 0) != nullptr;
}

std::vector<std::size_t> Field::broadcast_peers(std::size_t lamp) const {
    std::vector<std::size_t> peers;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        if (places_[i].line == places_[lamp].line && places_[i].model == places_[lamp].model)
            peers.push_back(i);
    }
    return peers;
}

awaitable<wire::Result<void>> Field::broadcast_level(std::size_t lamp, site::Level level, Priority priority) {
    const Place place = places_[lamp];
    const site::Point* point = device::find_writable(*place.model, Quantity::group_level_pct, 0);
    if (point == nullptr) co_return make_error_code(wire::Errc::bad_request);
    const wire::Result<Bytes> data = device::encode(*point, level.percent());
    if (data.has_error()) co_return data.error();
    const device::Target& target = lines_[place.line]->targets[place.target];
    const Item item = device::write_item(*point);
    const std::span<const std::uint8_t> bytes{*data};
    co_return co_await target.driver->broadcast(target.unit, item, bytes, priority);
}

awaitable<wire::Result<void>> Field::write_failsafe(std::size_t lamp, site::Level level,
                                                    std::chrono::seconds after) {
    const Place place = places_[lamp];
    const site::Point* level_point =
        device::find_writable(*place.model, Quantity::failsafe_level_pct, place.head);
    const site::Point* after_point = device::find_writable(*place.model, Quantity::failsafe_after_s, 0);
    const double percent = level.percent();
    const auto seconds = static_cast<double>(after.count());
    const wire::Result<void> first = co_await write_point(place, level_point, percent, Priority::reread);
    if (first.has_error() || after_point == nullptr) co_return first;  // the device keeps a time of its own
    co_return co_await write_point(place, after_point, seconds, Priority::reread);
}

std::size_t Field::module_index(const std::string& id) const {
    for (std::size_t i = 0; i < config_.plant.modules.size(); ++i) {
        if (config_.plant.modules[i].id == id) return i;
    }
    throw std::logic_error("no module " + id);  // the configuration check has looked
}

awaitable<bool> Field::read_contactor(std::size_t contactor) {
    const site::Contactor& wanted = config_.plant.contactors[contactor];
    const std::size_t output = module_index(wanted.module);
    bool answered = co_await read_module(output, Priority::schedule);
    if (!wanted.aux_module.empty() && wanted.aux_module != wanted.module) {
        const std::size_t aux = module_index(wanted.aux_module);
        const bool also = co_await read_module(aux, Priority::schedule);
        answered = answered && also;
    }
    co_return answered;
}

awaitable<void> Field::wait(std::chrono::milliseconds real) {
    return timers_.wait_until(timers_.now() + real);
}

awaitable<wire::Result<void>> Field::write_output(std::size_t contactor, bool closed) {
    const site::Contactor& wanted = config_.plant.contactors[contactor];
    const Place& place = module_places_[module_index(wanted.module)];
    const site::Point* point = device::find_writable(*place.model, Quantity::output, wanted.channel);
    return write_point(place, point, closed ? 1.0 : 0.0, Priority::schedule);
}

awaitable<wire::Result<void>> Field::write_watchdog(std::size_t module) {
    const Place& place = module_places_[module];
    const site::Point* point = device::find_writable(*place.model, Quantity::watchdog_s, 0);
    const auto seconds = static_cast<double>(config_.plant.modules[module].watchdog.count());
    return write_point(place, point, seconds, Priority::schedule);
}

awaitable<wire::Result<void>> Field::broadcast_time(std::size_t line, CivilTime local) {
    const LineParts& parts = *lines_[line];
    wire::Result<void> last = make_error_code(wire::Errc::bad_request);
    std::vector<const Driver*> done;
    for (const device::Target& target : parts.targets) {
        if (std::find(done.begin(), done.end(), target.driver) != done.end()) continue;
        done.push_back(target.driver);
        last = co_await target.driver->broadcast_time(target.unit, local, Priority::reread);
    }
    co_return last;
}

}  // namespace sl::app
