#include "gateway/schedule/selector.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sl::schedule {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [lower](char x, char y) { return lower(x) == lower(y); });
}

std::string_view word(site::Phase phase) {
    constexpr std::array<std::string_view, 5> words{"none", "l1", "l2", "l3", "n"};
    return words[static_cast<std::size_t>(phase)];
}

std::string_view word(site::RoadClass road) {
    constexpr std::array<std::string_view, 6> words{"express", "main",        "secondary",
                                                    "branch",  "residential", "other"};
    return words[static_cast<std::size_t>(road)];
}

}  // namespace

std::optional<int> pole_number(std::string_view pole) noexcept {
    std::size_t begin = pole.size();
    while (begin > 0 && is_digit(pole[begin - 1]))
        --begin;
    int number = 0;
    const std::string_view digits = pole.substr(begin);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc{}) return std::nullopt;
    return number;
}

bool selects(const site::Selector& selector, const site::Lamp& lamp) {
    using Kind = site::Selector::Kind;
    const auto listed = [&](std::string_view what) {
        return std::any_of(selector.values.begin(), selector.values.end(),
                           [what](const std::string& value) { return same_word(value, what); });
    };
    const auto listed_id = [&](const std::string& id) {
        return std::find(selector.values.begin(), selector.values.end(), id) != selector.values.end();
    };
    switch (selector.kind) {
        case Kind::all:
            return true;
        case Kind::lamps:
            return listed_id(lamp.id);
        case Kind::feeder:
            return listed_id(lamp.feeder);
        case Kind::tag:
            return std::any_of(lamp.tags.begin(), lamp.tags.end(), listed_id);
        case Kind::phase:
            return listed(word(lamp.phase));
        case Kind::road_class:
            return listed(word(lamp.road_class));
        case Kind::pole_modulo: {
            const std::optional<int> number = pole_number(lamp.pole);
            return number && selector.modulo > 0 && *number % selector.modulo == selector.remainder;
        }
    }
    return false;
}

}  // namespace sl::schedule
