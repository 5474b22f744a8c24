// Overrides and holds as text that outlives a restart. One line a fact: "key value"; lamps and feeders by id,
// because indices belong to one configuration.
//   arb.override.<command>.<layer>   level, fade_s, start, principal, then "lamp <end|-> <warned> <id>" lines
//   arb.hold.<feeder>                on, start, end, last_alarm, command, principal
// The command stands in the key and, since ids are free text, once more in the value.
#include "gateway/schedule/arbitration.hpp"

#include <algorithm>
#include <charconv>

namespace sl::schedule {
namespace {

using site::SiteTime;

constexpr std::string_view override_prefix = "arb.override.";
constexpr std::string_view hold_prefix = "arb.hold.";

std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text;
}

std::string text_of(SiteTime t) {
    return std::to_string(site::to_ms(t));
}
std::string text_of(std::optional<SiteTime> t) {
    return t ? text_of(*t) : std::string{"-"};
}

void add(std::string& text, std::string_view key, const std::string& value) {
    text.append(key).append(" ").append(one_line(value)).append("\n");
}

// Cuts off the text before `separator`; all of it when there is none.
std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t at = rest.find(separator);
    const std::string_view head = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
    return head;
}

bool number(std::string_view text, std::int64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool instant(std::string_view text, SiteTime& out) {
    std::int64_t ms = 0;
    if (!number(text, ms) || ms < 0 || ms > site::to_ms(far_future)) return false;
    out = site::site_ms(ms);
    return true;
}

bool optional_instant(std::string_view text, std::optional<SiteTime>& out) {
    out.reset();
    if (text == "-") return true;
    SiteTime t;
    if (!instant(text, t)) return false;
    out = t;
    return true;
}

template <typename Things>
std::optional<std::size_t> index_of(const Things& things, std::string_view id) {
    const auto found = std::find_if(things.begin(), things.end(), [id](const auto& t) { return t.id == id; });
    if (found == things.end()) return std::nullopt;
    return static_cast<std::size_t>(found - things.begin());
}

// One "key value" line of an override's head. False when it cannot be read.
bool head_line(std::string_view key, std::string_view value, Override& entry) {
    std::int64_t n = 0;
    if (key == "command") {
        entry.command = value;
    } else if (key == "principal") {
        entry.principal = value;
    } else if (key == "start") {
        return instant(value, entry.start);
    } else if (key == "level") {
        if (!number(value, n) || n < 0 || n > 100) return false;
        entry.level = site::Level{static_cast<int>(n)};
    } else if (key == "fade_s") {
        if (!number(value, n) || n < 0 || n > 86'400) return false;
        entry.fade = std::chrono::seconds{n};
    }
    return true;
}

std::string head_text(const Override& entry) {
    std::string text;
    add(text, "command", entry.command);
    add(text, "principal", entry.principal);
    add(text, "start", text_of(entry.start));
    add(text, "level", std::to_string(entry.level.percent()));
    add(text, "fade_s", std::to_string(entry.fade.count()));
    return text;
}

}  // namespace

std::string Arbitration::key_of(std::size_t slot, const Override& entry) {
    std::string key{override_prefix};
    return key.append(one_line(entry.command)).append(".").append(site::name(layer_of(slot)));
}

std::map<std::string, std::string> Arbitration::snapshot() const {
    std::map<std::string, std::string> all;
    for (std::size_t lamp = 0; lamp < lamps_.size(); ++lamp) {
        for (std::size_t index = 0; index < layers; ++index) {
            const std::optional<Override>& entry = lamps_[lamp][index];
            if (!entry) continue;
            std::string& text = all[key_of(index, *entry)];
            if (text.empty()) text = head_text(*entry);
            const std::string mark = entry->warned ? " 1 " : " 0 ";
            add(text, "lamp", text_of(entry->end) + mark + plant_.lamps[lamp].id);
        }
    }
    for (std::size_t feeder = 0; feeder < holds_.size(); ++feeder) {
        const std::optional<FeederHold>& hold = holds_[feeder];
        if (!hold) continue;
        std::string& text = all[std::string{hold_prefix} + plant_.feeders[feeder].id];
        add(text, "on", hold->on ? "1" : "0");
        add(text, "start", text_of(hold->start));
        add(text, "end", text_of(hold->end));
        add(text, "last_alarm", text_of(hold->last_alarm));
        add(text, "command", hold->command);
        add(text, "principal", hold->principal);
    }
    return all;
}

std::vector<std::pair<std::string, std::string>> Arbitration::changes() {
    std::map<std::string, std::string> now = snapshot();
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [key, value] : now) {
        const auto before = saved_.find(key);
        if (before == saved_.end() || before->second != value) pairs.emplace_back(key, value);
    }
    for (const auto& [key, value] : saved_) {
        if (!now.contains(key)) pairs.emplace_back(key, std::string{});
    }
    saved_ = std::move(now);
    return pairs;
}

bool Arbitration::restore_override(std::string_view key, std::string_view text) {
    const std::size_t index = key.ends_with(".emergency") ? 0 : 1;
    Override entry;
    while (!text.empty()) {
        std::string_view value = cut(text, '\n');
        const std::string_view name = cut(value, ' ');
        if (name != "lamp") {
            if (!head_line(name, value, entry)) return false;
            continue;
        }
        if (!optional_instant(cut(value, ' '), entry.end)) return false;
        entry.warned = cut(value, ' ') == "1";
        if (const auto lamp = index_of(plant_.lamps, value)) lamps_[*lamp][index] = entry;
    }
    return true;
}

bool Arbitration::restore_hold(std::string_view key, std::string_view text) {
    const auto feeder = index_of(plant_.feeders, key.substr(hold_prefix.size()));
    FeederHold hold;
    // What is not readable is taken for the careful reading: off, without an end.
    bool good = true;
    while (!text.empty()) {
        std::string_view value = cut(text, '\n');
        const std::string_view name = cut(value, ' ');
        if (name == "on") hold.on = value == "1";
        if (name == "start") good = instant(value, hold.start) && good;
        if (name == "end") good = optional_instant(value, hold.end) && good;
        if (name == "last_alarm") good = instant(value, hold.last_alarm) && good;
        if (name == "command") hold.command = value;
        if (name == "principal") hold.principal = value;
    }
    if (feeder) holds_[*feeder] = std::move(hold);
    return good;
}

std::size_t Arbitration::restore(std::span<const std::pair<std::string, std::string>> pairs) {
    std::size_t unreadable = 0;
    for (const auto& [key, value] : pairs) {
        if (value.empty()) continue;
        bool good = true;
        if (key.starts_with(override_prefix)) good = restore_override(key, value);
        if (key.starts_with(hold_prefix)) good = restore_hold(key, value);
        if (!good) ++unreadable;
        saved_.insert_or_assign(key, value);
    }
    return unreadable;
}

}  // namespace sl::schedule
