#include "gateway/northbound/lanes.hpp"

#include <algorithm>
#include <utility>

namespace sl::northbound {
namespace {

bool periodic(site::Stream stream) noexcept {
    return stream == site::Stream::telemetry || stream == site::Stream::energy;
}

}  // namespace

void Lanes::Lane::push(const site::RecordPtr& record) {
    live.push_back(record);
    bytes += record->body.size();
}
site::RecordPtr Lanes::Lane::pop_front() {
    site::RecordPtr record = std::move(live.front());
    live.pop_front();
    bytes -= record->body.size();
    return record;
}
void Lanes::Lane::pop_back() {
    bytes -= live.back()->body.size();
    live.pop_back();
}

Lanes::Lanes(site::Outbox& outbox, std::chrono::milliseconds shift, std::function<void()> wake)
    : outbox_(outbox), shift_(shift), wake_(std::move(wake)) {
    for (std::size_t i = 0; i < site::stream_count; ++i)
        lanes_[i].committed = outbox_.next_seq(static_cast<site::Stream>(i)) - 1;
}

void Lanes::restart() {
    lanes_ = {};
    for (std::size_t i = 0; i < site::stream_count; ++i)
        lanes_[i].committed = outbox_.next_seq(static_cast<site::Stream>(i)) - 1;
    resend_.clear();
    hist_.clear();
    ++generation_;
    reading_ = unspilling_ = false;
    // Whoever waits for a replay of the old epoch is told how far it got.
    for (Replay& replay : std::exchange(replays_, {})) {
        if (replay.done) replay.done(replay.count);
    }
}

void Lanes::preload() {
    for (std::size_t i = 0; i < site::stream_count; ++i) {
        const auto stream = static_cast<site::Stream>(i);
        const auto newest = lanes_[i].committed;
        if (newest < 1) continue;
        const auto from = std::max<std::int64_t>(1, newest - 31);
        outbox_.read_pending(stream, from, 32, offline_bytes,
                             [this, stream](const std::vector<site::RecordPtr>& records) {
                                 auto& l = lane(stream);
                                 if (connected_ || !l.live.empty()) return;
                                 for (const auto& record : records)
                                     l.push(record);
                             });
    }
}

void Lanes::committed(std::span<const site::RecordPtr> records) {
    for (const auto& record : records) {
        if (record->seq == 0) {
            loose_.push_back(record);
            if (loose_.size() > offline_records) loose_.pop_front();
            continue;
        }
        auto& l = lane(record->stream);
        l.committed = std::max(l.committed, record->seq);
        if (l.spill_from != 0) continue;
        l.push(record);
        if (connected_ && (l.live.size() > live_records || l.bytes > live_bytes)) {
            l.spill_from = record->seq;
            l.pop_back();
        }
        while (!connected_ && (l.live.size() > offline_records || l.bytes > offline_bytes))
            l.pop_front();
    }
}

bool Lanes::is_live(const site::Record& record, const Stamp& now) const {
    if (record.boot == outbox_.identity().boot)
        return record.up_ms >= connected_up_ || now.up_ms - record.up_ms <= live_window_ms;
    if (!trusted(record.tq) || !trusted(now.tq))
        return false;  // of an earlier start: only the clock can tell
    const auto age = now.ts - record.ts;
    return age.count() >= 0 && age.count() <= live_window_ms;
}

bool Lanes::is_due(const site::Record& record, const Stamp& now) const {
    return !periodic(record.stream) || record.boot != outbox_.identity().boot ||
           now.up_ms - record.up_ms >= shift_.count();
}

void Lanes::connected(const Stamp& now) {
    connected_ = true;
    connected_up_ = now.up_ms;
    ++generation_;
    reading_ = unspilling_ = false;
    for (auto& l : lanes_) {
        while (!l.live.empty() && !is_live(*l.live.front(), now))
            l.pop_front();
        l.hist_next = 1;
        l.hist_end = l.live.empty() ? l.committed + 1 : l.live.front()->seq;
    }
}

void Lanes::disconnected(std::vector<Outgoing> in_flight) {
    connected_ = false;
    ++generation_;
    hist_.clear();
    resend_.insert(resend_.begin(), std::make_move_iterator(in_flight.begin()),
                   std::make_move_iterator(in_flight.end()));
    for (auto& l : lanes_) {
        l.skip.clear();
        if (l.spill_from != 0) {  // the store has more than the queue: from now on it is history
            l.live.clear();
            l.bytes = 0;
            l.spill_from = 0;
        }
        while (l.live.size() > offline_records || l.bytes > offline_bytes)
            l.pop_front();
    }
    for (const auto& o : resend_)
        lane(o.record->stream).skip.insert(o.record->seq);
}

void Lanes::again(Outgoing outgoing) {
    lane(outgoing.record->stream).skip.insert(outgoing.record->seq);
    resend_.push_back(std::move(outgoing));
}

std::optional<Outgoing> Lanes::next_of(Lane& l, const Stamp& now) {
    while (!l.live.empty()) {
        const auto& front = *l.live.front();
        if (is_live(front, now)) {
            if (!is_due(front, now)) return std::nullopt;
            return Outgoing{l.pop_front(), false, 0};
        }
        l.hist_end = std::max(l.hist_end, front.seq + 1);  // waited too long: history will bring it
        l.pop_front();
    }
    return std::nullopt;
}

std::optional<Outgoing> Lanes::next_live(const Stamp& now) {
    if (!resend_.empty()) {
        auto first = std::move(resend_.front());
        resend_.pop_front();
        return first;
    }
    if (!loose_.empty()) {
        const auto record = loose_.front();
        loose_.pop_front();
        return Outgoing{record, !is_live(*record, now), 0};
    }
    for (std::size_t i = 0; i < site::stream_count; ++i) {
        auto& l = lanes_[i];
        if (auto found = next_of(l, now)) return found;
        if (l.live.empty() && l.spill_from != 0) unspill(static_cast<site::Stream>(i));
    }
    return std::nullopt;
}

void Lanes::unspill(site::Stream stream) {
    if (unspilling_) return;
    unspilling_ = true;
    const auto generation = generation_;
    const auto asked_to = lane(stream).committed;
    outbox_.read_pending(stream, lane(stream).spill_from, read_records, read_bytes,
                         [this, stream, generation, asked_to](const std::vector<site::RecordPtr>& records) {
                             if (generation != generation_) return;
                             unspilling_ = false;
                             take_spilled(stream, asked_to, records);
                             wake_();
                         });
}

void Lanes::take_spilled(site::Stream stream, std::int64_t asked_to,
                         const std::vector<site::RecordPtr>& records) {
    auto& l = lane(stream);
    for (const auto& record : records) {
        if (record->seq >= l.spill_from) l.push(record);
    }
    const auto reached = records.empty() ? asked_to : std::max(records.back()->seq, l.spill_from);
    l.spill_from = reached >= l.committed ? 0 : reached + 1;
}

bool Lanes::live_waiting() const noexcept {
    return !resend_.empty() || !loose_.empty() ||
           std::any_of(lanes_.begin(), lanes_.end(),
                       [](const Lane& l) { return !l.live.empty() || l.spill_from != 0; });
}

bool Lanes::history_waiting() const noexcept {
    return !hist_.empty() || !replays_.empty() ||
           std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.hist_next < l.hist_end; });
}

