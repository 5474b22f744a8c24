#include "tests/sim/clock.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>

#include <fmt/format.h>

namespace sl::sim {

namespace {

std::int64_t real_ns() {
    timespec spec{};
    clock_gettime(CLOCK_MONOTONIC, &spec);
    return std::int64_t{spec.tv_sec} * 1'000'000'000 + spec.tv_nsec;
}

double wall_s() {
    timespec spec{};
    clock_gettime(CLOCK_REALTIME, &spec);
    return static_cast<double>(spec.tv_sec) + static_cast<double>(spec.tv_nsec) * 1e-9;
}

}  // namespace

CivilTime civil_from(double local_s) {
    const auto whole = static_cast<std::time_t>(std::floor(local_s));
    std::tm parts{};
    gmtime_r(&whole, &parts);
    return {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
            parts.tm_min,         parts.tm_sec,     parts.tm_wday};
}

double seconds_from(const CivilTime& civil) {
    std::tm parts{};
    parts.tm_year = civil.year - 1900;
    parts.tm_mon = civil.month - 1;
    parts.tm_mday = civil.day;
    parts.tm_hour = civil.hour;
    parts.tm_min = civil.minute;
    parts.tm_sec = civil.second;
    return static_cast<double>(timegm(&parts));
}

std::optional<Instant> parse_instant(std::string_view text) {
    const std::string copy{text};
    CivilTime civil;
    int used = 0;
    if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &civil.year, &civil.month, &civil.day,
                    &civil.hour, &civil.minute, &civil.second, &used) != 6) {
        return std::nullopt;
    }
    const std::string zone = copy.substr(static_cast<std::size_t>(used));
    int offset = 0;
    if (!zone.empty() && zone != "Z") {
        char sign = '+';
        int hours = 0;
        int minutes = 0;
        if (std::sscanf(zone.c_str(), "%c%2d:%2d", &sign, &hours, &minutes) != 3) return std::nullopt;
        offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    }
    return Instant{seconds_from(civil) - offset, offset};
}

std::string format_instant(double utc_s, int offset_s) {
    const CivilTime civil = civil_from(utc_s + offset_s);
    const int minutes = std::abs(offset_s) / 60;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", civil.year, civil.month, civil.day,
                       civil.hour, civil.minute, civil.second, offset_s < 0 ? '-' : '+', minutes / 60,
                       minutes % 60);
}

Clock::Clock(std::optional<Instant> start, double speed)
    : base_sim_s_(start ? start->utc_s : wall_s()),
      base_real_ns_(real_ns()),
      speed_(speed),
      offset_s_(start ? start->offset_s : 8 * 3600) {}

Now Clock::now() const {
    const std::int64_t real = real_ns();
    return {real, base_sim_s_ + static_cast<double>(real - base_real_ns_) * 1e-9 * speed_};
}

void Clock::set_speed(double speed) {
    const Now current = now();
    base_sim_s_ = current.sim_s;
    base_real_ns_ = current.real_ns;
    speed_ = speed;
}

}  // namespace sl::sim
