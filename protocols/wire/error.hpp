// Errors of the field side. Every error says what happens next, so that no caller has to guess.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace sl::wire {

// What went wrong in one exchange with one device.
enum class Errc {
    timeout = 1,     // no answer before the deadline
    bad_frame,       // an answer came, but its checksum, length or shape is wrong
    foreign_answer,  // a well-formed answer that belongs to somebody else (late, other unit, other function)
    busy,            // the device says "later" (Modbus exception 5 or 6)
    unsupported,     // the device does not know this function (Modbus 1)
    no_such_point,   // the device does not have this register or data item (Modbus 2, DL/T 645 ERR bit 1)
    bad_value,       // the device refuses the value (Modbus 3)
    not_permitted,   // password or mode forbids it (DL/T 645 ERR bit 2)
    device_failure,  // the device reports that it is broken (Modbus 4, 8)
    path_unavailable,  // a gateway cannot reach the device behind it (Modbus 0A, 0B)
    port_lost,         // the serial device or the connection is gone
    cancelled,         // the line is stopping
    bad_request,       // the caller asked for what the protocol cannot say (a defect or a wrong model)
};

// The polling policy that follows from an error.
enum class Next {
    retry,          // ask again at once, within the retry limit
    give_up_round,  // leave this device until its next turn
    exclude_point,  // never ask this device for this point again until it is re-identified
    stop_device,    // stop the device: its configuration is wrong
    reopen_port,    // the line itself has to be opened anew
};

Next next_step(Errc code) noexcept;
const char* name(Errc code) noexcept;

const boost::system::error_category& wire_category() noexcept;
inline boost::system::error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), wire_category()};
}

template <typename T>
using Result = boost::system::result<T>;

}  // namespace sl::wire

template <>
struct boost::system::is_error_code_enum<sl::wire::Errc> : std::true_type {};
