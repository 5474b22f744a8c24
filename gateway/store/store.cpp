#include "gateway/store/store.hpp"

#include "gateway/site/log.hpp"
#include "gateway/store/engine.hpp"
#include "gateway/store/guarded.hpp"

#include <algorithm>
#include <utility>

namespace sl::store {

using site::LostRange;
using site::RecordPtr;
using site::SeqRange;
using site::Stream;

static std::size_t at(Stream stream) noexcept {
    return static_cast<std::size_t>(stream);
}

Store::Store(const Options& options, Post post, After after)
    : options_(options),
      post_(std::move(post)),
      after_(std::move(after)),
      pending_(std::make_unique<std::array<Ranges, site::stream_count>>()) {
    next_.fill(1);
    Listeners listeners;
    listeners.records = guarded(alive_, [this](const std::vector<RecordPtr>& records, bool committed) {
        take_committed(records, committed);
    });
    listeners.lost = guarded(alive_, [this](const std::vector<LostRange>& lost) { take_lost(lost); });
    listeners.failed = guarded(alive_, [this](const std::string& why) { take_failure(why); });
    listeners.opened = guarded(alive_, [this](const Snapshot& snapshot) { take_opened(snapshot); });
    engine_ = std::make_unique<Engine>(options_, post_, std::move(listeners));
    if (const auto snapshot = engine_->open_first(why_)) {
        why_.clear();
        ok_ = true;
        load(*snapshot);
    } else {
        start_in_ram();
    }
    engine_->start();
    arm_maintenance();
}

Store::~Store() {
    alive_.reset();
}

void Store::load(const Snapshot& snapshot) {
    identity_ = snapshot.identity;
    for (std::size_t i = 0; i < site::stream_count; ++i) {
        next_[i] = snapshot.cursors[i].next;
        (*pending_)[i] = snapshot.cursors[i].settled.complement(next_[i]);
    }
    lost_ = snapshot.lost;
    if (snapshot.packet_size > 0) packet_size_ = snapshot.packet_size;
    for (const CommandRecord& command : snapshot.commands)
        if (commands_.emplace(command.id, command).second) command_order_.push_back(command.id);
    for (const auto& [key, value] : snapshot.states)
        if (!erased_.contains(key)) states_.emplace(key, value);
}

// No disk from the start. What the floor file says is good enough to be recognised by.
void Store::start_in_ram() {
    site::log(site::LogLevel::error, "store", why_ + ": going on without a disk");
    const auto floor = read_floor(options_.directory);
    identity_.epoch = floor ? floor->epoch : make_ulid(options_.started.time_since_epoch().count());
    identity_.boot = floor ? floor->boot + 1 : 1;
    identity_.fresh_epoch = !floor;
    if (!floor) identity_.reason = "new_gateway";
    if (floor) next_ = floor->next;
    arm_retry();
}

void Store::append(site::Record record, site::Urgency urgency) {
    auto shared = std::make_shared<site::Record>(std::move(record));
    shared->seq = 0;
    if (site::trusted(shared->tq)) newest_ts_ = std::max(newest_ts_, site::to_ms(shared->ts));
    if (!ok_ || !engine_->add(shared)) {
        pass_uncommitted(shared);
        return;
    }
    if (urgency == site::Urgency::now || engine_->waiting_bytes() >= options_.commit_bytes) {
        engine_->commit_now();
    } else {
        arm_commit();
    }
}

void Store::pass_uncommitted(const std::shared_ptr<site::Record>& record) {
    post_(guarded(alive_, [this, record] { take_committed({record}, false); }));
}

void Store::flush(Done done) {
    engine_->flush(guarded(alive_, std::move(done)));
}

void Store::arm_commit() {
    if (std::exchange(commit_armed_, true)) return;
    after_(options_.commit_every, guarded(alive_, [this] {
               commit_armed_ = false;
               engine_->commit_now();
           }));
}

void Store::arm_retry() {
    if (std::exchange(retry_armed_, true)) return;
    after_(options_.retry_every, guarded(alive_, [this] {
               retry_armed_ = false;
               if (!ok_) engine_->retry();
           }));
}

void Store::arm_maintenance() {
    after_(options_.maintain_every, guarded(alive_, [this] {
               engine_->maintain(newest_ts_);
               if (++maintenances_ % 4 == 0 && ok_) engine_->check_in_background();
               arm_maintenance();
           }));
}

void Store::take_committed(const std::vector<RecordPtr>& records, bool committed) {
    if (committed) {
        for (const RecordPtr& record : records) {
            (*pending_)[at(record->stream)].add(SeqRange{record->seq, record->seq});
            next_[at(record->stream)] = record->seq + 1;
        }
    }
    if (on_commit_) on_commit_(records);
}

void Store::take_lost(const std::vector<LostRange>& lost) {
    for (const LostRange& range : lost)
        add_lost(range);
    if (on_loss_) on_loss_(lost);
}

std::int64_t Store::bytes() const {
    return directory_bytes(options_.directory);
}

void Store::add_lost(const LostRange& lost) {
    (*pending_)[at(lost.stream)].remove(lost.range);
    lost_records_[at(lost.stream)] += lost.range.to - lost.range.from + 1;
    for (LostRange& known : lost_) {
        if (known.stream == lost.stream && known.why == lost.why && known.range.to + 1 == lost.range.from) {
            known.range.to = lost.range.to;
            return;
        }
    }
    lost_.push_back(lost);
}

void Store::take_failure(const std::string& why) {
    const bool news = std::exchange(ok_, false) || why != why_;
    why_ = why;
    arm_retry();
    if (!news) return;
    site::log(site::LogLevel::error, "store", why + ": going on without a disk");
    if (on_health_) on_health_(false, why);
}

void Store::take_opened(const Snapshot& snapshot) {
    const bool same_epoch = snapshot.identity.epoch == identity_.epoch;
    const site::StoreIdentity before = identity_;
    load(snapshot);
    if (same_epoch) {
        identity_.conn = std::max(before.conn, identity_.conn);
        if (!before.fresh_epoch) epoch_announced();
    }
    ok_ = true;
    why_.clear();
    resync(same_epoch);
    site::log(site::LogLevel::info, "store", "writing to disk again");
    if (on_health_) on_health_(true, "");
}

// What was decided while there was no disk.
void Store::resync(bool same_epoch) {
    if (same_epoch && identity_.conn > 0) put_meta("conn", std::to_string(identity_.conn));
    if (packet_size_ > 0) put_meta("packet", std::to_string(packet_size_));
    std::vector<CommandRecord> commands;
    commands.reserve(commands_.size());
    for (const auto& [id, command] : commands_)
        commands.push_back(command);
    engine_->add(Op{[commands = std::move(commands), states = states_, erased = erased_](QueueDb& queue) {
                        for (const CommandRecord& command : commands)
                            queue.put_command(command);
                        for (const auto& [key, value] : states)
                            queue.put_state(key, value);
                        for (const std::string& key : erased)
                            queue.put_state(key, "");
                    },
                    {}});
}

void Store::acknowledge(Stream stream, std::int64_t seq) {
    if (seq <= 0 || seq >= next_[at(stream)]) return;
    const SeqRange one{seq, seq};
    Ranges& pending = (*pending_)[at(stream)];
    if (!pending.contains(seq)) {  // let go while it was in flight, and it arrived after all
        const LostRange arrived{stream, one, {}};
        const auto covers = [&](const LostRange& l) {
            return l.stream == stream && l.range.from <= seq && l.range.to >= seq;
        };
        if (std::any_of(lost_.begin(), lost_.end(), covers)) lost_told({&arrived, 1});
        return;
    }
    pending.remove(one);
    engine_->acknowledged(stream, seq);
    arm_commit();
}

void Store::give_up(Stream stream, std::int64_t seq, std::string why) {
    if (!(*pending_)[at(stream)].contains(seq)) return;
    const LostRange lost{stream, SeqRange{seq, seq}, std::move(why)};
    engine_->give_up(lost);
    take_lost({lost});
}

std::int64_t Store::next_seq(Stream stream) const {
    return next_[at(stream)];
}

std::vector<site::Backlog> Store::backlog() const {
    std::vector<site::Backlog> all;
    for (std::size_t i = 0; i < site::stream_count; ++i) {
        const Ranges& ranges = (*pending_)[i];
        if (ranges.empty()) continue;
        const SeqRange whole{ranges.all().front().from, ranges.all().back().to};
        all.push_back(site::Backlog{static_cast<Stream>(i), whole, ranges.count()});
    }
    return all;
}

void Store::lost_told(std::span<const LostRange> told) {
    std::vector<LostRange> ranges{told.begin(), told.end()};
    for (const LostRange& range : ranges) {
        std::vector<LostRange> rest;
        for (const LostRange& known : lost_) {
            Ranges left;
            left.add(known.range);
            if (known.stream == range.stream) left.remove(range.range);
            for (const SeqRange& part : left.all())
                rest.push_back(LostRange{known.stream, part, known.why});
        }
        lost_ = std::move(rest);
    }
    engine_->add(Op{[ranges = std::move(ranges)](QueueDb& queue) {
                        for (const LostRange& range : ranges)
                            queue.told_lost(range);
                    },
                    {}});
}

}  // namespace sl::store
