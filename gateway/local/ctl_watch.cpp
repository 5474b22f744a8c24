// Events as lines for people.
#include "gateway/local/ctl.hpp"
#include "gateway/local/ctl_values.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sl::local {
namespace {

using boost::json::value;

std::string percent(const value& number) {
    const auto n = number_of(number);
    return n ? fmt::format("{} %", *n) : std::string{"nothing"};
}

std::string named(const value& event) {
    const std::string name = text_of(at(event, "name"));
    return text_of(at(event, "id")) + (name.empty() ? "" : "  ") + name;
}

std::string lamp(const value& event) {
    return fmt::format("{}  {}, {} wanted by {}, {} reported", named(event), text_of(at(event, "state")),
                       percent(at(event, "target_pct")), text_of(at(event, "source")),
                       percent(at(event, "level_pct")));
}

std::string feeder(const value& event) {
    const char* state = flag_of(at(event, "held_off"))    ? "held off"
                        : flag_of(at(event, "energised")) ? "on"
                                                          : "off";
    return fmt::format("{}  {}, {} wanted by {}", named(event), state,
                       flag_of(at(event, "wanted")) ? "on" : "off", text_of(at(event, "source")));
}

std::string alarm(const value& event) {
    return fmt::format("{}  {} {} {}: {}", text_of(at(event, "object")), text_of(at(event, "transition")),
                       text_of(at(event, "severity")), text_of(at(event, "name")),
                       text_of(at(event, "text")));
}

}  // namespace

std::string watch_line(std::string_view topic, std::string_view data) {
    boost::system::error_code error;
    const value event = boost::json::parse(boost::json::string_view{data.data(), data.size()}, error);
    std::string text{data};
    if (!error && topic == "lamp") text = lamp(event);
    if (!error && topic == "feeder") text = feeder(event);
    if (!error && topic == "alarm") text = alarm(event);
    const std::string time = text_of(at(event, "time"));
    return fmt::format("{}  {:<7} {}\n", time.size() < 19 ? "        " : time.substr(11, 8), topic, text);
}

}  // namespace sl::local
