// Tables as systemctl prints them: columns aligned by what a terminal shows, no borders.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sl::local {

// Columns a UTF-8 text takes on a terminal: Chinese and other wide signs take two, combining ones none.
std::size_t display_width(std::string_view text);

enum class Tone { plain, good, warning, bad };

struct Cell {
    Cell() = default;
    Cell(std::string content, Tone shade = Tone::plain) : text(std::move(content)), tone(shade) {}  // NOLINT
    Cell(const char* content) : text(content) {}                                                    // NOLINT
    std::string text;
    Tone tone = Tone::plain;
};

class Table {
  public:
    // A heading that begins with '>' is a column of numbers, aligned to the right.
    explicit Table(std::vector<std::string> headings);
    void row(std::vector<Cell> cells);
    std::string text(bool colour) const;

  private:
    std::vector<std::string> headings_;
    std::vector<bool> right_;
    std::vector<std::vector<Cell>> rows_;
};

std::string paint(std::string_view text, Tone tone, bool colour);

}  // namespace sl::local
