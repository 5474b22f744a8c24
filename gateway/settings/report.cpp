#include "gateway/settings/report.hpp"

#include "gateway/settings/text.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace sl::settings {
namespace {

// Code points of a source line kept left and right of the caret when the line is long.
constexpr std::size_t window = 100;

// A file may hold terminal escape sequences: whatever is not printable is shown as a replacement.
std::u32string printable(std::string_view line) {
    auto text = code_points(line);
    for (auto& c : text) {
        const bool control = (c < 0x20 && c != U'\t') || (c >= 0x7F && c < 0xA0);
        const bool direction = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
        if (control || direction) c = 0xFFFD;
    }
    return text;
}

struct Window {
    std::u32string text;
    std::size_t caret = 0, length = 1;
};

Window cut(const Diagnostic& diagnostic) {
    Window out{printable(diagnostic.source_line), 0, 1};
    out.caret = std::min(static_cast<std::size_t>(std::max(1, diagnostic.column)) - 1, out.text.size());
    out.length = static_cast<std::size_t>(std::max(1, diagnostic.caret_length));
    if (out.caret + out.length > out.text.size())
        out.length = std::max<std::size_t>(1, out.text.size() - out.caret);
    out.length = std::min(out.length, window);
    if (out.text.size() <= 2 * window) return out;
    const std::size_t first = out.caret > window ? out.caret - window : 0;
    const bool more = out.text.size() > first + 2 * window;
    out.text = out.text.substr(first, 2 * window);
    out.caret -= first;
    if (first > 0) out.text.front() = U'\u2026';
    if (more) out.text.back() = U'\u2026';
    return out;
}

std::string padding(std::u32string_view text) {
    std::string out;
    for (const char32_t c : text) {
        if (c == U'\t') {
            out.push_back('\t');
        } else {
            out.append(static_cast<std::size_t>(display_width(c)), ' ');
        }
    }
    return out;
}

std::size_t width(std::u32string_view text) {
    std::size_t sum = 0;
    for (const char32_t c : text)
        sum += static_cast<std::size_t>(display_width(c));
    return std::max<std::size_t>(1, sum);
}

std::string plural(int n, std::string_view word) {
    return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

}  // namespace

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.emplace_back(line);
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

// The line, with a place that lies in it: a parser reports the end of a file behind its last line.
static void show_line(const Source& source, Diagnostic& diagnostic) {
    const auto lines = static_cast<int>(source.lines.size());
    if (lines == 0) return;
    const bool behind = diagnostic.line > lines;
    diagnostic.line = std::min(diagnostic.line, lines);
    diagnostic.source_line = source.lines[static_cast<std::size_t>(diagnostic.line) - 1];
    const auto last = static_cast<int>(code_points(diagnostic.source_line).size()) + 1;
    diagnostic.column = behind ? last : std::min(diagnostic.column, last);
}

void Report::add(Diagnostic diagnostic) {
    if (diagnostic.error) ++errors_;
    if (out_.size() < most) {
        out_.push_back(std::move(diagnostic));
    } else {
        ++left_out_;
    }
}

void Report::add(const At& at, bool error, std::string message, std::string hint) {
    Diagnostic diagnostic;
    diagnostic.line = std::max(1, at.line);
    diagnostic.column = std::max(1, at.column);
    diagnostic.caret_length = std::max(1, at.length);
    diagnostic.error = error;
    diagnostic.message = std::move(message);
    diagnostic.hint = std::move(hint);
    if (at.source != nullptr) {
        diagnostic.file = at.source->path;
        show_line(*at.source, diagnostic);
    }
    add(std::move(diagnostic));
}

void Report::error_masked(const At& at, std::string message, std::string hint) {
    Source copy;
    copy.path = at.source->path;
    copy.lines = at.source->lines;
    const auto index = static_cast<std::size_t>(at.line) - 1;
    if (index < copy.lines.size()) {
        auto text = code_points(copy.lines[index]);
        for (auto i = static_cast<std::size_t>(at.column) - 1; i < text.size(); ++i)
            text[i] = U'*';
        copy.lines[index] = to_utf8(text);
    }
    At masked = at;
    masked.source = &copy;
    add(masked, true, std::move(message), std::move(hint));
}

void Report::close() {
    if (left_out_ == 0 || out_.empty()) return;
    auto last = out_.back();
    last.error = errors_ > 0;
    last.message = fmt::format("{} more are not shown", left_out_);
    last.hint.clear();
    out_.push_back(std::move(last));
    left_out_ = 0;
}

std::string place(const At& at) {
    if (at.source == nullptr) return {};
    return fmt::format("{}:{}", std::filesystem::path{at.source->path}.filename().string(), at.line);
}

std::string render(const Diagnostic& diagnostic) {
    std::string out =
        fmt::format("{}:{}:{}: {}: {}\n", diagnostic.file, diagnostic.line, diagnostic.column,
                    diagnostic.error ? "error" : "warning", to_utf8(printable(diagnostic.message)));
    const auto hint = to_utf8(printable(diagnostic.hint));
    if (diagnostic.source_line.empty()) return hint.empty() ? out : out + "  " + hint + "\n";
    const auto shown = cut(diagnostic);
    const auto number = fmt::format("{:>5}", diagnostic.line);
    const std::u32string_view text{shown.text};
    out += fmt::format("{} | {}\n", number, to_utf8(text));
    out += fmt::format("{} | {}{}", std::string(number.size(), ' '), padding(text.substr(0, shown.caret)),
                       std::string(width(text.substr(shown.caret, shown.length)), '^'));
    if (!hint.empty()) out += "  " + hint;
    return out + "\n";
}

CheckResult count(const std::vector<Diagnostic>& diagnostics) {
    CheckResult result;
    for (const auto& diagnostic : diagnostics)
        ++(diagnostic.error ? result.errors : result.warnings);
    return result;
}

std::string summary(const Loaded& loaded) {
    const auto result = count(loaded.diagnostics);
    if (!loaded.config) {
        auto text = plural(result.errors, "error");
        if (result.warnings > 0) text += ", " + plural(result.warnings, "warning");
        return text + ". The running configuration is untouched.";
    }
    const auto& plant = loaded.config->plant;
    return fmt::format("Valid: {}, {}, {}. sha256 {}",
                       plural(static_cast<int>(plant.feeders.size()), "feeder"),
                       plural(static_cast<int>(plant.lamps.size()), "lamp"),
                       plural(result.warnings, "warning"), loaded.config->sha256.substr(0, 12));
}

}  // namespace sl::settings
