// The program of the site: which rule rules a lamp tonight and which level it gives now. The answer is a
// function of the instant alone, so a step of the clock or a restart replays nothing.
#pragma once

#include "gateway/schedule/night.hpp"
#include "gateway/schedule/program.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace sl::schedule {

struct ClockState {
    site::SiteTime now;
    site::TimeQuality tq = site::TimeQuality::none;
    bool plausible = false;  // now >= max(build time, last saved time)
    bool may_act() const noexcept { return plausible && site::trusted(tq); }
};

struct Decision {
    site::Level level;
    std::chrono::seconds fade{0};
    site::SiteTime since;        // the switch point in force
    site::SiteTime valid_until;  // decide again then at the latest
    int rule = -1;               // index into Config::schedules; -1 = none selects the lamp
    int profile = -1;            // index into Config::profiles
    int step = -1;               // index into Profile::steps; -1 = before the first of tonight
    site::Source source = site::Source::program;  // default_: no rule; failsafe: the clock is not trusted
    bool estimated_clock = false;                 // decided on an estimated time (rule 10 of lighting safety)
};

// How a rule stands to a lamp in a night, for an explanation.
struct RuleStanding {
    int rule = -1;
    bool selected = false, calendar_holds = false, won = false;
};

class Planner {
  public:
    // `config` and `zone` must outlive the planner and stay unchanged; build a new one for a new config.
    Planner(const site::Config& config, const site::Zone& zone);

    Decision decide(std::size_t lamp, site::SiteTime t) const;
    // All lamps at once; one evaluation per distinct set of rules.
    void decide_all(site::SiteTime t, std::vector<Decision>& out) const;

    // With regard to trust in the clock. Trusted: as decide(). Not trusted, but carried on from a trusted
    // time by the monotonic clock (`est`) and plausible: the same table. Else: on, until the clock is known.
    Decision decide(std::size_t lamp, const ClockState& clock) const;
    Decision decide_untrusted(std::size_t lamp, const ClockState& clock) const;

    // First instant after `t` at which any lamp's decision may change (switch point or end of the night).
    site::SiteTime next_edge(site::SiteTime t) const;
    // First instant after `t` at which this lamp's program changes its level; nullopt: not within 400 nights.
    std::optional<site::SiteTime> next_switch(std::size_t lamp, site::SiteTime t) const;

    // The references hold until the next question to the planner.
    const Night& night(site::SiteTime t) const;
    // The points of the winning profile of a lamp in the night of `t`.
    const std::vector<SwitchPoint>& points(std::size_t lamp, site::SiteTime t) const;
    std::vector<RuleStanding> standings(std::size_t lamp, site::SiteTime t) const;

    std::string_view rule_id(const Decision& decision) const;
    std::string_view profile_id(const Decision& decision) const;
    std::size_t rule_sets() const noexcept { return sets_.size(); }

  private:
    struct SetPlan {
        int rule = -1;
        int profile = -1;  // position in NightPlan::profiles is profile + 1
    };
    struct NightPlan {
        Night night;
        std::vector<SetPlan> sets;                       // by rule set
        std::vector<std::vector<SwitchPoint>> profiles;  // [0]: without a rule
        std::vector<site::SiteTime> edges;               // of all profiles in use, and the end
    };

    const NightPlan& plan(site::SiteTime t) const;
    NightPlan make_plan(std::chrono::sys_days date) const;
    SetPlan winner(const std::vector<int>& rules, std::chrono::sys_days date) const;
    bool calendar_holds(int rule, std::chrono::sys_days date) const;
    bool rule_selects(int rule, const site::Lamp& lamp) const;
    std::vector<int> rules_for(const site::Lamp& lamp) const;
    int profile_index(std::string_view id) const;
    Decision decide_set(const NightPlan& plan, std::size_t set, site::SiteTime t) const;

    const site::Config& config_;
    const site::Zone& zone_;
    GeoPoint place_;
    site::Profile unruled_;
    std::vector<int> order_;                // rules, the strongest first
    std::vector<std::vector<int>> sets_;    // distinct lists of rules, the strongest first
    std::vector<std::size_t> set_of_lamp_;  // by lamp
    std::vector<int> profile_of_rule_;
    std::vector<const site::Calendar*> calendar_of_rule_;
    mutable std::deque<NightPlan> cache_;  // newest use first
};

}  // namespace sl::schedule
