#include "gateway/local/event_ring.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sl::local {

EventRing::EventRing(std::string instance, std::size_t capacity)
    : instance_(std::move(instance)), capacity_(capacity) {}

EventPtr EventRing::add(std::string_view topic, std::string_view json) {
    auto message = std::make_shared<EventMessage>();
    message->id = ++last_;
    message->topic = topic;
    message->bytes.append("id: ").append(instance_).append("-").append(std::to_string(last_));
    message->bytes.append("\nevent: ").append(topic).append("\ndata: ");
    // A line break would end the data line; JSON knows none outside of strings, where it is escaped.
    for (const char c : json)
        message->bytes += c == '\n' || c == '\r' ? ' ' : c;
    message->bytes += "\n\n";
    events_.push_back(message);
    if (events_.size() > capacity_) events_.pop_front();
    return message;
}

EventRing::Missed EventRing::since(std::string_view last_event_id) const {
    if (last_event_id.empty()) return {};
    const std::size_t dash = last_event_id.rfind('-');
    std::uint64_t seen = 0;
    if (dash == std::string_view::npos || last_event_id.substr(0, dash) != instance_) return {{}, true};
    const std::string_view digits = last_event_id.substr(dash + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), seen);
    const bool number = parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size();
    if (!number || seen > last_) return {{}, true};
    Missed missed;
    missed.gap = seen + events_.size() < last_;
    const auto first = std::find_if(events_.begin(), events_.end(),
                                    [seen](const EventPtr& event) { return event->id > seen; });
    if (!missed.gap) missed.events.assign(first, events_.end());
    return missed;
}

std::string EventRing::reset_event() const {
    return "id: " + instance_ + "-" + std::to_string(last_) + "\nevent: reset\ndata: {}\n\n";
}

TopicFilter::TopicFilter(std::string_view list) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (comma > 0) topics_.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
}

bool TopicFilter::wants(std::string_view topic) const {
    return topics_.empty() || std::find(topics_.begin(), topics_.end(), topic) != topics_.end();
}

}  // namespace sl::local
