// Commands, state, counters, reads and history of the store.
#include "gateway/store/engine.hpp"
#include "gateway/store/guarded.hpp"
#include "gateway/store/store.hpp"

#include <algorithm>
#include <utility>

namespace sl::store {

using site::RecordPtr;
using site::SeqRange;
using site::Stream;

static constexpr std::size_t max_commands = 1'000;
static constexpr std::chrono::hours keep_commands{48};

Options::Options(const site::Store& config)
    : directory(config.directory),
      commit_every(config.commit_every),
      commit_bytes(config.commit_bytes),
      max_bytes(config.max_bytes),
      ballast_bytes(config.ballast_bytes),
      keep_sent(config.keep_sent),
      keep_energy(config.keep_energy) {}

std::int64_t Options::wal_bytes() const {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(max_bytes / 16), 32'768, 512 << 10);
}
std::int64_t Options::history_bytes() const {
    return static_cast<std::int64_t>(max_bytes / 4);
}
// What is left beside history, ballast, two logs of changes with a slice of slack each, and their indexes.
std::int64_t Options::queue_bytes() const {
    const std::int64_t rest = static_cast<std::int64_t>(max_bytes) - history_bytes() -
                              static_cast<std::int64_t>(ballast_bytes) - 2 * wal_bytes() - 65'536;
    return std::max<std::int64_t>(rest, 262'144);
}
std::size_t Options::slice_bytes() const {
    return static_cast<std::size_t>(std::min<std::int64_t>(wal_bytes() / 2, 262'144));
}

void Store::put_meta(std::string key, std::string value, Done done) {
    engine_->add(
        Op{[key = std::move(key), value = std::move(value)](QueueDb& queue) { queue.put_meta(key, value); },
           guarded(alive_, std::move(done))});
}

void Store::next_conn(std::function<void(std::uint32_t)> done) {
    const std::uint32_t conn = ++identity_.conn;
    put_meta("conn", std::to_string(conn), [conn, done = std::move(done)](bool) { done(conn); });
}

void Store::epoch_announced() {
    if (!identity_.fresh_epoch) return;
    identity_.fresh_epoch = false;
    identity_.replaces.clear();
    identity_.reason.clear();
    put_meta("announced", "1");
    put_meta("reason", "");
    put_meta("replaces", "");
}

void Store::note_packet_size(std::size_t bytes) {
    if (bytes == 0 || (packet_size_ != 0 && bytes >= packet_size_)) return;
    packet_size_ = bytes;
    put_meta("packet", std::to_string(bytes));
}

const site::Outbox::CommandRecord* Store::find_command(std::string_view id) const {
    const auto found = commands_.find(id);
    return found == commands_.end() ? nullptr : &found->second;
}

void Store::store_command(CommandRecord command, std::function<void(bool)> done) {
    const std::string id = command.id;
    const auto newest = command.received;
    if (commands_.insert_or_assign(id, command).second) command_order_.push_back(id);
    engine_->add(Op{[command = std::move(command)](QueueDb& queue) { queue.put_command(command); },
                    guarded(alive_, std::move(done))});
    evict_commands(newest);
}

void Store::evict_commands(site::WallTime newest) {
    while (!command_order_.empty()) {
        const auto oldest = commands_.find(command_order_.front());
        const bool expired = oldest != commands_.end() && oldest->second.received + keep_commands < newest;
        if (command_order_.size() <= max_commands && !expired) return;
        const std::string id = std::move(command_order_.front());
        command_order_.pop_front();
        commands_.erase(id);
        engine_->add(Op{[id](QueueDb& queue) { queue.forget_command(id); }, {}});
    }
}

void Store::finish_command(std::string_view id, std::string done_body) {
    const auto found = commands_.find(id);
    if (found == commands_.end()) return;
    found->second.done_body = done_body;
    engine_->add(Op{[key = std::string{id}, body = std::move(done_body)](QueueDb& queue) {
                        queue.finish_command(key, body);
                    },
                    {}});
}

std::vector<site::Outbox::CommandRecord> Store::unfinished_commands() const {
    std::vector<CommandRecord> open;
    for (const std::string& id : command_order_) {
        const auto found = commands_.find(id);
        if (found != commands_.end() && found->second.done_body.empty()) open.push_back(found->second);
    }
    return open;
}

void Store::put_state(std::string key, std::string value) {
    const auto known = states_.find(key);
    if (known == states_.end() ? value.empty() : known->second == value) return;
    if (value.empty()) {
        states_.erase(key);
        erased_.insert(key);
    } else {
        states_.insert_or_assign(key, value);
        erased_.erase(key);
    }
    engine_->add(HistoryOp{[key, value](HistoryDb& history) { history.put_state(key, value); }});
    const auto written = [this, key](bool durable) {
        if (durable && !states_.contains(key)) erased_.erase(key);
    };
    engine_->add(Op{[key, value = std::move(value)](QueueDb& queue) { queue.put_state(key, value); },
                    guarded(alive_, written)});
}

std::optional<std::string> Store::state(std::string_view key) const {
    const auto found = states_.find(key);
    if (found == states_.end()) return std::nullopt;
    return found->second;
}

std::vector<std::pair<std::string, std::string>> Store::states(std::string_view prefix) const {
    std::vector<std::pair<std::string, std::string>> found;
    for (auto it = states_.lower_bound(prefix); it != states_.end() && it->first.starts_with(prefix); ++it)
        found.emplace_back(it->first, it->second);
    return found;
}

static std::vector<RecordPtr> read_records(Db& db, Stream stream, const std::vector<SeqRange>& ranges,
                                           std::size_t max_records, std::size_t max_bytes) {
    std::vector<RecordPtr> found;
    std::size_t bytes = 0;
    Stmt rows{db, "SELECT " + std::string{record_columns} + " FROM " + std::string{table(stream)} +
                      " WHERE seq BETWEEN ? AND ? ORDER BY seq"};
    for (const SeqRange& range : ranges) {
        rows.bind(1, range.from).bind(2, range.to);
        while (found.size() < max_records && (found.empty() || bytes < max_bytes) && rows.step()) {
            found.push_back(read_record(rows, stream));
            bytes += found.back()->body.size();
        }
        rows.reset();
    }
    return found;
}

void Store::read(Stream stream, std::vector<SeqRange> ranges, std::size_t max_records, std::size_t max_bytes,
                 bool only_pending, ReadDone done) {
    auto deliver =
        guarded(alive_, [this, stream, only_pending, done = std::move(done)](std::vector<RecordPtr> found) {
            const Ranges& pending = (*pending_)[static_cast<std::size_t>(stream)];
            if (only_pending)
                std::erase_if(found, [&](const RecordPtr& r) { return !pending.contains(r->seq); });
            done(std::move(found));
        });
    engine_->reader().add([engine = engine_.get(), post = post_, stream, ranges = std::move(ranges),
                           max_records, max_bytes,
                           deliver = std::move(deliver)](ReadConnections& connections) {
        std::vector<RecordPtr> found;
        try {
            found = read_records(connections.queue(), stream, ranges, max_records, max_bytes);
        } catch (const DbError& error) {
            if (error.corrupt()) engine->damaged(error.what());
        }
        post([deliver, found = std::move(found)] { deliver(found); });
    });
}

void Store::read_pending(Stream stream, std::int64_t from, std::size_t max_records, std::size_t max_bytes,
                         ReadDone done) {
    const Ranges& pending = (*pending_)[static_cast<std::size_t>(stream)];
    auto ranges = pending.take(from, static_cast<std::int64_t>(max_records));
    read(stream, std::move(ranges), max_records, max_bytes, true, std::move(done));
}

void Store::read_range(Stream stream, SeqRange range, std::size_t max_records, std::size_t max_bytes,
                       ReadDone done) {
    read(stream, {range}, max_records, max_bytes, false, std::move(done));
}

void Store::append_history(std::vector<HistoryReading> readings) {
    engine_->add(HistoryOp{[readings = std::move(readings)](HistoryDb& history) {
        for (const HistoryReading& reading : readings)
            history.add(reading);
    }});
    arm_commit();
}
void Store::append_intervals(std::vector<HistoryInterval> intervals) {
    engine_->add(HistoryOp{[intervals = std::move(intervals)](HistoryDb& history) {
        for (const HistoryInterval& interval : intervals)
            history.add(interval);
    }});
    arm_commit();
}
void Store::append_journal(JournalEntry entry) {
    engine_->add(HistoryOp{[entry = std::move(entry)](HistoryDb& history) { history.add(entry); }});
    arm_commit();
}

template <typename T, typename Read>
static Reader::Job history_job(HistoryQuery query, Post post, Read read,
                               std::function<void(std::vector<T>)> deliver) {
    return [query = std::move(query), post = std::move(post), read,
            deliver = std::move(deliver)](ReadConnections& connections) {
        std::vector<T> found;
        try {
            found = read(connections.history(), query);
        } catch (const DbError&) {
            found.clear();  // the writer notices a broken history when it writes
        }
        post([deliver, found = std::move(found)] { deliver(found); });
    };
}

void Store::query_history(HistoryQuery query, std::function<void(std::vector<HistoryReading>)> done) {
    engine_->reader().add(history_job<HistoryReading>(std::move(query), post_, read_readings,
                                                      guarded(alive_, std::move(done))));
}
void Store::query_intervals(HistoryQuery query, std::function<void(std::vector<HistoryInterval>)> done) {
    engine_->reader().add(history_job<HistoryInterval>(std::move(query), post_, read_intervals,
                                                       guarded(alive_, std::move(done))));
}
void Store::query_journal(HistoryQuery query, std::function<void(std::vector<JournalEntry>)> done) {
    engine_->reader().add(
        history_job<JournalEntry>(std::move(query), post_, read_journal, guarded(alive_, std::move(done))));
}

}  // namespace sl::store
