#include "gateway/schedule/program.hpp"

#include <algorithm>

namespace sl::schedule {
namespace {

using site::SiteTime;
using site::SunEvent;

enum class Anchor : std::uint8_t { none, evening, morning };

struct Placed {
    SiteTime at;
    Anchor anchor = Anchor::none;
};

SiteTime sun_event(SunEvent event, const Night& night) {
    switch (event) {
        case SunEvent::dusk:
            return night.dusk;
        case SunEvent::dawn:
            return night.dawn;
        case SunEvent::sunset:
            return night.sunset;
        case SunEvent::sunrise:
            break;
    }
    return night.sunrise;
}

Placed place(const site::StepAt& at, const Night& night, const site::Zone& zone) {
    Placed placed;
    if (const auto* clock = std::get_if<site::ClockPoint>(&at)) {
        placed.at = clock_in_night(night.date, clock->local, zone);
    } else {
        const auto& sun = std::get<site::SunPoint>(at);
        const bool evening = sun.event == SunEvent::dusk || sun.event == SunEvent::sunset;
        placed.anchor = evening ? Anchor::evening : Anchor::morning;
        const SiteTime event = sun_event(sun.event, night);
        placed.at = event + sun.offset;
        // "dawn - 1h" in a night shorter than an hour begins at dusk.
        if (!evening) placed.at = std::max(placed.at, std::min(night.dusk, event));
    }
    placed.at = std::clamp(placed.at, night.begin, night.end);
    return placed;
}

// For each step the earliest morning step written after it, or the end of the night.
std::vector<SiteTime> next_morning(const std::vector<Placed>& placed, SiteTime end) {
    std::vector<SiteTime> closing(placed.size(), end);
    for (std::size_t i = placed.size(); i-- > 1;) {
        const bool morning = placed[i].anchor == Anchor::morning;
        closing[i - 1] = morning ? std::min(closing[i], placed[i].at) : closing[i];
    }
    return closing;
}

}  // namespace

std::vector<SwitchPoint> plan_profile(const site::Profile& profile, const Night& night,
                                      const site::Zone& zone) {
    std::vector<Placed> placed;
    for (const site::Step& step : profile.steps)
        placed.push_back(place(step.at, night, zone));
    const std::vector<SiteTime> closing = next_morning(placed, night.end);
    std::vector<bool> kept(placed.size(), true);
    SiteTime evening = night.begin;
    for (std::size_t i = 0; i < placed.size(); ++i) {
        Placed& p = placed[i];
        if (p.anchor != Anchor::morning) p.at = std::max(p.at, evening);
        if (p.anchor == Anchor::evening) evening = std::min(p.at, closing[i]);
        kept[i] = p.at < closing[i];
    }
    std::vector<SwitchPoint> points{{night.begin, site::Level{}, std::chrono::seconds{0}, -1}};
    for (std::size_t i = 0; i < placed.size(); ++i) {
        if (!kept[i]) continue;
        points.push_back({placed[i].at, profile.steps[i].level, profile.steps[i].fade, static_cast<int>(i)});
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const SwitchPoint& a, const SwitchPoint& b) { return a.at < b.at; });
    std::vector<SwitchPoint> unique;
    for (const SwitchPoint& point : points) {
        if (!unique.empty() && unique.back().at == point.at) {
            unique.back() = point;
        } else {
            unique.push_back(point);
        }
    }
    return unique;
}

std::size_t point_at(const std::vector<SwitchPoint>& points, SiteTime t) noexcept {
    const auto after = std::upper_bound(points.begin(), points.end(), t,
                                        [](SiteTime when, const SwitchPoint& p) { return when < p.at; });
    return after == points.begin() ? 0 : static_cast<std::size_t>(after - points.begin()) - 1;
}

}  // namespace sl::schedule
