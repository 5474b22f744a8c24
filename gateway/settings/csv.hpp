// RFC 4180 records with the place of every cell.
#pragma once

#include "gateway/settings/report.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sl::settings {

struct Cell {
    std::string text;  // unquoted, trimmed
    At at;             // the text as it stands in the file; of a cell over several lines, its first
};
struct Record {
    At at;
    std::vector<Cell> cells;
};

// Comma, semicolon or tab, whichever the header line holds most of outside quotes.
char csv_separator(std::string_view text);

// Records without the empty ones. A broken quote is reported and ends the reading, since everything behind
// it would be misread.
std::vector<Record> parse_csv(const Source& source, std::string_view text, Report& report);

}  // namespace sl::settings
