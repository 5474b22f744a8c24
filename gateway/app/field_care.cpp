// Field, third part: what devices must be told beside levels: the safety timer of I/O modules and the
// fail-safe of lamps.
#include "gateway/app/field_parts.hpp"
#include "gateway/site/log.hpp"

#include <cmath>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

namespace sl::app {

using boost::asio::awaitable;
using site::Quantity;

namespace {

// Settings live in a memory that wears; a lamp that does not keep them is left alone until it comes back on
// line.
constexpr std::uint8_t failsafe_attempts{3};
// A line that is gone for so long (real time) takes what is behind it off line.
constexpr std::chrono::seconds line_grace{30};

const site::Feeder* feeder_of(const site::Config& config, const site::Lamp& lamp) {
    for (const site::Feeder& feeder : config.plant.feeders) {
        if (feeder.id == lamp.feeder) return &feeder;
    }
    return nullptr;
}

}  // namespace

bool Field::failsafe_differs(std::size_t lamp) const {
    const site::LampState& state = state_.lamps[lamp];
    if (!state.online || !state.powered) return false;
    const site::Feeder* feeder = feeder_of(config_, config_.plant.lamps[lamp]);
    if (feeder == nullptr || !feeder->failsafe) return false;
    const site::Value& level = state[Quantity::failsafe_level_pct];
    const site::Value& after = state[Quantity::failsafe_after_s];
    // A setting that cannot be read back cannot be verified, and is not written blindly again and again.
    const bool level_wrong = level.ok() && std::lround(level.value) != feeder->failsafe->percent();
    const bool after_wrong = after.ok() && std::lround(after.value) != feeder->failsafe_after.count();
    return level_wrong || after_wrong;
}

// What a lost line leaves behind: values nobody can refresh.
void Field::doubt(ObjectRef object, int misses) {
    const bool offline = misses >= config_.polling.offline_after;
    switch (object.kind) {
        case ObjectKind::lamp:
            if (!state_.lamps[object.index].powered) return;
            state_.lamps[object.index].misses = misses;
            if (offline) state_.lamps[object.index].online = false;
            break;
        case ObjectKind::meter:
            state_.meters[object.index].misses = misses;
            if (offline) presence(object, false, state_.meters[object.index].online);
            break;
        case ObjectKind::module:
            state_.modules[object.index].misses = misses;
            if (offline) presence(object, false, state_.modules[object.index].online);
            break;
    }
    events_.missed(object);
}

// While the line is gone nothing is asked, so no misses are counted: its objects become stale at once and go
// off line after a grace. When it is back each of them has the benefit of the doubt until it has been asked.
void Field::line_changed(std::size_t line, bool up) {
    LineParts& parts = *lines_[line];
    parts.up = up;
    parts.written_off = false;
    parts.down_since.reset();
    if (!up) parts.down_since = timers_.now();
    for (const TargetObjects& objects : parts.objects) {
        for (const std::size_t index : objects.indices)
            doubt({objects.kind, index}, 1);
    }
}

void Field::write_off_lost_lines() {
    for (const std::unique_ptr<LineParts>& entry : lines_) {
        LineParts& parts = *entry;
        const bool due = parts.down_since && timers_.now() - *parts.down_since >= line_grace;
        if (!due || parts.written_off) continue;
        parts.written_off = true;
        for (const TargetObjects& objects : parts.objects) {
            for (const std::size_t index : objects.indices)
                doubt({objects.kind, index}, config_.polling.offline_after);
        }
    }
}

void Field::look_after_devices() {
    write_off_lost_lines();
    for (std::size_t i = 0; i < failsafe_tries_.size(); ++i) {
        if (!state_.lamps[i].online) failsafe_tries_[i] = 0;
    }
    if (looking_after_) return;
    looking_after_ = true;
    boost::asio::co_spawn(executor_, set_up_devices(), log_failure("field"));
}

awaitable<void> Field::set_up_devices() {
    for (std::size_t m = 0; m < module_set_up_.size(); ++m) {
        if (module_set_up_[m] || !state_.modules[m].online) continue;
        module_set_up_[m] = true;
        if (config_.plant.modules[m].watchdog.count() == 0) continue;
        const wire::Result<void> written = co_await write_watchdog(m);
        if (written.has_error()) {
            site::log(site::LogLevel::warning, "module " + config_.plant.modules[m].id,
                      "safety timer not set: " + written.error().message());
            const auto error = static_cast<wire::Errc>(written.error().value());
            const wire::Next next = wire::next_step(error);
            module_set_up_[m] = next != wire::Next::retry && next != wire::Next::reopen_port;  // it refused
        }
    }
    for (std::size_t i = 0; i < failsafe_tries_.size(); ++i) {
        if (failsafe_tries_[i] >= failsafe_attempts || !failsafe_differs(i)) continue;
        ++failsafe_tries_[i];
        const site::Feeder* feeder = feeder_of(config_, config_.plant.lamps[i]);
        const site::Level level = *feeder->failsafe;
        const std::chrono::seconds after = feeder->failsafe_after;
        const wire::Result<void> written = co_await write_failsafe(i, level, after);
        // Believed only when it is read back, at the next slow turn.
        if (written.has_value()) {
            state_.lamps[i][Quantity::failsafe_level_pct].quality = site::Quality::stale;
            state_.lamps[i][Quantity::failsafe_after_s].quality = site::Quality::stale;
        }
    }
    looking_after_ = false;
}

}  // namespace sl::app
