// Code points, terminal columns and edit distance.
#include "gateway/settings/text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <set>

#include <fmt/format.h>

namespace sl::settings {
namespace {

struct Decoded {
    char32_t value = 0xFFFD;
    std::size_t length = 1;
};

// One code point by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
Decoded decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
    char32_t value = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {};
        value = (value << 6U) | (byte(i) & 0x3FU);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, length};
}

struct Range {
    char32_t first, last;
};
// East Asian Width W and F (Unicode annex 11), joined into coarse blocks.
constexpr std::array<Range, 14> wide{{{0x1100, 0x115F},
                                      {0x2E80, 0x303E},
                                      {0x3041, 0x33FF},
                                      {0x3400, 0x4DBF},
                                      {0x4E00, 0x9FFF},
                                      {0xA000, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF01, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1F64F},
                                      {0x1F900, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 4> zero{{{0x300, 0x36F}, {0x200B, 0x200F}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}}};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t c) {
    return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return c >= r.first && c <= r.last; });
}

// Insert, delete, replace and swap of neighbours cost 1 each.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::vector<std::size_t> next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = row[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

}  // namespace

std::u32string code_points(std::string_view utf8) {
    std::u32string out(utf8.size(), U'\0');
    std::size_t count = 0;
    const std::size_t size = utf8.size();
    const char* const bytes = utf8.data();
    for (std::size_t i = 0; i < size; ++count) {
        if (static_cast<signed char>(bytes[i]) >= 0) {  // nearly all of a configuration
            out[count] = static_cast<char32_t>(bytes[i++]);
            continue;
        }
        const auto [value, length] = decode(utf8.substr(i));
        out[count] = value;
        i += length;
    }
    out.resize(count);
    return out;
}

std::string to_utf8(std::u32string_view text) {
    std::string out;
    const auto push = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    for (const char32_t c : text) {
        if (c < 0x80) {
            push(c);
        } else if (c < 0x800) {
            push(0xC0U | (c >> 6U));
            push(0x80U | (c & 0x3FU));
        } else if (c < 0x10000) {
            push(0xE0U | (c >> 12U));
            push(0x80U | ((c >> 6U) & 0x3FU));
            push(0x80U | (c & 0x3FU));
        } else {
            push(0xF0U | (c >> 18U));
            push(0x80U | ((c >> 12U) & 0x3FU));
            push(0x80U | ((c >> 6U) & 0x3FU));
            push(0x80U | (c & 0x3FU));
        }
    }
    return out;
}

int display_width(char32_t c) {
    if (within(zero, c)) return 0;
    return within(wide, c) ? 2 : 1;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    const auto wanted = code_points(word.substr(0, 80));
    std::string best;
    std::size_t best_distance = std::numeric_limits<std::size_t>::max();
    for (const auto& candidate : candidates) {
        if (candidate.size() > 80) continue;
        const auto distance = edit_distance(wanted, code_points(candidate));
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidate;
    }
    const std::size_t limit = std::clamp<std::size_t>(wanted.size() / 3, 1, 3);
    return best_distance <= limit ? best : std::string{};
}

std::string suggest(std::string_view word, const std::vector<std::string>& candidates) {
    const auto near = nearest(word, candidates);
    if (!near.empty()) return fmt::format("did you mean \"{}\"?", near);
    std::set<std::string> known{candidates.begin(), candidates.end()};
    known.erase("");
    if (known.empty() || known.size() > 8) return {};
    return fmt::format("known: {}", fmt::join(known, ", "));
}

}  // namespace sl::settings
