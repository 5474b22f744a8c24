#include "gateway/fault/alarm_book.hpp"

#include <algorithm>

namespace sl::fault {

using site::AlarmTransition;
using site::SiteTime;
using site::Transition;

void AlarmBook::set(site::AlarmCode code, std::string_view object, Finding finding, SiteTime now) {
    const Key key{code, std::string{object}};
    auto it = entries_.find(key);
    if (it == entries_.end()) {
        if (!finding.active) return;
        it = entries_.emplace(key, Entry{}).first;
        it->second.alarm.code = code;
        it->second.alarm.object = key.second;
        it->second.alarm.count = 0;
    }
    Entry& entry = it->second;
    if (finding.active && !entry.active) {
        // Told as cleared before: a new alarm with an id of its own.
        if (!entry.told) {
            entry.alarm.alarm_id = make_ulid_();
            entry.alarm.acknowledged = false;
            entry.alarm.acknowledged_by.clear();
            entry.alarm.since = now;
        }
        ++entry.alarm.count;
    }
    entry.active = finding.active;
    if (!finding.active) return;
    entry.alarm.cause = std::move(finding.cause);
    entry.alarm.text = std::move(finding.text);
    entry.alarm.value = finding.value;
    entry.alarm.limit = finding.limit;
}

void AlarmBook::remind(site::AlarmCode code, std::string_view object) {
    const auto it = entries_.find(Key{code, std::string{object}});
    if (it != entries_.end() && it->second.active) ++it->second.alarm.count;
}

AlarmTransition AlarmBook::tell(Entry& entry, Transition transition, SiteTime now) {
    entry.told = transition != Transition::clear;
    entry.told_at = now;
    entry.told_count = entry.alarm.count;
    entry.told_text = entry.alarm.text;
    AlarmTransition t;
    t.alarm_id = entry.alarm.alarm_id;
    t.transition = transition;
    t.code = entry.alarm.code;
    t.object = entry.alarm.object;
    t.since = entry.alarm.since;
    t.count = entry.alarm.count;
    t.cause = entry.alarm.cause;
    t.value = entry.alarm.value;
    t.limit = entry.alarm.limit;
    t.text = entry.alarm.text;
    return t;
}

bool AlarmBook::due(Entry& entry, SiteTime now) {
    if (entry.told_at && *entry.told_at > now) entry.told_at = now;  // the clock was stepped back
    return !entry.told_at || now - *entry.told_at >= report_interval;
}

std::optional<AlarmTransition> AlarmBook::acknowledge(std::string_view alarm_id, std::string_view by) {
    for (auto& [key, entry] : entries_) {
        if (entry.alarm.alarm_id != alarm_id || !entry.told || entry.alarm.acknowledged) continue;
        entry.alarm.acknowledged = true;
        entry.alarm.acknowledged_by = by;
        const auto told_at = entry.told_at;
        AlarmTransition t = tell(entry, Transition::ack, SiteTime{});
        entry.told_at = told_at;
        return t;
    }
    return std::nullopt;
}

std::vector<AlarmTransition> AlarmBook::take(SiteTime now) {
    std::vector<AlarmTransition> told;
    for (auto it = entries_.begin(); it != entries_.end();) {
        Entry& entry = it->second;
        const bool may = due(entry, now);
        if (entry.active && !entry.told && may) {
            told.push_back(tell(entry, Transition::raise, now));
        } else if (!entry.active && entry.told && may) {
            told.push_back(tell(entry, Transition::clear, now));
        } else if (entry.active && entry.told && may &&
                   (entry.alarm.count != entry.told_count || entry.alarm.text != entry.told_text)) {
            told.push_back(tell(entry, Transition::update, now));
        }
        // Kept for a minute after its end, so that flapping is seen as such.
        const bool over = !entry.active && !entry.told && due(entry, now) && entry.told_at != now;
        it = over ? entries_.erase(it) : std::next(it);
    }
    return told;
}

std::vector<ActiveAlarm> AlarmBook::active() const {
    std::vector<ActiveAlarm> all;
    for (const auto& [key, entry] : entries_) {
        if (entry.told) all.push_back(entry.alarm);
    }
    return all;
}

bool AlarmBook::is_active(site::AlarmCode code, std::string_view object) const {
    const auto it = entries_.find(Key{code, std::string{object}});
    return it != entries_.end() && it->second.active;
}

std::string AlarmBook::id_of(site::AlarmCode code, std::string_view object) const {
    return is_active(code, object) ? entries_.find(Key{code, std::string{object}})->second.alarm.alarm_id
                                   : std::string{};
}

}  // namespace sl::fault
