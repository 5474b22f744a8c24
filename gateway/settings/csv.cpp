#include "gateway/settings/csv.hpp"

#include "gateway/settings/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {
namespace {

constexpr std::size_t max_cells = 64;
constexpr std::size_t max_cell_bytes = 1024;
constexpr std::size_t max_records = 20'001;

class CsvReader {
  public:
    CsvReader(const Source& source, std::string_view text, Report& report)
        : source_(source), text_(text), separator_(csv_separator(text)), report_(report) {}

    std::vector<Record> run() {
        std::vector<Record> records;
        while (good_ && position_ < text_.size()) {
            auto record = read_record();
            if (!good_) break;
            const bool empty = std::all_of(record.cells.begin(), record.cells.end(),
                                           [](const Cell& cell) { return cell.text.empty(); });
            if (empty) continue;
            if (records.size() == max_records) {
                report_.error(record.at, fmt::format("the file has more than {} rows", max_records - 1));
                break;
            }
            records.push_back(std::move(record));
        }
        return records;
    }

  private:
    char peek() const { return position_ < text_.size() ? text_[position_] : '\n'; }
    bool at_line_end() const { return peek() == '\n' || (peek() == '\r' && next_is_newline()); }
    bool next_is_newline() const { return position_ + 1 >= text_.size() || text_[position_ + 1] == '\n'; }

    // Columns count code points: continuation bytes do not move them.
    void advance() {
        const auto c = static_cast<unsigned char>(peek());
        ++position_;
        if (c == '\n') {
            ++line_;
            column_ = 1;
        } else if ((c & 0xC0U) != 0x80U) {
            ++column_;
        }
    }

    Record read_record() {
        Record record;
        record.at = At{&source_, line_, 1, 1};
        while (good_) {
            auto cell = read_cell();
            if (record.cells.size() >= max_cells)
                fail(cell.at, fmt::format("the row has more than {} cells", max_cells));
            record.cells.push_back(std::move(cell));
            if (peek() != separator_) break;
            advance();
        }
        if (peek() == '\r') advance();
        if (position_ < text_.size()) advance();
        return record;
    }

    Cell read_cell() {
        while (peek() == ' ')
            advance();
        Cell cell;
        cell.at = At{&source_, line_, column_, 1};
        const int first_line = line_;
        if (peek() == '"') {
            read_quoted(cell);
        } else {
            while (peek() != separator_ && !at_line_end() && position_ < text_.size()) {
                cell.text.push_back(peek());
                advance();
            }
        }
        if (line_ == first_line) cell.at.length = std::max(1, column_ - cell.at.column);
        cell.text = std::string{trim(cell.text)};
        if (cell.text.size() > max_cell_bytes)
            fail(cell.at, fmt::format("the cell is longer than {} bytes", max_cell_bytes));
        return cell;
    }

    void read_quoted(Cell& cell) {
        advance();
        while (position_ < text_.size()) {
            if (peek() == '"') {
                advance();
                if (peek() != '"' || position_ >= text_.size()) return after_quote();
            }
            cell.text.push_back(peek());
            advance();
        }
        fail(cell.at, "the quote is never closed");
    }

    void after_quote() {
        while (peek() == ' ')
            advance();
        if (peek() == separator_ || at_line_end()) return;
        fail(At{&source_, line_, column_, 1}, "a closing quote must end the cell",
             "write a quote inside a quoted cell twice");
    }

    void fail(const At& at, std::string message, std::string hint = {}) {
        if (good_) report_.error(at, std::move(message), std::move(hint));
        good_ = false;
    }

    const Source& source_;
    std::string_view text_;
    char separator_;
    Report& report_;
    std::size_t position_ = 0;
    int line_ = 1, column_ = 1;
    bool good_ = true;
};

}  // namespace

char csv_separator(std::string_view text) {
    std::size_t commas = 0;
    std::size_t semicolons = 0;
    std::size_t tabs = 0;
    bool quoted = false;
    for (const char c : text) {
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (c == '\n') break;
        commas += c == ',' ? 1U : 0U;
        semicolons += c == ';' ? 1U : 0U;
        tabs += c == '\t' ? 1U : 0U;
    }
    if (semicolons > commas && semicolons >= tabs) return ';';
    return tabs > commas ? '\t' : ',';
}

std::vector<Record> parse_csv(const Source& source, std::string_view text, Report& report) {
    return CsvReader{source, text, report}.run();
}

}  // namespace sl::settings
