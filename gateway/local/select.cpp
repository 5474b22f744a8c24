#include "gateway/local/select.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>

namespace sl::local {
namespace {

using site::Lamp;
using site::Selector;

constexpr std::array<std::string_view, 5> conditions{"ok", "fault", "offline", "no_power", "starting"};
constexpr std::array<std::string_view, 6> roads{"express", "main",        "secondary",
                                                "branch",  "residential", "other"};

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Range {
    std::uint32_t from = 0, to = 0;
};
std::optional<Range> range(std::string_view text) {
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos) return std::nullopt;
    const auto from = number(text.substr(0, dots));
    const auto to = number(text.substr(dots + 2));
    if (!from || !to || *from > *to) return std::nullopt;
    return Range{*from, *to};
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string phase_word(site::Phase phase) {
    const auto suffix = site::suffix(phase);
    return std::string{suffix.substr(suffix.empty() ? 0 : 1)};
}

bool selected_by(const Selector& select, const Lamp& lamp) {
    switch (select.kind) {
        case Selector::Kind::all:
            return true;
        case Selector::Kind::lamps:
            return contains(select.values, lamp.id);
        case Selector::Kind::feeder:
            return contains(select.values, lamp.feeder);
        case Selector::Kind::tag:
            return std::any_of(lamp.tags.begin(), lamp.tags.end(),
                               [&select](const std::string& tag) { return contains(select.values, tag); });
        case Selector::Kind::phase:
            return contains(select.values, phase_word(lamp.phase));
        case Selector::Kind::road_class:
            return contains(select.values, roads.at(static_cast<std::size_t>(lamp.road_class)));
        case Selector::Kind::pole_modulo:
            return select.modulo > 0 && static_cast<int>(lamp.order) % select.modulo == select.remainder;
    }
    return false;
}

// Does the lamp at a position belong to one part of the expression?
using Test = std::function<bool(std::size_t)>;

class Part {
  public:
    Part(const site::Config& config, const site::SiteState& state) : config_(config), state_(state) {}

    // The test a part stands for; empty, with `error` set, when it stands for nothing.
    Test test(std::string_view text, std::string& error) const {
        if (text == "all") return [](std::size_t) { return true; };
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos)
            return by_key(text.substr(0, equals), std::string{text.substr(equals + 1)}, error);
        const std::size_t colon = text.find(':');
        if (colon != std::string_view::npos && range(text.substr(colon + 1)))
            return on_cable(std::string{text.substr(0, colon)}, *range(text.substr(colon + 1)), error);
        if (const auto rows = range(text))
            return [rows](std::size_t i) { return i + 1 >= rows->from && i + 1 <= rows->to; };
        return by_id(std::string{text}, error);
    }

  private:
    const Lamp& lamp(std::size_t i) const { return config_.plant.lamps[i]; }

    bool is_feeder(std::string_view id) const {
        return std::any_of(config_.plant.feeders.begin(), config_.plant.feeders.end(),
                           [id](const site::Feeder& feeder) { return feeder.id == id; });
    }

    Test by_id(const std::string& id, std::string& error) const {
        if (is_feeder(id)) return [this, id](std::size_t i) { return lamp(i).feeder == id; };
        const bool known = std::any_of(config_.plant.lamps.begin(), config_.plant.lamps.end(),
                                       [&id](const Lamp& each) { return each.id == id; });
        if (known) return [this, id](std::size_t i) { return lamp(i).id == id; };
        return by_group(id, error);
    }

    Test by_group(const std::string& id, std::string& error) const {
        const auto group = std::find_if(config_.groups.begin(), config_.groups.end(),
                                        [&id](const site::Group& each) { return each.id == id; });
        if (group != config_.groups.end())
            return [this, &select = group->select](std::size_t i) { return selected_by(select, lamp(i)); };
        error = "no lamp, feeder or group is called '" + id + "'";
        return {};
    }

    Test on_cable(const std::string& feeder, Range positions, std::string& error) const {
        if (!is_feeder(feeder)) {
            error = "no feeder is called '" + feeder + "'";
            return {};
        }
        return [this, feeder, positions](std::size_t i) {
            return lamp(i).feeder == feeder && lamp(i).order >= positions.from &&
                   lamp(i).order <= positions.to;
        };
    }

    Test by_key(std::string_view key, const std::string& value, std::string& error) const {
        if (key == "tag") return [this, value](std::size_t i) { return contains(lamp(i).tags, value); };
        if (key == "pole") return [this, value](std::size_t i) { return lamp(i).pole == value; };
        if (key == "feeder") return [this, value](std::size_t i) { return lamp(i).feeder == value; };
        if (key == "model") return [this, value](std::size_t i) { return lamp(i).model == value; };
        if (key == "phase")
            return [this, value](std::size_t i) { return phase_word(lamp(i).phase) == value; };
        if (key == "group") return by_group(value, error);
        if (key == "road") {
            return [this, value](std::size_t i) {
                return roads.at(static_cast<std::size_t>(lamp(i).road_class)) == value;
            };
        }
        if (key == "state" && std::find(conditions.begin(), conditions.end(), value) != conditions.end())
            return [this, value](std::size_t i) { return name(condition_of(state_.lamps[i])) == value; };
        error = key == "state" ? "state is ok, fault, offline, no_power or starting, not '" + value + "'"
                               : "'" + std::string{key} +
                                     "=' is none of tag, pole, feeder, phase, road, state, group, model";
        return {};
    }

    const site::Config& config_;
    const site::SiteState& state_;
};

}  // namespace

std::string_view name(LampCondition condition) noexcept {
    return conditions[static_cast<std::size_t>(condition)];
}

LampCondition condition_of(const site::LampState& lamp) noexcept {
    if (!lamp.powered) return LampCondition::no_power;
    if (!lamp.online) {
        const bool never = lamp.last_answer == site::SiteTime{};
        return never && lamp.misses == 0 ? LampCondition::starting : LampCondition::offline;
    }
    return lamp.faults != 0 ? LampCondition::fault : LampCondition::ok;
}

Selection select_lamps(const site::Config& config, const site::SiteState& state,
                       std::string_view expression) {
    Selection selection;
    if (expression.empty()) expression = "all";
    const Part part(config, state);
    std::vector<bool> chosen(config.plant.lamps.size(), false);
    while (!expression.empty()) {
        const std::size_t end = std::min(expression.find(','), expression.size());
        const Test test = part.test(expression.substr(0, end), selection.error);
        if (!test) return selection;
        for (std::size_t i = 0; i < chosen.size(); ++i)
            chosen[i] = chosen[i] || test(i);
        expression.remove_prefix(std::min(end + 1, expression.size()));
    }
    for (std::size_t i = 0; i < chosen.size(); ++i)
        if (chosen[i]) selection.lamps.push_back(i);
    return selection;
}

}  // namespace sl::local
