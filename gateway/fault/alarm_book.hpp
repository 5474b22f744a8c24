// The open alarms, each with one id from raise to clear, and what is told of them: a flapping alarm at most
// once a minute, with a count.
#pragma once

#include "gateway/site/alarm.hpp"
#include "gateway/site/time.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sl::fault {

inline constexpr std::chrono::minutes report_interval{1};

struct ActiveAlarm {
    std::string alarm_id;
    site::AlarmCode code = site::AlarmCode::lamp_offline;
    std::string object;
    site::SiteTime since;
    std::uint32_t count = 1;  // times raised since it was first told
    bool acknowledged = false;
    std::string acknowledged_by;
    std::string cause, text;
    std::optional<double> value, limit;
};

// What a detector says of one object.
struct Finding {
    bool active = false;
    std::string cause, text;
    std::optional<double> value, limit;
};

class AlarmBook {
  public:
    explicit AlarmBook(std::function<std::string()> make_ulid) : make_ulid_(std::move(make_ulid)) {}

    void set(site::AlarmCode code, std::string_view object, Finding finding, site::SiteTime now);
    // Counts a reminder of an alarm that is open already (a hold overdue for another hour).
    void remind(site::AlarmCode code, std::string_view object);
    // The transition, or nullopt when no such alarm is open or it has been acknowledged.
    std::optional<site::AlarmTransition> acknowledge(std::string_view alarm_id, std::string_view by);
    // What is to be told now.
    std::vector<site::AlarmTransition> take(site::SiteTime now);

    std::vector<ActiveAlarm> active() const;  // told and not cleared
    bool is_active(site::AlarmCode code, std::string_view object) const;
    std::string id_of(site::AlarmCode code, std::string_view object) const;  // empty when not open

  private:
    struct Entry {
        ActiveAlarm alarm;
        bool told = false;    // raise has been told, clear has not
        bool active = false;  // as the detector says
        std::uint32_t told_count = 0;
        std::optional<site::SiteTime> told_at;
        std::string told_text;
    };
    using Key = std::pair<site::AlarmCode, std::string>;
    static site::AlarmTransition tell(Entry& entry, site::Transition transition, site::SiteTime now);
    static bool due(Entry& entry, site::SiteTime now);

    std::function<std::string()> make_ulid_;
    std::map<Key, Entry> entries_;
};

}  // namespace sl::fault
