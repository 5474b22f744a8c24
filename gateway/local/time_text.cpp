#include "gateway/local/time_text.hpp"

#include <cstdlib>

#include <fmt/format.h>

namespace sl::local {

std::string date_text(std::chrono::year_month_day date) {
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string iso_text(site::SiteTime t, const site::Zone& zone) {
    using std::chrono::floor;
    const auto local = floor<std::chrono::seconds>(zone.to_local(t));
    const auto day = floor<std::chrono::days>(local);
    const std::chrono::hh_mm_ss time{local - day};
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(zone.offset(t)).count();
    return fmt::format("{}T{:02}:{:02}:{:02}{}{:02}:{:02}", date_text(std::chrono::year_month_day{day}),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

}  // namespace sl::local
