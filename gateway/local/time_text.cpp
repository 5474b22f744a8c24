#include "gateway/local/time_text.hpp"

#include "gateway/local/dates.hpp"

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

namespace sl::local {

std::optional<std::chrono::year_month_day> read_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto number = [text](std::size_t from, std::size_t count) {
        int value = -1;
        const char* const first = text.data() + from;
        const auto result = std::from_chars(first, first + count, value);
        return result.ec == std::errc{} && result.ptr == first + count ? value : -1;
    };
    const int year = number(0, 4);
    const int month = number(5, 2);
    const int day = number(8, 2);
    if (year < 0 || month < 0 || day < 0) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    return date.ok() ? std::optional{date} : std::nullopt;
}

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
