// Reads one table key by key. Every key asked for is known; every other one in the table is a mistake.
#pragma once

#include "gateway/settings/files.hpp"
#include "gateway/settings/report.hpp"
#include "gateway/settings/text.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sl::settings {

// One table as it stands in one file. A table may have parts in several files.
struct Part {
    const Source* source = nullptr;
    const toml::table* table = nullptr;
};

struct Bounds {
    std::int64_t least = 0, most = 0;
};

class Reader {
  public:
    using Ms = std::chrono::milliseconds;
    template <typename Enum>
    using Words = std::initializer_list<std::pair<std::string_view, Enum>>;

    // `title` as people write it: "[site]", "[[feeder]]"; `header` is where an absent key is reported.
    Reader(Report& report, std::string title, std::vector<Part> parts, At header);

    // Each returns whether the key is there and good; `out` keeps its default otherwise.
    bool text(std::string_view key, std::string& out);
    bool id(std::string_view key, std::string& out);
    bool flag(std::string_view key, bool& out);
    bool number(std::string_view key, double& out, double least, double most);
    bool duration(std::string_view key, Ms& out, Ms least, Ms most);
    bool size(std::string_view key, std::uint64_t& out, std::uint64_t least, std::uint64_t most);
    bool words(std::string_view key, std::vector<std::string>& out);  // an array of strings
    template <typename Int>
    bool integer(std::string_view key, Int& out, std::int64_t least, std::int64_t most) {
        std::int64_t value = 0;
        if (!integer_value(key, value, {least, most})) return false;
        out = static_cast<Int>(value);
        return true;
    }
    template <typename Duration>
    bool span(std::string_view key, Duration& out, Ms least, Ms most) {
        Ms value{0};
        if (!duration(key, value, least, most)) return false;
        out = std::chrono::duration_cast<Duration>(value);
        if (Ms{out} == value) return true;
        report_.error(at(key), std::string{key} + " is finer than its unit allows");
        return false;
    }
    template <typename Enum>
    bool choice(std::string_view key, Enum& out, Words<Enum> known) {
        std::string word;
        if (!text(key, word)) return false;
        std::vector<std::string> names;
        for (const auto& [name, value] : known) {
            if (name == word) {
                out = value;
                return true;
            }
            names.emplace_back(name);
        }
        unknown_word(key, word, names);
        return false;
    }

    bool has(std::string_view key) { return find(key) != nullptr; }
    // The node of a key, which becomes known by asking; twice in two files is a mistake.
    const toml::node* find(std::string_view key);
    // Arrays of tables, all parts together; a mistake if the key is anything else.
    std::vector<Part> tables(std::string_view key);
    // A single table, all parts together.
    std::vector<Part> table(std::string_view key);

    // Reports if none of the getters found it.
    bool require(std::string_view key, std::string_view example);
    void unknown_word(std::string_view key, std::string_view word, const std::vector<std::string>& names);
    void refuse(std::string_view key, std::string message, std::string hint = {}) {
        report_.error(at(key), std::move(message), std::move(hint));
    }
    // Place of a key's value, else of the header.
    At at(std::string_view key) const { return mark_.of(key); }
    At at_element(std::string_view key, const toml::node& element) const;

    // Reports unknown keys and hands out the places. Call once, at the end.
    Mark finish();

    Report& report() { return report_; }
    const std::string& title() const { return title_; }

  private:
    bool integer_value(std::string_view key, std::int64_t& out, Bounds bounds);
    void wrong_type(std::string_view key, std::string_view expected);

    Report& report_;
    std::string title_;
    std::vector<Part> parts_;
    std::vector<std::string> known_;
    Mark mark_;
};

// Reader of one element of an array of tables, with its header marked.
Reader reader_of(Report& report, std::string title, const Part& part);

}  // namespace sl::settings
