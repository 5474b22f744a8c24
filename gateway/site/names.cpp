// The words of the contract for the enumerations of site/. One table each; the position is the enumerator.
#include "gateway/site/alarm.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/outbox.hpp"
#include "gateway/site/quantity.hpp"
#include "gateway/site/time.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sl::site {
namespace {

using Names = std::span<const std::string_view>;

template <typename Enum>
std::string_view at(Names names, Enum value) noexcept {
    const auto index = static_cast<std::size_t>(value);
    return index < names.size() ? names[index] : std::string_view{"other"};
}

template <typename Enum>
std::optional<Enum> find(Names names, std::string_view wanted) noexcept {
    const auto it = std::find(names.begin(), names.end(), wanted);
    if (it == names.end()) return std::nullopt;
    return static_cast<Enum>(it - names.begin());
}

constexpr std::array<std::string_view, 8> time_qualities{"none", "est",  "platform", "meter",
                                                         "rtc",  "cell", "gnss",     "ntp"};
constexpr std::array<std::string_view, static_cast<std::size_t>(Quantity::count_)> quantities{
    "level_pct",         "on",         "power_w",       "reactive_var", "apparent_va",
    "voltage_v",         "current_a",  "power_factor",  "frequency_hz", "energy_wh",
    "energy_reverse_wh", "leakage_ma", "temperature_c", "burning_s",    "switch_count",
    "rssi_dbm",          "snr_db",     "lux",           "faults",       "failsafe_level_pct",
    "failsafe_after_s",  "firmware",   "output",        "input",        "watchdog_s",
    "group_level_pct"};
constexpr std::array<std::string_view, 5> phases{"", "_l1", "_l2", "_l3", "_n"};
constexpr std::array<std::string_view, static_cast<std::size_t>(FaultBit::count_)> fault_bits{
    "lamp-open",     "lamp-short",   "driver-fault", "over-temperature", "over-voltage",
    "under-voltage", "over-current", "relay",        "leakage",          "comms"};
constexpr std::array<std::string_view, 7> qualities{"ok",       "stale",    "estimated", "unsupported",
                                                    "no_power", "no_reply", "no_reply"};
constexpr std::array<std::string_view, stream_count> streams{"event", "reply", "state", "energy",
                                                             "telemetry"};
constexpr std::array<std::string_view, static_cast<std::size_t>(Op::count_)> ops{
    "lamp.set",  "feeder.set", "release",  "sync",           "read",      "replay", "selftest",
    "alarm.ack", "ledger.ack", "time.set", "config.confirm", "log.level", "reboot"};
constexpr std::array<std::string_view, 10> sources{"safety",   "local",   "maintenance", "emergency",
                                                   "override", "scene",   "sensor",      "program",
                                                   "default",  "failsafe"};
constexpr std::array<std::string_view, 4> severities{"info", "warning", "fault", "critical"};
constexpr std::array<std::string_view, 4> transitions{"raise", "update", "ack", "clear"};

struct AlarmRow {
    AlarmCode code;
    std::string_view name;
    Severity severity;
};
constexpr std::array<AlarmRow, 15> alarms{{
    {AlarmCode::clock_untrusted, "clock.untrusted", Severity::warning},
    {AlarmCode::store_degraded, "store.degraded", Severity::fault},
    {AlarmCode::insecure_transport, "transport.insecure", Severity::warning},
    {AlarmCode::line_down, "line.down", Severity::fault},
    {AlarmCode::lamp_offline, "lamp.offline", Severity::warning},
    {AlarmCode::lamp_failure, "lamp.failure", Severity::fault},
    {AlarmCode::lamp_day_burning, "lamp.day_burning", Severity::warning},
    {AlarmCode::lamp_controller_fault, "lamp.controller_fault", Severity::fault},
    {AlarmCode::meter_offline, "meter.offline", Severity::fault},
    {AlarmCode::module_offline, "module.offline", Severity::fault},
    {AlarmCode::contactor_mismatch, "contactor.mismatch", Severity::critical},
    {AlarmCode::feeder_hold_overdue, "feeder.hold_overdue", Severity::warning},
    {AlarmCode::local_manual, "cabinet.local_manual", Severity::info},
    {AlarmCode::input_active, "input.active", Severity::warning},
    {AlarmCode::override_ending, "override.ending", Severity::info},
}};
const AlarmRow* row(AlarmCode code) noexcept {
    const auto* it =
        std::find_if(alarms.begin(), alarms.end(), [code](const AlarmRow& r) { return r.code == code; });
    return it == alarms.end() ? nullptr : it;
}

}  // namespace

std::string_view name(TimeQuality quality) noexcept {
    return at(time_qualities, quality);
}
std::string_view name(Quantity quantity) noexcept {
    return at(quantities, quantity);
}
std::string_view suffix(Phase phase) noexcept {
    return at(phases, phase);
}
std::optional<Quantity> quantity_from(std::string_view name) noexcept {
    return find<Quantity>(quantities, name);
}
std::string_view name(FaultBit bit) noexcept {
    return at(fault_bits, bit);
}
std::optional<FaultBit> fault_bit_from(std::string_view name) noexcept {
    return find<FaultBit>(fault_bits, name);
}
std::string_view name(Quality quality) noexcept {
    return at(qualities, quality);
}
std::string_view name(Stream stream) noexcept {
    return at(streams, stream);
}
std::optional<Stream> stream_from(std::string_view name) noexcept {
    return find<Stream>(streams, name);
}
std::string_view name(Op op) noexcept {
    return at(ops, op);
}
std::optional<Op> op_from(std::string_view name) noexcept {
    return find<Op>(ops, name);
}
std::string_view name(Source source) noexcept {
    return at(sources, source);
}
std::string_view name(Severity severity) noexcept {
    return at(severities, severity);
}
std::string_view name(Transition transition) noexcept {
    return at(transitions, transition);
}

std::string_view name(AlarmCode code) noexcept {
    const auto* found = row(code);
    return found != nullptr ? found->name : std::string_view{"other"};
}
Severity severity(AlarmCode code) noexcept {
    const auto* found = row(code);
    return found != nullptr ? found->severity : Severity::warning;
}

}  // namespace sl::site