std::optional<Outgoing> Lanes::next_history() {
    if (hist_.empty() && !reading_) read_history();
    if (hist_.empty()) return std::nullopt;
    auto first = std::move(hist_.front());
    hist_.pop_front();
    return first;
}

void Lanes::read_history() {
    const auto open = [](const Lane& l) { return l.hist_next < l.hist_end; };
    const auto it = std::find_if(lanes_.begin(), lanes_.end(), open);  // in the order of Stream
    if (it == lanes_.end()) return read_replay();
    reading_ = true;
    const auto stream = static_cast<site::Stream>(it - lanes_.begin());
    const auto generation = generation_;
    outbox_.read_pending(stream, it->hist_next, read_records, read_bytes,
                         [this, stream, generation](const std::vector<site::RecordPtr>& records) {
                             if (generation != generation_) return;
                             reading_ = false;
                             take_history(stream, records);
                             wake_();
                         });
}

void Lanes::take_history(site::Stream stream, const std::vector<site::RecordPtr>& records) {
    auto& l = lane(stream);
    const bool complete = records.empty() || records.back()->seq + 1 >= l.hist_end;
    for (const auto& record : records) {
        if (record->seq < l.hist_next || record->seq >= l.hist_end || l.skip.contains(record->seq)) continue;
        hist_.push_back(Outgoing{record, true, 0});
    }
    l.hist_next = complete ? l.hist_end : records.back()->seq + 1;
}

void Lanes::replay(site::Stream stream, site::SeqRange range, std::function<void(std::size_t)> done) {
    replays_.push_back(Replay{stream, std::max<std::int64_t>(range.from, 1), range.to, 0, std::move(done)});
    wake_();
}

void Lanes::read_replay() {
    if (replays_.empty()) return;
    reading_ = true;
    const auto generation = generation_;
    const auto& first = replays_.front();
    outbox_.read_range(first.stream, site::SeqRange{first.next, first.to}, read_records, read_bytes,
                       [this, generation](const std::vector<site::RecordPtr>& records) {
                           if (generation != generation_) return;
                           reading_ = false;
                           take_replay(records);
                           wake_();
                       });
}

void Lanes::take_replay(const std::vector<site::RecordPtr>& records) {
    auto& first = replays_.front();
    for (const auto& record : records)
        hist_.push_back(Outgoing{record, true, 0});
    first.count += records.size();
    if (!records.empty()) first.next = records.back()->seq + 1;
    if (!records.empty() && first.next <= first.to) return;
    const auto finished = std::move(first);
    replays_.pop_front();
    if (finished.done) finished.done(finished.count);
}

}  // namespace sl::northbound
