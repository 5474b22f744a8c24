// Rows of a named column set, cut into bodies that each fit one record. A row is some forty nanoseconds a
// cell, because a city cabinet sends a thousand of them at once.
#pragma once

#include "gateway/site/state.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sl::northbound {

struct BodyLimits {
    std::size_t max_record_bytes = 16'384;
    bool objects = false;  // rows as objects instead of tuples
};
// What envelope and braces may take of a record; the rest is the body's.
inline constexpr std::size_t envelope_bytes = 384;

struct ColumnSet {
    std::string_view kind, cs;
    std::span<const std::string_view> columns;
};
// Every set that is sent, for meta and for the documentation.
std::span<const ColumnSet> column_sets() noexcept;
const ColumnSet& column_set(std::string_view cs);  // throws std::out_of_range for a name that is none

class Rows {
  public:
    Rows(const ColumnSet& set, BodyLimits limits);

    // Cells in the order of the columns; end_row() after the last.
    Rows& text(std::string_view value);
    Rows& integer(std::int64_t value);
    Rows& number(double value, int decimals);  // at most 3
    Rows& flag(bool value) { return integer(value ? 1 : 0); }
    Rows& null();
    Rows& raw(std::string_view json);
    // A value of the table: null unless its quality says that it is a value.
    Rows& value(const site::Value& value, int decimals);
    void end_row();

    // One body a record. `tail` is appended to the last ("\"snap_end\":..."); without rows and tail: none.
    std::vector<std::string> finish(std::string_view tail = {});

  private:
    void cell();
    void close_body();
    const ColumnSet& set_;
    BodyLimits limits_;
    std::size_t room_;
    std::string head_, body_, row_;
    std::size_t column_ = 0;
    std::vector<std::string> bodies_;
};

}  // namespace sl::northbound
