// The last messages of the event stream, each as the bytes of one Server-Sent Event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sl::local {

struct EventMessage {
    std::uint64_t id = 0;  // from 1
    std::string topic;
    std::string bytes;  // "id: ..\nevent: ..\ndata: ..\n\n"
};
using EventPtr = std::shared_ptr<const EventMessage>;

class EventRing {
  public:
    EventRing(std::string instance, std::size_t capacity);

    EventPtr add(std::string_view topic, std::string_view json);

    struct Missed {
        std::vector<EventPtr> events;
        bool gap = false;  // messages are gone: the listener has to read the state anew
    };
    // What a listener has missed who last saw `last_event_id` (the header's text). Empty text: a new
    // listener, who misses nothing.
    Missed since(std::string_view last_event_id) const;

    // What is sent when messages are gone.
    std::string reset_event() const;

  private:
    std::string instance_;
    std::size_t capacity_;
    std::uint64_t last_ = 0;
    std::deque<EventPtr> events_;
};

// Topics a listener asked for ("lamp,alarm"); empty = all.
class TopicFilter {
  public:
    explicit TopicFilter(std::string_view list);
    bool wants(std::string_view topic) const;

  private:
    std::vector<std::string> topics_;
};

}  // namespace sl::local
