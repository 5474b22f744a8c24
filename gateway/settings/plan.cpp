// [[group]] [[profile]] [[schedule]] [[calendar]] [astro]
#include "gateway/settings/draft.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

void read_group(Reader& in, site::Group& out) {
    in.require("id", "\"crossings\"");
    in.id("id", out.id);
    in.text("name", out.name);
    if (!in.require("select", "\"tag=crossing\"")) return;
    if (in.find("select")->is_array()) {
        out.select.kind = site::Selector::Kind::lamps;
        if (in.words("select", out.select.values) && out.select.values.empty())
            in.refuse("select", "the list of lamps is empty");
        return;
    }
    std::string word;
    std::string why;
    if (!in.text("select", word)) return;
    if (const auto selector = parse_selector(word, why)) {
        out.select = *selector;
    } else {
        in.refuse("select", fmt::format("\"{}\" selects nothing", word), why);
    }
}

bool read_step(Reader& in, site::Step& out) {
    in.require("at", "\"dusk\"");
    in.require("level", "100");
    std::string word;
    bool good = in.text("at", word);
    if (good) {
        const auto at = parse_step_at(word);
        good = at.has_value();
        if (at) {
            out.at = *at;
        } else {
            in.refuse("at", fmt::format("\"{}\" is not a time of the night", word),
                      "as in \"23:00\", \"dusk\", \"dusk - 10m\", \"sunrise + 5m\"");
        }
    }
    int level = 0;
    if (in.integer("level", level, 0, 100)) out.level = site::Level{level};
    in.span("fade", out.fade, 0s, 1h);
    return good;
}

// Minutes since noon of a clock step: 05:00 and 29:00 are the same morning.
std::chrono::minutes since_noon(std::chrono::minutes local) {
    return local >= 12h ? local - 12h : local + 12h;
}

bool is_morning(const site::StepAt& at) {
    if (const auto* clock = std::get_if<site::ClockPoint>(&at)) return since_noon(clock->local) >= 12h;
    const auto event = std::get<site::SunPoint>(at).event;
    return event == site::SunEvent::dawn || event == site::SunEvent::sunrise;
}

// Whether b cannot come after a in any night. Between a clock and a sun step only the half of the night is
// known.
bool out_of_order(const site::StepAt& a, const site::StepAt& b) {
    if (is_morning(a) != is_morning(b)) return is_morning(a);
    const auto* clock_a = std::get_if<site::ClockPoint>(&a);
    const auto* clock_b = std::get_if<site::ClockPoint>(&b);
    if (clock_a != nullptr && clock_b != nullptr)
        return since_noon(clock_b->local) <= since_noon(clock_a->local);
    if (clock_a != nullptr || clock_b != nullptr) return false;
    const auto& sun_a = std::get<site::SunPoint>(a);
    const auto& sun_b = std::get<site::SunPoint>(b);
    return sun_a.event == sun_b.event && sun_b.offset <= sun_a.offset;
}

void read_profile(Reader& in, site::Profile& out) {
    in.require("id", "\"main-road\"");
    in.id("id", out.id);
    in.text("name", out.name);
    if (!in.require("steps", "[ { at = \"dusk\", level = 100 }, { at = \"dawn\", level = 0 } ]")) return;
    const auto parts = in.tables("steps");
    if (parts.size() > 64) in.refuse("steps", "a profile has at most 64 steps");
    bool comparable = false;
    for (const auto& part : parts) {
        auto step_in = reader_of(in.report(), "a step", part);
        site::Step step;
        const bool good = read_step(step_in, step);
        if (good && comparable && out_of_order(out.steps.back().at, step.at)) {
            step_in.refuse("at",
                           fmt::format("the step comes before the one above it in profile \"{}\"", out.id),
                           "a night runs from noon to noon; evening steps stand before morning steps");
        }
        step_in.finish();
        comparable = good;
        out.steps.push_back(step);
    }
    if (out.steps.empty()) {
        in.refuse("steps", "the profile has no steps");
    } else if (out.steps.back().level.is_on()) {
        in.report().warning(in.at("steps"),
                            fmt::format("profile \"{}\" ends at {} %: the lamps stay lit by day", out.id,
                                        out.steps.back().level.percent()),
                            "end with { at = \"dawn\", level = 0 }");
    }
}

