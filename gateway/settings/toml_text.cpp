// TOML text -> tree. toml++ 3.3 overflows the stack on very deep dotted keys and relies on an assertion where
// a '[' is not followed by a key, so both are refused here before it sees them.
#include "gateway/settings/files.hpp"
#include "gateway/settings/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {
namespace {

// Follows strings, comments and brackets just far enough to find headers and to count the parts of keys.
class Precheck {
  public:
    Precheck(const Source& source, Report& report) : source_(source), report_(report) {}

    bool run() {
        for (line_ = 0; line_ < source_.lines.size(); ++line_)
            if (!check_line(source_.lines[line_])) return false;
        return true;
    }

  private:
    enum class Inside { nothing, basic, literal };  // a multi-line string

    bool fail(std::size_t byte, std::string message, std::string hint = {}) {
        const auto& line = source_.lines[line_];
        const auto column = code_points(std::string_view{line}.substr(0, byte)).size() + 1;
        report_.error(At{&source_, static_cast<int>(line_ + 1), static_cast<int>(column), 1},
                      std::move(message), std::move(hint));
        return false;
    }

    bool check_line(std::string_view line) {
        if (line.size() > max_line_bytes)
            return fail(0, fmt::format("the line is longer than {} bytes", max_line_bytes));
        std::size_t i = 0;
        dots_ = 0;
        if (inside_ == Inside::nothing && depth_ == 0) {
            while (i < line.size() && (line[i] == ' ' || line[i] == '\t'))
                ++i;
            if (i < line.size() && line[i] == '[') return check_header(line, i);
        }
        while (i < line.size())
            if (!step(line, i)) return false;
        return true;
    }

    bool check_header(std::string_view line, std::size_t i) {
        ++i;
        while (i < line.size() && (line[i] == ' ' || line[i] == '\t'))
            ++i;
        if (i < line.size() && line[i] == '[') ++i;
        while (i < line.size() && (line[i] == ' ' || line[i] == '\t'))
            ++i;
        const bool key = i < line.size() && (starts_key(line[i]));
        if (!key)
            return fail(std::min(i, line.size()), "a name must follow \"[\"", "as in [site] or [[feeder]]");
        depth_ = line.substr(0, i).find("[[") == std::string_view::npos ? 1 : 2;
        while (i < line.size())
            if (!step(line, i)) return false;
        depth_ = 0;
        return true;
    }

    static bool starts_key(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '"' || c == '\'';
    }

    // Consumes one token's worth of the line.
    bool step(std::string_view line, std::size_t& i) {
        if (inside_ != Inside::nothing) return leave_multiline(line, i);
        const char c = line[i];
        if (c == '#') {
            i = line.size();
        } else if (c == '"' || c == '\'') {
            skip_string(line, i);
        } else {
            if (c == '.' && ++dots_ >= max_key_parts)
                return fail(i, fmt::format("a key has more than {} parts", max_key_parts));
            if (c == '=' || c == ',' || c == '{' || c == '}' || c == '[' || c == ']') dots_ = 0;
            if (c == '[') ++depth_;
            if (c == ']' && depth_ > 0) --depth_;
            ++i;
        }
        return true;
    }

    void skip_string(std::string_view line, std::size_t& i) {
        const char quote = line[i];
        if (line.substr(i).starts_with(std::string(3, quote))) {
            inside_ = quote == '"' ? Inside::basic : Inside::literal;
            i += 3;
            return;
        }
        for (++i; i < line.size(); ++i) {
            if (line[i] == '\\' && quote == '"') {
                ++i;
            } else if (line[i] == quote) {
                ++i;
                return;
            }
        }
        i = std::min(i, line.size());
    }

    bool leave_multiline(std::string_view line, std::size_t& i) {
        const char quote = inside_ == Inside::basic ? '"' : '\'';
        if (line[i] == '\\' && quote == '"') {
            i = std::min(i + 2, line.size());
            return true;
        }
        if (!line.substr(i).starts_with(std::string(3, quote))) {
            ++i;
            return true;
        }
        inside_ = Inside::nothing;
        i += 3;
        while (i < line.size() && line[i] == quote)
            ++i;  // up to two quotes belong to the text
        return true;
    }

    const Source& source_;
    Report& report_;
    std::size_t line_ = 0;
    int depth_ = 0, dots_ = 0;
    Inside inside_ = Inside::nothing;
};

int as_int(toml::source_index value) {
    return std::max(1, static_cast<int>(value));
}

// Length of a value that stands on one line. The parser's own end is used where it is plausible.
int length_on_line(const Source& source, const toml::source_region& region) {
    const auto line = static_cast<std::size_t>(as_int(region.begin.line)) - 1;
    if (line >= source.lines.size()) return 1;
    // Called for every key that is read, on text that was checked: each byte but the continuations begins
    // one.
    int size = 0;
    for (const char byte : source.lines[line])
        size += (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U ? 1 : 0;
    const int rest = std::max(1, size - as_int(region.begin.column) + 1);
    if (region.end.line != region.begin.line || region.end.column <= region.begin.column) return rest;
    return std::min(rest, static_cast<int>(region.end.column - region.begin.column));
}

bool readable(const Source& source, std::string_view bytes, Report& report) {
    const auto broken = invalid_utf8(bytes);
    if (broken == std::string_view::npos) return true;
    const auto before = bytes.substr(0, broken);
    const auto newline = before.rfind('\n');
    const auto start = newline == std::string_view::npos ? 0 : newline + 1;
    At at{&source, 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<int>(code_points(before.substr(start)).size()), 1};
    report.error(
        at, fmt::format("byte 0x{:02X} is not UTF-8", static_cast<unsigned char>(bytes[broken])),
        is_gb18030(bytes) ? "the file looks like GB18030 (GBK); save it as UTF-8" : "save the file as UTF-8");
    return false;
}

}  // namespace

std::unique_ptr<Document> parse_toml(std::string path, std::string_view bytes, Report& report) {
    auto document = std::make_unique<Document>();
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    document->source.path = std::move(path);
    document->source.lines = lines_of(bytes);
    const auto& source = document->source;
    if (!readable(source, bytes, report)) return nullptr;
    if (!Precheck{source, report}.run()) return nullptr;
    try {
        document->table = toml::parse(bytes, std::string_view{source.path});
    } catch (const toml::parse_error& failure) {
        const auto& begin = failure.source().begin;
        report.error(At{&source, as_int(begin.line), as_int(begin.column), 1},
                     std::string{failure.description()});
        return nullptr;
    }
    return document;
}

At at_key(const Source& source, const toml::key& key) {
    const auto& region = key.source();
    return At{&source, as_int(region.begin.line), as_int(region.begin.column),
              length_on_line(source, region)};
}

At at_node(const Source& source, const toml::node& node) {
    const auto& region = node.source();
    return At{&source, as_int(region.begin.line), as_int(region.begin.column),
              length_on_line(source, region)};
}

}  // namespace sl::settings
