#include "gateway/northbound/rows.hpp"

#include "gateway/json/writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace sl::northbound {
namespace {

using Names = std::string_view;
constexpr std::array<Names, 12> lamp_1{
    "id",           "age_ms",    "q",         "power_w",      "voltage_v",     "current_a",
    "power_factor", "energy_wh", "burning_s", "switch_count", "temperature_c", "leakage_ma"};
constexpr std::array<Names, 10> lamp_state_1{"id",         "age_ms",    "q",      "online",    "on",
                                             "target_pct", "level_pct", "source", "confirmed", "faults"};
constexpr std::array<Names, 20> meter_1{"id",           "age_ms",           "q",
                                        "power_w",      "power_w_l1",       "power_w_l2",
                                        "power_w_l3",   "voltage_v_l1",     "voltage_v_l2",
                                        "voltage_v_l3", "current_a_l1",     "current_a_l2",
                                        "current_a_l3", "current_a_n",      "power_factor",
                                        "frequency_hz", "reactive_var",     "apparent_va",
                                        "energy_wh",    "energy_reverse_wh"};
constexpr std::array<Names, 4> meter_state_1{"id", "age_ms", "q", "online"};
constexpr std::array<Names, 7> feeder_state_1{"id", "age_ms", "q", "on", "wanted", "held_off", "source"};
constexpr std::array<Names, 6> contactor_state_1{"id", "age_ms", "q", "commanded", "aux", "operations"};
constexpr std::array<Names, 5> input_state_1{"id", "age_ms", "q", "active", "since"};
constexpr std::array<Names, 9> interval_1{"object",      "from",   "to",           "wh",   "register_from",
                                          "register_to", "method", "coverage_pct", "flags"};

constexpr std::array<ColumnSet, 8> sets{{{"lamp", "lamp.1", lamp_1},
                                         {"lamp", "lamp.state.1", lamp_state_1},
                                         {"meter", "meter.1", meter_1},
                                         {"meter", "meter.state.1", meter_state_1},
                                         {"feeder", "feeder.state.1", feeder_state_1},
                                         {"contactor", "contactor.state.1", contactor_state_1},
                                         {"input", "input.state.1", input_state_1},
                                         {"interval", "interval.1", interval_1}}};

void append_integer(std::string& out, std::int64_t number) {
    std::array<char, 24> buffer;  // filled by to_chars
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    out.append(buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data()));
}

// Decimal text of number / 10^decimals without trailing zeros.
void append_scaled(std::string& out, std::int64_t number, int decimals, std::int64_t scale) {
    if (number < 0) {
        out += '-';
        number = -number;
    }
    append_integer(out, number / scale);
    auto rest = number % scale;
    if (rest == 0) return;
    out += '.';
    while (rest != 0 && decimals-- > 0) {
        scale /= 10;
        out += static_cast<char>('0' + rest / scale);
        rest %= scale;
    }
}

}  // namespace

std::span<const ColumnSet> column_sets() noexcept {
    return sets;
}

const ColumnSet& column_set(std::string_view cs) {
    const auto* it = std::find_if(sets.begin(), sets.end(), [cs](const ColumnSet& s) { return s.cs == cs; });
    if (it == sets.end()) throw std::out_of_range{"no column set " + std::string{cs}};
    return *it;
}

Rows::Rows(const ColumnSet& set, BodyLimits limits) : set_(set), limits_(limits) {
    json::Writer w{head_};
    w.member("kind", set.kind).member("cs", set.cs);
    if (!limits.objects) {
        w.key("cols").begin_array();
        for (const auto column : set.columns)
            w.value(column);
        w.end_array();
    }
    w.key("rows").begin_array();
    room_ = std::max<std::size_t>(limits.max_record_bytes, 1'024) - envelope_bytes;
    row_.reserve(256);
}

void Rows::cell() {
    row_ += column_ == 0 ? (limits_.objects ? '{' : '[') : ',';
    if (limits_.objects) {
        row_ += '"';
        row_ += set_.columns[column_];
        row_ += "\":";
    }
    ++column_;
}

Rows& Rows::text(std::string_view value) {
    cell();
    json::append_quoted(row_, value);
    return *this;
}
Rows& Rows::integer(std::int64_t value) {
    cell();
    append_integer(row_, value);
    return *this;
}
Rows& Rows::raw(std::string_view json) {
    cell();
    row_ += json;
    return *this;
}
Rows& Rows::null() {
    return raw("null");
}

Rows& Rows::number(double value, int decimals) {
    static constexpr std::array<std::int64_t, 4> powers{1, 10, 100, 1'000};
    if (!std::isfinite(value) || std::abs(value) > 9e12) return null();
    cell();
    const auto places = static_cast<std::size_t>(std::clamp(decimals, 0, 3));
    const auto scale = powers[places];
    append_scaled(row_, std::llround(value * static_cast<double>(scale)), decimals, scale);
    return *this;
}

Rows& Rows::value(const site::Value& value, int decimals) {
    const bool known = value.quality == site::Quality::ok || value.quality == site::Quality::stale ||
                       value.quality == site::Quality::estimated;
    return known ? number(value.value, decimals) : null();
}

void Rows::end_row() {
    if (column_ != set_.columns.size()) throw std::logic_error{"cells and columns of a row differ"};
    row_ += limits_.objects ? '}' : ']';
    if (!body_.empty() && body_.size() + row_.size() + 2 > room_) close_body();
    if (body_.empty()) {
        body_ = head_;
    } else {
        body_ += ',';
    }
    body_ += row_;
    row_.clear();
    column_ = 0;
}

void Rows::close_body() {
    body_ += ']';
    bodies_.push_back(std::move(body_));
    body_.clear();
}

std::vector<std::string> Rows::finish(std::string_view tail) {
    if (body_.empty() && !tail.empty()) body_ = head_;
    if (!body_.empty()) {
        if (!tail.empty() && body_.size() + tail.size() + 2 > room_) {
            close_body();
            body_ = head_;
        }
        close_body();
        if (!tail.empty()) bodies_.back().append(",").append(tail);
    }
    return std::exchange(bodies_, {});
}

}  // namespace sl::northbound
