// What an answer means for the exit code, and small texts people type.
#include "gateway/local/ctl.hpp"
#include "gateway/local/ctl_values.hpp"
#include "gateway/site/command.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sl::local {
namespace {

using boost::json::value;
using site::Code;

Exit exit_for(Code code) {
    switch (code) {
        case Code::ok:
            return Exit::done;
        case Code::bad_schema:
        case Code::unknown_op:
        case Code::out_of_range:
            return Exit::usage;
        case Code::unknown_target:
            return Exit::unknown_object;
        case Code::not_permitted:
            return Exit::not_allowed;
        case Code::no_reply:
            return Exit::no_answer;
        case Code::local_lockout:
        case Code::no_power:
        case Code::clock_untrusted:
            return Exit::refused;
        default:
            return Exit::failed;
    }
}

std::string_view words_for(Code code) {
    switch (code) {
        case Code::no_reply:
            return "no answer";
        case Code::nak:
            return "refused by the lamp";
        case Code::readback_mismatch:
            return "level not taken over";
        case Code::superseded:
            return "superseded";
        case Code::local_lockout:
            return "local switch in manual";
        case Code::no_power:
            return "feeder without power";
        case Code::busy:
            return "busy";
        default:
            return "failed";
    }
}

// "1 no answer (F1-07), 2 feeder without power (F2-01 F2-02)"
std::string failures(const boost::json::array& fails) {
    std::string out;
    std::vector<Code> seen;
    for (const value& fail : fails) {
        const auto& row = list_of(fail);
        const auto code = row.size() > 1 ? static_cast<Code>(integer_of(row[1])) : Code::nak;
        if (std::find(seen.begin(), seen.end(), code) != seen.end()) continue;
        seen.push_back(code);
        std::string ids;
        int count = 0;
        for (const value& other : fails) {
            const auto& cells = list_of(other);
            if (cells.size() < 2 || static_cast<Code>(integer_of(cells[1])) != code) continue;
            if (++count <= 8) ids += (ids.empty() ? "" : " ") + text_of(cells[0]);
        }
        out += fmt::format("{}{} {} ({}{})", out.empty() ? "" : ", ", count, words_for(code), ids,
                           count > 8 ? " ..." : "");
    }
    return out;
}

bool all_have(const boost::json::array& fails, Code code) {
    return std::all_of(fails.begin(), fails.end(), [code](const value& fail) {
        const auto& row = list_of(fail);
        return row.size() > 1 && static_cast<Code>(integer_of(row[1])) == code;
    });
}

}  // namespace

Verdict verdict_on(const value& reply) {
    const std::string result = text_of(at(reply, "result"));
    const auto code = static_cast<Code>(integer_of(at(reply, "code")));
    const long long total = integer_of(at(reply, "n"));
    const long long good = integer_of(at(reply, "ok"));
    const auto& fails = list_of(at(reply, "fails"));
    if (result != "ok" && result != "partial" && fails.empty()) {
        const std::string why = text_of(at(reply, "text"));
        return {result == "ok" ? Exit::done : exit_for(code == Code::ok ? Code::nak : code),
                fmt::format("{}: {}", result.empty() ? "failed" : result,
                            why.empty() ? "code " + std::to_string(static_cast<int>(code)) : why)};
    }
    Verdict verdict{Exit::done, fmt::format("{} lamp{}: {} done", total, total == 1 ? "" : "s", good)};
    if (!fails.empty()) verdict.text += ", " + failures(fails);
    if (good >= total) return verdict;
    if (good > 0) {
        verdict.exit = Exit::partly;
    } else if (all_have(fails, Code::no_reply)) {
        verdict.exit = Exit::no_answer;
    } else {
        verdict.exit = all_have(fails, Code::local_lockout) || all_have(fails, Code::no_power) ? Exit::refused
                                                                                               : Exit::failed;
    }
    return verdict;
}

