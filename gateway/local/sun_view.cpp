#include "gateway/local/sun_view.hpp"

#include "gateway/json/writer.hpp"
#include "gateway/local/time_text.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace sl::local {
namespace {

using Event = schedule::SunDay::Event;

constexpr std::array<std::pair<std::string_view, Event schedule::SunDay::*>, 8> events{{
    {"astronomical_dawn", &schedule::SunDay::astronomical_dawn},
    {"nautical_dawn", &schedule::SunDay::nautical_dawn},
    {"civil_dawn", &schedule::SunDay::civil_dawn},
    {"sunrise", &schedule::SunDay::sunrise},
    {"sunset", &schedule::SunDay::sunset},
    {"civil_dusk", &schedule::SunDay::civil_dusk},
    {"nautical_dusk", &schedule::SunDay::nautical_dusk},
    {"astronomical_dusk", &schedule::SunDay::astronomical_dusk},
}};

void write_event(json::Writer& out, std::string_view key, const Event& event, const site::Zone& zone) {
    out.key(key).begin_object().key("at");
    if (event.at) {
        out.value(iso_text(*event.at, zone));
    } else {
        out.null();
    }
    out.member("reason", event.reason).end_object();
}

}  // namespace

std::string sun_json(std::span<const schedule::SunDay> days, schedule::GeoPoint place,
                     const site::Zone& zone) {
    std::string text;
    json::Writer out(text);
    out.begin_object().member("latitude", place.latitude).member("longitude", place.longitude);
    out.member("zone", zone.name()).key("days").begin_array();
    for (const schedule::SunDay& day : days) {
        out.begin_object().member("date", date_text(day.date));
        for (const auto& [key, member] : events)
            write_event(out, key, day.*member, zone);
        out.member("noon", iso_text(day.noon, zone)).key("noon_elevation_deg").value(day.noon_elevation, 2);
        out.end_object();
    }
    out.end_array().end_object();
    return text += '\n';
}

}  // namespace sl::local
