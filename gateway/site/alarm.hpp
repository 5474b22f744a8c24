// Alarms as they go upstream: a published table of numbers and names, and one transition.
#pragma once

#include "gateway/site/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sl::site {

enum class AlarmCode : std::uint16_t {
    clock_untrusted = 1001,
    store_degraded = 1002,
    insecure_transport = 1003,
    line_down = 1101,
    lamp_offline = 1201,
    lamp_failure = 1203,      // should be lit, draws nothing or far too little
    lamp_day_burning = 1204,  // off by command, yet drawing power
    lamp_controller_fault = 1205,
    meter_offline = 1301,
    module_offline = 1302,  // an I/O module: its contactors and inputs cannot be seen or worked
    contactor_mismatch = 1401,  // commanded and auxiliary contact disagree
    feeder_hold_overdue = 1402,
    local_manual = 1403,
    input_active = 1501,
    override_ending = 1601,
};
enum class Severity : std::uint8_t { info, warning, fault, critical };
enum class Transition : std::uint8_t { raise, update, ack, clear };
std::string_view name(AlarmCode code) noexcept;  // "lamp.failure"
Severity severity(AlarmCode code) noexcept;
std::string_view name(Severity severity) noexcept;
std::string_view name(Transition transition) noexcept;

struct AlarmTransition {
    std::string alarm_id;  // ULID, the same through all transitions of one alarm
    Transition transition = Transition::raise;
    AlarmCode code = AlarmCode::lamp_offline;
    std::string object;  // lamp, feeder, meter, line id, or the gateway's
    SiteTime since;
    std::uint32_t count = 1;
    std::string cause;  // alarm_id of the parent, or empty
    std::optional<double> value, limit;
    std::string text;
};

}  // namespace sl::site
