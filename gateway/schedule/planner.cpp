#include "gateway/schedule/planner.hpp"

#include "gateway/schedule/selector.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace sl::schedule {
namespace {

using site::SiteTime;

constexpr std::size_t cached_nights = 4;
constexpr int search_nights = 400;
constexpr std::chrono::minutes untrusted_review{1};

// Position in NightPlan::profiles; -1 (no rule) comes first.
std::size_t slot_of(int profile) {
    return static_cast<std::size_t>(profile) + 1U;
}

// A lamp that no rule selects burns through the night: a road dark by an omission is worse than a lit one.
site::Profile dusk_to_dawn() {
    site::Profile profile;
    profile.id = "dusk-to-dawn";
    profile.steps.push_back({site::SunPoint{site::SunEvent::dusk, {}}, site::Level{100}, {}});
    profile.steps.push_back({site::SunPoint{site::SunEvent::dawn, {}}, site::Level{0}, {}});
    return profile;
}

}  // namespace

Planner::Planner(const site::Config& config, const site::Zone& zone)
    : config_(config),
      zone_(zone),
      place_{config.place.latitude, config.place.longitude},
      unruled_(dusk_to_dawn()),
      order_(config.schedules.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    const auto& rules = config_.schedules;
    std::stable_sort(order_.begin(), order_.end(), [&rules](int a, int b) {
        return rules[static_cast<std::size_t>(a)].priority > rules[static_cast<std::size_t>(b)].priority;
    });
    for (const site::ScheduleRule& rule : rules) {
        profile_of_rule_.push_back(profile_index(rule.profile));
        const auto found = std::find_if(config_.calendars.begin(), config_.calendars.end(),
                                        [&rule](const site::Calendar& c) { return c.id == rule.calendar; });
        calendar_of_rule_.push_back(found == config_.calendars.end() ? nullptr : &*found);
    }
    std::map<std::vector<int>, std::size_t> known;
    for (const site::Lamp& lamp : config_.plant.lamps) {
        const auto [it, fresh] = known.try_emplace(rules_for(lamp), sets_.size());
        if (fresh) sets_.push_back(it->first);
        set_of_lamp_.push_back(it->second);
    }
}

int Planner::profile_index(std::string_view id) const {
    const auto found = std::find_if(config_.profiles.begin(), config_.profiles.end(),
                                    [id](const site::Profile& p) { return p.id == id; });
    return found == config_.profiles.end() ? -1 : static_cast<int>(found - config_.profiles.begin());
}

bool Planner::rule_selects(int rule, const site::Lamp& lamp) const {
    const std::string& group = config_.schedules[static_cast<std::size_t>(rule)].group;
    if (group == "all") return true;
    const auto found = std::find_if(config_.groups.begin(), config_.groups.end(),
                                    [&group](const site::Group& g) { return g.id == group; });
    return found != config_.groups.end() && selects(found->select, lamp);
}

std::vector<int> Planner::rules_for(const site::Lamp& lamp) const {
    std::vector<int> rules;
    for (const int rule : order_) {
        if (profile_of_rule_[static_cast<std::size_t>(rule)] >= 0 && rule_selects(rule, lamp)) {
            rules.push_back(rule);
        }
    }
    return rules;
}

bool Planner::calendar_holds(int rule, std::chrono::sys_days date) const {
    const auto index = static_cast<std::size_t>(rule);
    if (config_.schedules[index].calendar.empty()) return true;
    const site::Calendar* calendar = calendar_of_rule_[index];
    if (calendar == nullptr) return false;
    return std::any_of(calendar->ranges.begin(), calendar->ranges.end(), [date](const auto& range) {
        return std::chrono::sys_days{range.first} <= date && date <= std::chrono::sys_days{range.second};
    });
}

Planner::SetPlan Planner::winner(const std::vector<int>& rules, std::chrono::sys_days date) const {
    const auto found = std::find_if(rules.begin(), rules.end(),
                                    [this, date](int rule) { return calendar_holds(rule, date); });
    if (found == rules.end()) return {};
    return {*found, profile_of_rule_[static_cast<std::size_t>(*found)]};
}

Planner::NightPlan Planner::make_plan(std::chrono::sys_days date) const {
    NightPlan plan;
    plan.night = make_night(date, config_.astro, place_, zone_);
    plan.profiles.resize(config_.profiles.size() + 1);
    plan.edges.push_back(plan.night.end);
    for (const std::vector<int>& rules : sets_) {
        const SetPlan set = winner(rules, date);
        plan.sets.push_back(set);
        std::vector<SwitchPoint>& points = plan.profiles[slot_of(set.profile)];
        if (!points.empty()) continue;
        const site::Profile& profile =
            set.profile < 0 ? unruled_ : config_.profiles[static_cast<std::size_t>(set.profile)];
        points = plan_profile(profile, plan.night, zone_);
        for (const SwitchPoint& point : points)
            plan.edges.push_back(point.at);
    }
    std::sort(plan.edges.begin(), plan.edges.end());
    return plan;
}

