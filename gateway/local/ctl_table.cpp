#include "gateway/local/ctl_table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sl::local {
namespace {

struct Block {
    std::uint32_t first, last;
    std::size_t width;
};
// Blocks whose signs are not one column wide (Unicode 15, East Asian Width W and F; combining marks).
constexpr std::array<Block, 14> blocks{{
    {0x0300, 0x036F, 0},
    {0x1100, 0x115F, 2},
    {0x200B, 0x200F, 0},
    {0x2E80, 0x303E, 2},
    {0x3041, 0xA4CF, 2},
    {0xA960, 0xA97C, 2},
    {0xAC00, 0xD7A3, 2},
    {0xF900, 0xFAFF, 2},
    {0xFE00, 0xFE0F, 0},
    {0xFE30, 0xFE6F, 2},
    {0xFF00, 0xFF60, 2},
    {0xFFE0, 0xFFE6, 2},
    {0x1F300, 0x1FAFF, 2},
    {0x20000, 0x3FFFD, 2},
}};

std::size_t width_of(std::uint32_t sign) {
    const auto* block = std::find_if(blocks.begin(), blocks.end(),
                                     [sign](const Block& b) { return sign >= b.first && sign <= b.last; });
    return block == blocks.end() ? 1 : block->width;
}

// Takes one sign off the front; a byte that is not UTF-8 counts as one sign.
std::uint32_t next_sign(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
    if (size > text.size()) {
        text.remove_prefix(1);
        return '?';
    }
    std::uint32_t sign = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i)
        sign = sign << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
    text.remove_prefix(size);
    return sign;
}

void append_padded(std::string& line, const std::string& shown, std::size_t shown_width, std::size_t width,
                   bool right, bool last) {
    const std::string blanks(width - shown_width, ' ');
    if (right) line += blanks;
    line += shown;
    if (!right && !last) line += blanks;
    if (!last) line += "  ";
}

}  // namespace

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty())
        width += width_of(next_sign(text));
    return width;
}

std::string paint(std::string_view text, Tone tone, bool colour) {
    if (!colour || tone == Tone::plain) return std::string{text};
    const char* code = tone == Tone::good ? "32" : tone == Tone::warning ? "33" : "31";
    return std::string{"\033["} + code + "m" + std::string{text} + "\033[0m";
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
    for (std::string& heading : headings_) {
        right_.push_back(heading.starts_with('>'));
        if (right_.back()) heading.erase(0, 1);
    }
}

void Table::row(std::vector<Cell> cells) {
    cells.resize(headings_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::text(bool colour) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < headings_.size(); ++column) {
        std::size_t width = display_width(headings_[column]);
        for (const auto& cells : rows_)
            width = std::max(width, display_width(cells[column].text));
        widths.push_back(width);
    }
    std::string out;
    const auto add = [&](std::size_t column, const std::string& shown, std::size_t shown_width) {
        append_padded(out, shown, shown_width, widths[column], right_[column], column + 1 == widths.size());
    };
    for (std::size_t column = 0; column < widths.size(); ++column)
        add(column, headings_[column], display_width(headings_[column]));
    out += '\n';
    for (const auto& cells : rows_) {
        for (std::size_t column = 0; column < widths.size(); ++column) {
            add(column, paint(cells[column].text, cells[column].tone, colour),
                display_width(cells[column].text));
        }
        out += '\n';
    }
    return out;
}

}  // namespace sl::local
