#include "gateway/platform/service.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace sl::platform {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
constexpr std::array<int, 4> journal_levels{7, 6, 4, 3};  // syslog priorities

void write_line(const std::string& line) {
    // One write per line, so that lines of several processes on one terminal do not mix.
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
        // Nobody left to tell.
    }
}

std::string clock_text() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace

void log_to_stderr(site::LogLevel lowest) {
    const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    site::set_log_sink(
        [journal](site::LogLevel level, std::string_view area, std::string_view text) {
            const auto index = static_cast<std::size_t>(level);
            if (journal) {
                write_line(fmt::format("<{}>{}: {}\n", journal_levels[index], area, text));
            } else {
                write_line(fmt::format("{} {:<7} {}: {}\n", clock_text(), level_names[index], area, text));
            }
        },
        lowest);
}

std::optional<site::LogLevel> log_level_from(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) return static_cast<site::LogLevel>(i);
    }
    return std::nullopt;
}

void notify_ready(std::string_view status) {
    (void)::sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}
void notify_status(std::string_view status) {
    (void)::sd_notify(0, fmt::format("STATUS={}", status).c_str());
}
void notify_stopping() {
    (void)::sd_notify(0, "STOPPING=1");
}
void notify_watchdog() {
    (void)::sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_period() {
    std::uint64_t period = 0;
    if (::sd_watchdog_enabled(0, &period) <= 0 || period == 0) return std::nullopt;
    return std::chrono::microseconds{period / 2};
}

Memory memory_used() {
    Memory used;
    std::FILE* file = std::fopen("/proc/self/status", "re");
    if (file == nullptr) return used;
    std::array<char, 256> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
        unsigned long long kib = 0;
        if (std::sscanf(line.data(), "VmRSS: %llu kB", &kib) == 1) used.resident = kib * 1024;
        if (std::sscanf(line.data(), "RssAnon: %llu kB", &kib) == 1) used.anonymous = kib * 1024;
    }
    (void)std::fclose(file);
    return used;
}

}  // namespace sl::platform
