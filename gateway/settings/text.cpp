#include "gateway/settings/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace sl::settings {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Takes digits from the front; nothing when there are none or more than nine.
std::optional<std::int64_t> take_digits(std::string_view& text) {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n]))
        ++n;
    if (n == 0 || n > 9) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text.substr(0, n))
        value = value * 10 + (c - '0');
    text.remove_prefix(n);
    return value;
}

std::int64_t take_time_unit(std::string_view& text) {
    struct Unit {
        std::string_view word;
        std::int64_t ms;
    };
    static constexpr std::array<Unit, 5> units{
        {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
    for (const auto& unit : units) {
        if (!text.starts_with(unit.word)) continue;
        text.remove_prefix(unit.word.size());
        return unit.ms;
    }
    return 0;
}

std::optional<site::SunEvent> take_sun_event(std::string_view& text) {
    static constexpr std::array<std::pair<std::string_view, site::SunEvent>, 4> events{
        {{"dusk", site::SunEvent::dusk},
         {"dawn", site::SunEvent::dawn},
         {"sunset", site::SunEvent::sunset},
         {"sunrise", site::SunEvent::sunrise}}};
    for (const auto& [word, event] : events) {
        if (!text.starts_with(word)) continue;
        text.remove_prefix(word.size());
        return event;
    }
    return std::nullopt;
}

constexpr std::array<site::RoadClass, 6> road_classes{site::RoadClass::express,     site::RoadClass::main,
                                                      site::RoadClass::secondary,   site::RoadClass::branch,
                                                      site::RoadClass::residential, site::RoadClass::other};

}  // namespace

const std::vector<std::string> road_class_words{"express", "main",        "secondary",
                                                "branch",  "residential", "other"};

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, bool sign) {
    text = trim(text);
    const bool minus = sign && text.starts_with('-');
    if (minus || (sign && text.starts_with('+'))) text = trim(text.substr(1));
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    constexpr std::int64_t longest = 10'000LL * 86'400'000;
    while (!text.empty()) {
        const auto number = take_digits(text);
        if (!number) return std::nullopt;
        const auto unit = take_time_unit(text);
        if (unit == 0) return std::nullopt;
        if (*number > (longest - total) / unit) return std::nullopt;
        total += *number * unit;
    }
    return std::chrono::milliseconds{minus ? -total : total};
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto ms = duration.count();
    if (ms % 86'400'000 == 0 && ms != 0) return fmt::format("{}d", ms / 86'400'000);
    if (ms % 3'600'000 == 0 && ms != 0) return fmt::format("{}h", ms / 3'600'000);
    if (ms % 60'000 == 0 && ms != 0) return fmt::format("{}m", ms / 60'000);
    if (ms % 1'000 == 0) return fmt::format("{}s", ms / 1'000);
    return fmt::format("{}ms", ms);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    text = trim(text);
    const auto number = take_digits(text);
    if (!number) return std::nullopt;
    text = trim(text);
    static constexpr std::array<std::pair<std::string_view, unsigned>, 4> units{
        {{"B", 0}, {"KB", 10}, {"MB", 20}, {"GB", 30}}};
    for (const auto& [word, shift] : units)
        if (text == word) return static_cast<std::uint64_t>(*number) << shift;
    return std::nullopt;
}

std::optional<std::chrono::minutes> parse_clock(std::string_view text) {
    text = trim(text);
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    auto head = text.substr(0, 2);
    auto tail = text.substr(3, 2);
    const auto hour = take_digits(head);
    const auto minute = take_digits(tail);
    if (!hour || !minute || !head.empty() || !tail.empty()) return std::nullopt;
    if (*minute > 59 || *hour * 60 + *minute > 36 * 60) return std::nullopt;
    return std::chrono::minutes{*hour * 60 + *minute};
}

std::optional<site::StepAt> parse_step_at(std::string_view text) {
    text = trim(text);
    if (const auto clock = parse_clock(text)) return site::StepAt{site::ClockPoint{*clock}};
    const auto event = take_sun_event(text);
    if (!event) return std::nullopt;
    text = trim(text);
    if (text.empty()) return site::StepAt{site::SunPoint{*event, std::chrono::minutes{0}}};
    if (text.front() != '+' && text.front() != '-') return std::nullopt;
    const auto offset = parse_duration(text, true);
    if (!offset || *offset % std::chrono::minutes{1} != std::chrono::milliseconds{0}) return std::nullopt;
    if (*offset > std::chrono::hours{6} || *offset < -std::chrono::hours{6}) return std::nullopt;
    return site::StepAt{site::SunPoint{*event, std::chrono::duration_cast<std::chrono::minutes>(*offset)}};
}