const Planner::NightPlan& Planner::plan(SiteTime t) const {
    const auto found = std::find_if(cache_.begin(), cache_.end(), [t](const NightPlan& p) {
        return p.night.begin <= t && t < p.night.end;
    });
    if (found != cache_.end()) return *found;
    // A deque keeps references to its other elements when one end grows or shrinks.
    cache_.push_front(make_plan(night_date(t, zone_)));
    if (cache_.size() > cached_nights) cache_.pop_back();
    return cache_.front();
}

Decision Planner::decide_set(const NightPlan& plan, std::size_t set, SiteTime t) const {
    const SetPlan& chosen = plan.sets[set];
    const std::vector<SwitchPoint>& points = plan.profiles[slot_of(chosen.profile)];
    const std::size_t index = point_at(points, t);
    Decision decision;
    decision.level = points[index].level;
    decision.fade = points[index].fade;
    decision.since = points[index].at;
    decision.valid_until = index + 1 < points.size() ? points[index + 1].at : plan.night.end;
    decision.rule = chosen.rule;
    decision.profile = chosen.profile;
    decision.step = points[index].step;
    if (chosen.rule < 0) decision.source = site::Source::default_;
    return decision;
}

Decision Planner::decide(std::size_t lamp, SiteTime t) const {
    return decide_set(plan(t), set_of_lamp_.at(lamp), t);
}

void Planner::decide_all(SiteTime t, std::vector<Decision>& out) const {
    const NightPlan& tonight = plan(t);
    std::vector<Decision> by_set;
    for (std::size_t set = 0; set < sets_.size(); ++set)
        by_set.push_back(decide_set(tonight, set, t));
    out.resize(set_of_lamp_.size());
    for (std::size_t lamp = 0; lamp < out.size(); ++lamp)
        out[lamp] = by_set[set_of_lamp_[lamp]];
}

Decision Planner::decide(std::size_t lamp, const ClockState& clock) const {
    return clock.may_act() ? decide(lamp, clock.now) : decide_untrusted(lamp, clock);
}

Decision Planner::decide_untrusted(std::size_t lamp, const ClockState& clock) const {
    if (clock.plausible && clock.tq == site::TimeQuality::est) {
        Decision decision = decide(lamp, clock.now);
        decision.estimated_clock = true;
        return decision;
    }
    Decision decision;
    decision.level = site::Level{100};
    decision.since = clock.now;
    decision.valid_until = clock.now + untrusted_review;
    decision.source = site::Source::failsafe;
    return decision;
}

SiteTime Planner::next_edge(SiteTime t) const {
    const NightPlan& tonight = plan(t);
    return *std::upper_bound(tonight.edges.begin(), tonight.edges.end(), t);
}

std::optional<SiteTime> Planner::next_switch(std::size_t lamp, SiteTime t) const {
    Decision decision = decide(lamp, t);
    const site::Level now = decision.level;
    const SiteTime limit = t + std::chrono::days{search_nights};
    while (decision.valid_until < limit) {
        const SiteTime at = decision.valid_until;
        decision = decide(lamp, at);
        if (decision.level != now) return at;
    }
    return std::nullopt;
}

const Night& Planner::night(SiteTime t) const {
    return plan(t).night;
}

const std::vector<SwitchPoint>& Planner::points(std::size_t lamp, SiteTime t) const {
    const NightPlan& tonight = plan(t);
    const int profile = tonight.sets[set_of_lamp_.at(lamp)].profile;
    return tonight.profiles[slot_of(profile)];
}

std::vector<RuleStanding> Planner::standings(std::size_t lamp, SiteTime t) const {
    const NightPlan& tonight = plan(t);
    const int won = tonight.sets[set_of_lamp_.at(lamp)].rule;
    std::vector<RuleStanding> standings;
    for (const int rule : order_) {
        standings.push_back({rule, rule_selects(rule, config_.plant.lamps[lamp]),
                             calendar_holds(rule, tonight.night.date), rule == won});
    }
    return standings;
}

std::string_view Planner::rule_id(const Decision& decision) const {
    return decision.rule < 0 ? std::string_view{}
                             : config_.schedules[static_cast<std::size_t>(decision.rule)].id;
}
std::string_view Planner::profile_id(const Decision& decision) const {
    if (decision.profile < 0)
        return decision.source == site::Source::default_ ? unruled_.id : std::string_view{};
    return config_.profiles[static_cast<std::size_t>(decision.profile)].id;
}

}  // namespace sl::schedule