Health health_of(const value& status) {
    const value& lamps = at(status, "lamps");
    const value& alarms = at(status, "alarms");
    const value& uplink = at(status, "uplink");
    const value& outbox = at(status, "outbox");
    const std::string worst = text_of(at(alarms, "worst"));
    std::vector<std::string> bad;
    std::vector<std::string> poor;
    if (worst == "critical") bad.emplace_back("a critical alarm stands");
    if (outbox.is_object() && !flag_of(at(outbox, "store_ok")))
        bad.push_back("store: " + text_of(at(outbox, "store_text")));
    if (worst == "warning" || worst == "fault")
        poor.push_back(integer_of(at(alarms, "active")) == 1
                           ? std::string{"1 alarm stands"}
                           : fmt::format("{} alarms stand", integer_of(at(alarms, "active"))));
    if (!flag_of(at(at(status, "clock"), "trusted"))) poor.emplace_back("clock not trusted");
    if (flag_of(at(uplink, "enabled")) && !flag_of(at(uplink, "connected")))
        poor.push_back("uplink down: " + text_of(at(uplink, "reason")));
    const std::string figures = fmt::format(
        "| lamps={} ok={} fault={} offline={} power_w={} outbox={}", integer_of(at(lamps, "total")),
        integer_of(at(lamps, "ok")), integer_of(at(lamps, "fault")), integer_of(at(lamps, "offline")),
        number_of(at(status, "power_w")).value_or(0.0), integer_of(at(outbox, "pending")));
    const auto line = [&figures](const char* word, const std::vector<std::string>& reasons) {
        return fmt::format("STREETLIGHT {} - {} {}\n", word, fmt::join(reasons, ", "), figures);
    };
    if (!bad.empty()) {
        bad.insert(bad.end(), poor.begin(), poor.end());
        return {2, line("CRITICAL", bad)};
    }
    if (!poor.empty()) return {1, line("WARNING", poor)};
    return {0, line("OK", {fmt::format("{} lamps watched", integer_of(at(lamps, "total")))})};
}

std::optional<long> duration_s(std::string_view text) {
    long total = 0;
    if (text.empty()) return std::nullopt;
    // A number without a unit is seconds, but only alone: "1h30" could mean two things.
    const bool bare = text.find_first_of("smhd") == std::string_view::npos;
    while (!text.empty()) {
        long number = 0;
        const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
        if (result.ec != std::errc{} || number < 0 || number > 10'000'000) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
        if (text.empty() && !bare) return std::nullopt;
        const char unit = text.empty() ? 's' : text.front();
        if (!text.empty()) text.remove_prefix(1);
        const long scale = unit == 's'   ? 1
                           : unit == 'm' ? 60
                           : unit == 'h' ? 3'600
                           : unit == 'd' ? 86'400
                                         : 0;
        if (scale == 0) return std::nullopt;
        total += number * scale;
    }
    return total > 0 ? std::optional{total} : std::nullopt;
}

namespace {

std::optional<int> digits(std::string_view text, std::size_t start, std::size_t count) {
    int number = 0;
    if (text.size() < start + count) return std::nullopt;
    const char* first = text.data() + start;
    const auto result = std::from_chars(first, first + count, number);
    if (result.ec != std::errc{} || result.ptr != first + count || number < 0) return std::nullopt;
    return number;
}

std::optional<long> time_of_day_s(std::string_view text, bool seconds) {
    const auto hours = digits(text, 0, 2);
    const auto minutes = digits(text, 3, 2);
    const auto second = seconds ? digits(text, 6, 2) : std::optional{0};
    if (!hours || !minutes || !second || text[2] != ':' || *hours > 23 || *minutes > 59 || *second > 59)
        return std::nullopt;
    return *hours * 3'600L + *minutes * 60L + *second;
}

// "2026-11-24T06:00" with or without seconds, on the clock of `now`: the difference in days and seconds.
std::optional<long long> full_time_ms(std::string_view text, std::string_view now, long long now_ms) {
    const auto day_of = [](std::string_view t) -> std::optional<std::chrono::sys_days> {
        const auto year = digits(t, 0, 4);
        const auto month = digits(t, 5, 2);
        const auto day = digits(t, 8, 2);
        if (!year || !month || !day) return std::nullopt;
        const std::chrono::year_month_day date{std::chrono::year{*year},
                                               std::chrono::month{static_cast<unsigned>(*month)},
                                               std::chrono::day{static_cast<unsigned>(*day)}};
        if (!date.ok()) return std::nullopt;
        return std::chrono::sys_days{date};
    };
    const auto day = day_of(text);
    const auto this_day = day_of(now);
    const auto time = time_of_day_s(text.substr(11), text.size() >= 19);
    const auto time_now = time_of_day_s(now.substr(11), true);
    if (!day || !this_day || !time || !time_now) return std::nullopt;
    const long long seconds = (*day - *this_day).count() * 86'400LL + *time - *time_now;
    return seconds > 0 ? std::optional{now_ms / 1'000 * 1'000 + seconds * 1'000} : std::nullopt;
}

}  // namespace

std::optional<long long> until_ms(std::string_view text, std::string_view now, long long now_ms) {
    if (now.size() < 19) return std::nullopt;
    if (text.size() == 16 || text.size() == 19) return full_time_ms(text, now, now_ms);
    if (text.size() != 5) return std::nullopt;
    const auto wanted = time_of_day_s(text, false);
    const auto current = time_of_day_s(now.substr(11), true);
    if (!wanted || !current) return std::nullopt;
    const long ahead = *wanted > *current ? *wanted - *current : *wanted - *current + 86'400;
    return now_ms / 1'000 * 1'000 + ahead * 1'000LL;
}

}  // namespace sl::local
