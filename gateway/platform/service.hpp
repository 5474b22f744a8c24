// How the daemon talks to the service manager and to the people who read its log.
#pragma once

#include "gateway/site/log.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sl::platform {

// Log lines on stderr: "<4>area: text" for the journal, "12:00:01 warning area: text" for a person at a
// terminal.
void log_to_stderr(site::LogLevel lowest);
std::optional<site::LogLevel> log_level_from(std::string_view name);

// sd_notify; harmless without a service manager.
void notify_ready(std::string_view status);
void notify_status(std::string_view status);
void notify_stopping();
void notify_watchdog();
// How often the service manager wants to hear from us, halved; nullopt when it does not.
std::optional<std::chrono::microseconds> watchdog_period();

// Resident and anonymous memory of this process in bytes, from /proc; zeros when unreadable.
struct Memory {
    std::uint64_t resident = 0, anonymous = 0;
};
Memory memory_used();

}  // namespace sl::platform
