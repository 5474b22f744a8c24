// What a value is: the closed vocabulary of kinds. Units are part of the name; energy is integer watt hours
// everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sl::site {

enum class Quantity : std::uint8_t {
    level_pct,  // level in force as the device reports it; writable where the model says so
    on,         // measured or reported 0/1
    power_w,
    reactive_var,
    apparent_va,
    voltage_v,
    current_a,
    power_factor,  // -1..1
    frequency_hz,
    energy_wh,  // forward active energy register
    energy_reverse_wh,
    leakage_ma,
    temperature_c,
    burning_s,  // seconds lit since the lamp was fitted
    switch_count,
    rssi_dbm,
    snr_db,
    lux,
    faults,  // bit set of FaultBit
    failsafe_level_pct,
    failsafe_after_s,
    firmware,
    output,           // relay or contactor coil of an I/O module (bit)
    input,            // digital input (bit)
    watchdog_s,       // safety timer of an I/O module
    group_level_pct,  // write only: level to a group or to all by broadcast
    count_,
};

enum class Phase : std::uint8_t { none, l1, l2, l3, n };

// "power_w" + l1 -> "power_w_l1" is how a name is written in messages and models.
std::string_view name(Quantity quantity) noexcept;
std::string_view suffix(Phase phase) noexcept;  // "", "_l1", ...
std::optional<Quantity> quantity_from(std::string_view name) noexcept;

// Causes that a controller itself can report (bits of Quantity::faults).
enum class FaultBit : std::uint8_t {
    lamp_open,
    lamp_short,
    driver_fault,
    over_temperature,
    over_voltage,
    under_voltage,
    over_current,
    relay,
    leakage,
    comms,
    count_
};
std::string_view name(FaultBit bit) noexcept;  // "lamp-open", ...
std::optional<FaultBit> fault_bit_from(std::string_view name) noexcept;

// Trust in a value; names as on the wire.
enum class Quality : std::uint8_t { ok, stale, estimated, unsupported, no_power, no_reply, unknown };
std::string_view name(Quality quality) noexcept;  // unknown (never read) is written no_reply

}  // namespace sl::site