void read_schedule(Reader& in, site::ScheduleRule& out) {
    in.require("id", "\"everyday\"");
    in.id("id", out.id);
    in.require("priority", "10");
    in.integer("priority", out.priority, 0, 1'000);
    in.require("group", "\"all\"");
    in.text("group", out.group);
    in.require("profile", "\"main-road\"");
    in.text("profile", out.profile);
    in.text("calendar", out.calendar);
}

void read_calendar(Reader& in, site::Calendar& out) {
    in.require("id", "\"festivals\"");
    in.id("id", out.id);
    std::vector<std::string> words;
    if (!in.require("days", "[\"2027-02-05..2027-02-20\", \"2026-10-01\"]")) return;
    if (!in.words("days", words)) return;
    const auto* array = in.find("days")->as_array();
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto dots = words[i].find("..");
        const auto first = parse_date(words[i].substr(0, dots));
        const auto last = dots == std::string::npos ? first : parse_date(words[i].substr(dots + 2));
        const auto at = in.at_element("days", *array->get(i));
        if (!first || !last) {
            in.report().error(at, fmt::format("\"{}\" is not a date or a range of dates", words[i]),
                              "as in \"2027-02-05..2027-02-20\"");
        } else if (*last < *first) {
            in.report().error(at, fmt::format("\"{}\" ends before it begins", words[i]));
        } else {
            out.ranges.emplace_back(*first, *last);
        }
    }
}

void read_elevation(Reader& in, site::Astro& out) {
    const auto* node = in.find("event");
    if (node == nullptr) return;
    if (node->is_number()) {
        in.number("event", out.elevation_deg, -18.0, 10.0);
        return;
    }
    in.choice<double>("event", out.elevation_deg, {{"sun", -0.8333}, {"civil", -6.0}});
}

void read_rail(Reader& in, std::string_view key, std::optional<std::chrono::minutes>& out, bool evening) {
    std::string word;
    if (!in.text(key, word)) return;
    const auto clock = parse_clock(word);
    if (!clock || *clock >= 24h) {
        in.refuse(key, fmt::format("\"{}\" is not a time of day", word), "as in \"16:50\"");
        return;
    }
    if ((*clock >= 12h) != evening) {
        in.refuse(key,
                  fmt::format("{} is a time in the {}, not {}", key, evening ? "evening" : "morning", word));
        return;
    }
    out = *clock;
}

void check_rails(Reader& in, const site::Astro& astro) {
    const auto check = [&](const auto& early, const auto& late, std::string_view key,
                           std::string_view other) {
        if (early && late && *late <= *early)
            in.refuse(key, fmt::format("{} is not later than {}: no instant lies between them", key, other));
    };
    check(astro.earliest_on, astro.latest_on, "latest_on", "earliest_on");
    check(astro.earliest_off, astro.latest_off, "latest_off", "earliest_off");
}

void read_astro(Reader& root, Draft& draft) {
    const auto parts = root.table("astro");
    if (parts.empty()) return;
    Reader in{root.report(), "[astro]", parts, at_node(*parts[0].source, *parts[0].table)};
    auto& astro = draft.config.astro;
    read_elevation(in, astro);
    in.span("on_offset", astro.on_offset, -3h, 3h);
    in.span("off_offset", astro.off_offset, -3h, 3h);
    read_rail(in, "earliest_on", astro.earliest_on, true);
    read_rail(in, "latest_on", astro.latest_on, true);
    read_rail(in, "earliest_off", astro.earliest_off, false);
    read_rail(in, "latest_off", astro.latest_off, false);
    check_rails(in, astro);
    draft.astro = in.finish();
}

template <typename Entity, typename Read>
void read_all(Reader& root, std::string_view key, std::vector<Entity>& entities, std::vector<Mark>& marks,
              Read read) {
    for (const auto& part : root.tables(key)) {
        auto in = reader_of(root.report(), fmt::format("[[{}]]", key), part);
        read(in, entities.emplace_back());
        marks.push_back(in.finish());
    }
}

}  // namespace

void read_plan(Reader& root, Draft& draft) {
    auto& config = draft.config;
    read_all(root, "group", config.groups, draft.groups, read_group);
    read_all(root, "profile", config.profiles, draft.profiles, read_profile);
    read_all(root, "schedule", config.schedules, draft.schedules, read_schedule);
    read_all(root, "calendar", config.calendars, draft.calendars, read_calendar);
    read_astro(root, draft);
}

}  // namespace sl::settings
