#include "gateway/local/changes.hpp"

#include "gateway/json/writer.hpp"
#include "gateway/local/select.hpp"
#include "gateway/local/time_text.hpp"

#include <cmath>

namespace sl::local {
namespace {

std::string lamp_text(const ApiContext& api, std::size_t index) {
    const site::Lamp& lamp = api.config->plant.lamps[index];
    const site::LampState& state = api.state->lamps[index];
    std::string text;
    json::Writer out(text);
    out.begin_object().member("id", lamp.id).member("name", lamp.name).member("feeder", lamp.feeder);
    out.member("state", name(condition_of(state))).key("target_pct");
    if (state.target) {
        out.value(state.target->percent());
    } else {
        out.null();
    }
    out.key("level_pct");
    const site::Value& level = state[site::Quantity::level_pct];
    if (level.ok()) {
        out.value(static_cast<std::int64_t>(std::lround(level.value)));
    } else {
        out.null();
    }
    out.member("source", site::name(state.source)).end_object();
    return text;
}

std::string feeder_text(const ApiContext& api, std::size_t index) {
    const site::Feeder& feeder = api.config->plant.feeders[index];
    const site::FeederState& state = api.state->feeders[index];
    std::string text;
    json::Writer out(text);
    out.begin_object().member("id", feeder.id).member("name", feeder.name);
    out.member("wanted", state.wanted).member("energised", state.energised);
    out.member("held_off", state.held_off).member("source", site::name(state.source)).end_object();
    return text;
}

using Text = std::string (*)(const ApiContext&, std::size_t);

void compare(const ApiContext& api, std::vector<std::string>& told, std::size_t count, Text text,
             std::string_view topic, const Changes::Publish& publish) {
    const bool first = told.size() != count;
    told.resize(count);
    const std::string time = "{\"time\":\"" + iso_text(api.now(), *api.zone) + "\",";
    for (std::size_t i = 0; i < count; ++i) {
        std::string now = text(api, i);
        if (!first && now != told[i]) publish(topic, time + now.substr(1));
        told[i] = std::move(now);
    }
}

}  // namespace

void Changes::step(const Publish& publish) {
    compare(api_, feeders_, api_.config->plant.feeders.size(), feeder_text, "feeder", publish);
    compare(api_, lamps_, api_.config->plant.lamps.size(), lamp_text, "lamp", publish);
}

}  // namespace sl::local