std::optional<std::chrono::year_month_day> parse_date(std::string_view text) {
    text = trim(text);
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = parse_integer(text.substr(0, 4));
    const auto month = parse_integer(text.substr(5, 2));
    const auto day = parse_integer(text.substr(8, 2));
    if (!year || !month || !day || *year < 1970 || *month < 1 || *day < 1) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return date;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> parse_number(std::string_view text) {
    double value = 0.0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<site::Phase> parse_phase(std::string_view text) {
    if (text == "L1") return site::Phase::l1;
    if (text == "L2") return site::Phase::l2;
    if (text == "L3") return site::Phase::l3;
    return std::nullopt;
}

std::optional<site::RoadClass> parse_road_class(std::string_view text) {
    const auto it = std::find(road_class_words.begin(), road_class_words.end(), text);
    if (it == road_class_words.end()) return std::nullopt;
    return road_classes.at(static_cast<std::size_t>(it - road_class_words.begin()));
}

namespace {

std::optional<site::Selector> pole_selector(std::string_view text, std::string& why) {
    const auto equals = text.find('=');
    const auto modulo = parse_integer(trim(text.substr(0, equals)));
    const auto remainder =
        equals == std::string_view::npos ? std::nullopt : parse_integer(trim(text.substr(equals + 1)));
    if (!modulo || !remainder || *modulo < 2 || *modulo > 1'000 || *remainder < 0 || *remainder >= *modulo) {
        why = "expected pole%N=R with N from 2 to 1000 and R from 0 to N-1, as in pole%2=1";
        return std::nullopt;
    }
    site::Selector selector;
    selector.kind = site::Selector::Kind::pole_modulo;
    selector.modulo = static_cast<int>(*modulo);
    selector.remainder = static_cast<int>(*remainder);
    return selector;
}

}  // namespace

std::optional<site::Selector> parse_selector(std::string_view text, std::string& why) {
    using Kind = site::Selector::Kind;
    text = trim(text);
    site::Selector selector;
    if (text == "*") return selector;
    if (text.starts_with("pole%")) return pole_selector(text.substr(5), why);
    static constexpr std::array<std::pair<std::string_view, Kind>, 4> kinds{{{"tag=", Kind::tag},
                                                                             {"feeder=", Kind::feeder},
                                                                             {"phase=", Kind::phase},
                                                                             {"road=", Kind::road_class}}};
    for (const auto& [prefix, kind] : kinds) {
        if (!text.starts_with(prefix)) continue;
        const auto value = trim(text.substr(prefix.size()));
        selector.kind = kind;
        selector.values = {std::string{value}};
        if (kind == Kind::phase && !parse_phase(value)) why = "a phase is L1, L2 or L3";
        if (kind == Kind::road_class && !parse_road_class(value))
            why = fmt::format("a road is one of {}", fmt::join(road_class_words, ", "));
        if (value.empty()) why = fmt::format("nothing stands behind \"{}\"", prefix);
        if (!why.empty()) return std::nullopt;
        return selector;
    }
    why =
        "expected \"*\", \"tag=..\", \"feeder=..\", \"phase=L1\", \"road=main\", \"pole%2=1\" or a list of "
        "lamp ids";
    return std::nullopt;
}

std::string bad_id(std::string_view text) {
    if (text.empty()) return "is empty";
    if (text.size() > 64) return "is longer than 64 bytes";
    if (trim(text) != text) return "begins or ends with a space";
    for (const char32_t c : code_points(text)) {
        if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return "contains a control character";
        if (c == 0xFFFD) return "contains a broken character";
        if (c == U'/' || c == U'+' || c == U'#') return "contains one of / + #, which have a meaning in MQTT";
    }
    return {};
}

bool is_topic_word(std::string_view text) {
    if (text.empty() || text.size() > 32 || !is_alnum(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '_' || c == '-'; });
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(separator);
        const auto part = trim(text.substr(0, end));
        if (!part.empty()) parts.emplace_back(part);
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

}  // namespace sl::settings
