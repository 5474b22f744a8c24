// One line per change of state, by consequence. Parts below app/ log through this; platform/ decides where
// lines go.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace sl::site {

enum class LogLevel : std::uint8_t {
    debug,    // only when looking for something
    info,     // a change of state that is as it should be
    warning,  // something works less well, nobody has to act at once
    error,    // somebody has to act
};

using LogSink = std::function<void(LogLevel, std::string_view area, std::string_view text)>;

// Without a sink nothing is written (tests). `area` names the part: "bus lamps485", "mqtt", "store".
void set_log_sink(LogSink sink, LogLevel lowest);
void log(LogLevel level, std::string_view area, std::string_view text);

}  // namespace sl::site
