// Small readers of typed text: durations, sizes, times of day, numbers; and what is needed to point at text.
#pragma once

#include "gateway/site/plan.hpp"
#include "gateway/site/plant.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sl::settings {

// "300ms", "20s", "1h30m", "7d"; a leading minus only where `sign` says so.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, bool sign = false);
std::string duration_text(std::chrono::milliseconds duration);  // the shortest way to write it
// "200MB", "64KB", "512B" (powers of 1024)
std::optional<std::uint64_t> parse_size(std::string_view text);
// "23:00", up to 36:00 (noon of the next day)
std::optional<std::chrono::minutes> parse_clock(std::string_view text);
// "23:00", "dusk", "dawn - 10m"
std::optional<site::StepAt> parse_step_at(std::string_view text);
std::optional<std::chrono::year_month_day> parse_date(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);  // finite decimal, point as separator

// "*", "tag=crossing", "feeder=F1", "phase=L1", "road=main", "pole%2=1"
std::optional<site::Selector> parse_selector(std::string_view text, std::string& why);
std::optional<site::Phase> parse_phase(std::string_view text);
std::optional<site::RoadClass> parse_road_class(std::string_view text);
extern const std::vector<std::string> road_class_words;

// An id: UTF-8, 1 to 64 bytes, no control character, no space at the ends, none of / + # (MQTT). Returns why
// not, or "".
std::string bad_id(std::string_view text);
// A part of an MQTT topic: [A-Za-z0-9][A-Za-z0-9_-]{0,31}
bool is_topic_word(std::string_view text);

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);  // trimmed, empty parts left out

// Code points; an invalid byte counts as one and comes out as U+FFFD.
std::u32string code_points(std::string_view utf8);
std::string to_utf8(std::u32string_view text);
int display_width(char32_t c);  // columns on a terminal: 0, 1 or 2

// The candidate that the word was probably meant to be; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// Hint for a word that is not among the candidates.
std::string suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sl::settings
