// Groups, schedules and principals against what exists.
#include "gateway/settings/draft.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace sl::settings {
namespace {

class PlanCheck {
  public:
    PlanCheck(const Draft& draft, Report& report) : draft_(draft), config_(draft.config), report_(report) {
        for (const auto& lamp : config_.plant.lamps) {
            lamps_.push_back(lamp.id);
            tags_.insert(lamp.tags.begin(), lamp.tags.end());
        }
    }

    void run() {
        check_duplicates(report_, {"group", ids_of(config_.groups), &draft_.groups});
        check_duplicates(report_, {"profile", ids_of(config_.profiles), &draft_.profiles});
        check_duplicates(report_, {"schedule", ids_of(config_.schedules), &draft_.schedules});
        check_duplicates(report_, {"calendar", ids_of(config_.calendars), &draft_.calendars});
        check_groups();
        for (std::size_t i = 0; i < config_.schedules.size(); ++i)
            check_schedule(i);
        check_ties();
        check_every_night();
        for (std::size_t i = 0; i < config_.mqtt.principals.size(); ++i) {
            const auto& principal = config_.mqtt.principals[i];
            if (principal.targets) {
                check_selector(*principal.targets, draft_.principals[i].of("targets"),
                               fmt::format("principal \"{}\"", principal.id));
            }
        }
    }

  private:
    void check_groups() {
        for (std::size_t i = 0; i < config_.groups.size(); ++i) {
            const auto& group = config_.groups[i];
            const auto at = draft_.groups[i].of("select");
            if (group.id == "all" && group.select.kind != site::Selector::Kind::all)
                report_.error(at, "group \"all\" means every lamp", "select = \"*\", or another id");
            check_selector(group.select, at, fmt::format("group \"{}\"", group.id));
        }
    }

    void check_selector(const site::Selector& selector, const At& at, const std::string& who) {
        using Kind = site::Selector::Kind;
        for (const auto& value : selector.values) {
            if (selector.kind == Kind::lamps)
                check_reference(report_, at, who, value, {"lamp", lamps_, nullptr});
            if (selector.kind == Kind::feeder) {
                check_reference(report_, at, who, value,
                                {"feeder", ids_of(config_.plant.feeders), &draft_.feeders});
            }
            if (selector.kind == Kind::tag && !tags_.contains(value)) {
                report_.warning(at, fmt::format("{} is empty: no lamp has the tag \"{}\"", who, value),
                                suggest(value, {tags_.begin(), tags_.end()}));
            }
        }
    }

    void check_schedule(std::size_t i) {
        const auto& rule = config_.schedules[i];
        const auto& mark = draft_.schedules[i];
        const auto who = fmt::format("schedule \"{}\"", rule.id);
        if (rule.group != "all") {
            check_reference(report_, mark.of("group"), who, rule.group,
                            {"group", ids_of(config_.groups), &draft_.groups});
        }
        check_reference(report_, mark.of("profile"), who, rule.profile,
                        {"profile", ids_of(config_.profiles), &draft_.profiles});
        check_reference(report_, mark.of("calendar"), who, rule.calendar,
                        {"calendar", ids_of(config_.calendars), &draft_.calendars});
    }

    // The highest priority wins; two equal ones for the same group on the same nights have no winner.
    void check_ties() {
        std::map<std::string, std::size_t> seen;
        for (std::size_t i = 0; i < config_.schedules.size(); ++i) {
            const auto& rule = config_.schedules[i];
            const auto key = fmt::format("{}\n{}\n{}", rule.priority, rule.group, rule.calendar);
            const auto [it, fresh] = seen.try_emplace(key, i);
            if (!fresh) {
                report_.error(
                    draft_.schedules[i].of("priority"),
                    fmt::format("schedules \"{}\" and \"{}\" have the same priority, group and nights",
                                config_.schedules[it->second].id, rule.id),
                    "the higher priority wins");
            }
        }
    }

    bool selects_all(const std::string& group) const {
        return group == "all" ||
               std::any_of(config_.groups.begin(), config_.groups.end(), [&](const site::Group& g) {
                   return g.id == group && g.select.kind == site::Selector::Kind::all;
               });
    }

    void check_every_night() {
        if (config_.plant.lamps.empty()) return;
        const bool covered = std::any_of(
            config_.schedules.begin(), config_.schedules.end(),
            [&](const site::ScheduleRule& rule) { return rule.calendar.empty() && selects_all(rule.group); });
        if (covered) return;
        const auto at = draft_.schedules.empty() ? draft_.site.header : draft_.schedules.front().header;
        report_.warning(at, "no schedule holds for all lamps on every night",
                        "add one with group = \"all\" and the lowest priority");
    }

    const Draft& draft_;
    const site::Config& config_;
    Report& report_;
    std::vector<std::string> lamps_;
    std::set<std::string> tags_;
};

}  // namespace

void check_plan(const Draft& draft, Report& report) {
    PlanCheck{draft, report}.run();
}

}  // namespace sl::settings
