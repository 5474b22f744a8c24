#include "gateway/store/engine.hpp"

#include "gateway/site/log.hpp"

#include <algorithm>
#include <utility>

namespace sl::store {

using site::LostRange;
using site::SeqRange;
using site::Stream;

static std::size_t cost(const site::Record& record) {
    return record.body.size() + record.response_topic.size() + record.correlation.size() + 80;
}

bool Engine::Work::empty() const {
    return ops.empty() && records.empty() && given_up.empty() &&
           std::all_of(acknowledged.begin(), acknowledged.end(), [](const Ranges& r) { return r.empty(); });
}

Engine::Engine(Options options, Post post, Listeners listeners)
    : options_(std::move(options)),
      post_(std::move(post)),
      listeners_(std::move(listeners)),
      reader_(options_.directory, options_.vfs) {}

Engine::~Engine() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Engine::start() {
    thread_ = std::thread{[this] { run(); }};
}

// --- the reactor's side

bool Engine::add(std::shared_ptr<site::Record> record) {
    const std::lock_guard lock{mutex_};
    if (queued_bytes_ > options_.max_waiting_bytes) return false;
    queued_bytes_ += cost(*record);
    queued_[static_cast<std::size_t>(record->stream)].push_back(std::move(record));
    return true;
}
void Engine::add(Op op) {
    {
        const std::lock_guard lock{mutex_};
        inbox_.ops.push_back(std::move(op));
    }
    commit_now();
}
void Engine::add(HistoryOp op) {
    const std::lock_guard lock{mutex_};
    inbox_.history.push_back(std::move(op));
}
void Engine::acknowledged(Stream stream, std::int64_t seq) {
    const std::lock_guard lock{mutex_};
    inbox_.acknowledged[static_cast<std::size_t>(stream)].add(SeqRange{seq, seq});
}
void Engine::give_up(LostRange lost) {
    {
        const std::lock_guard lock{mutex_};
        inbox_.given_up.push_back(std::move(lost));
    }
    commit_now();
}
void Engine::flush(std::function<void(bool)> done) {
    {
        const std::lock_guard lock{mutex_};
        inbox_.flushes.push_back(std::move(done));
    }
    commit_now();
}
void Engine::commit_now() {
    {
        const std::lock_guard lock{mutex_};
        due_ = true;
    }
    wake_.notify_one();
}
void Engine::retry() {
    {
        const std::lock_guard lock{mutex_};
        inbox_.retry = true;
    }
    commit_now();
}
void Engine::maintain(std::int64_t newest_ts_ms) {
    {
        const std::lock_guard lock{mutex_};
        inbox_.maintain = newest_ts_ms;
    }
    commit_now();
}
void Engine::damaged(const std::string& why) {
    {
        const std::lock_guard lock{mutex_};
        inbox_.damage = why;
    }
    commit_now();
}
std::size_t Engine::waiting_bytes() const {
    const std::lock_guard lock{mutex_};
    return queued_bytes_;
}

// --- the writer's side

void Engine::run() {
    std::unique_lock lock{mutex_};
    while (true) {
        wake_.wait(lock, [this] { return due_ || stop_; });
        const bool last = stop_;
        Work work = take();
        const bool drained = queued_bytes_ == 0;
        lock.unlock();
        process(std::move(work));
        lock.lock();
        if (last && drained) break;
    }
    lock.unlock();
    if (queue_ != nullptr) keep_floor();
}

// Streams are taken in their order of urgency, at most a slice: a command's reply waits for one small
// transaction, never for a backlog of telemetry.
void Engine::take_records(Work& work) {
    std::size_t bytes = 0;
    for (auto& queue : queued_) {
        while (!queue.empty() && bytes < options_.slice_bytes()) {
            bytes += cost(*queue.front());
            work.records.push_back(std::move(queue.front()));
            queue.pop_front();
        }
    }
    queued_bytes_ -= bytes;
}

Engine::Work Engine::take() {
    Work work = std::exchange(inbox_, Work{});
    take_records(work);
    due_ = queued_bytes_ > 0;
    if (due_) inbox_.flushes = std::exchange(work.flushes, {});
    return work;
}

void Engine::process(Work work) {
    if (work.damage && queue_ != nullptr) fail(*work.damage, true);
    if (work.retry && queue_ == nullptr) {
        std::string why;
        if (auto snapshot = open(why)) {
            post_([opened = listeners_.opened, s = std::move(*snapshot)] { opened(s); });
        } else {
            post_([failed = listeners_.failed, why] { failed(why); });
        }
    }
    const auto newest = work.maintain;
    std::vector<HistoryOp> history = std::move(work.history);
    for (std::size_t i = 0; i < stream_count; ++i)
        unwritten_[i].add(work.acknowledged[i]);
    std::vector<LostRange> lost;
    const bool ok = commit(work, lost);
    if (!lost.empty()) post_([report = listeners_.lost, lost] { report(lost); });
    if (!work.flushes.empty()) write_history(std::exchange(history, {}));
    answer(std::move(work), ok);
    write_history(history);
    if (newest) clean(*newest);
    checkpoint();
}

bool Engine::commit(Work& work, std::vector<LostRange>& lost) {
    if (queue_ == nullptr) return false;
    if (work.empty()) return true;
    for (const bool last_try : {false, true}) {
        std::vector<LostRange> purged;
        try {
            write(work, purged);
            lost.insert(lost.end(), purged.begin(), purged.end());
            return true;
        } catch (const DbError& error) {
            queue_->rolled_back();
            if (!last_try && error.full() && free_disk(lost)) continue;
            fail(error.what(), error.corrupt());
            return false;
        }
    }
    return false;
}

void Engine::write(Work& work, std::vector<LostRange>& lost) {
    std::int64_t coming = 0;
    for (const auto& record : work.records)
        coming += static_cast<std::int64_t>(cost(*record));
    Tx tx{queue_->db()};
    if (queue_->over(coming)) lost = queue_->make_room(std::max(options_.queue_bytes() / 20, 2 * coming));
    for (const Op& op : work.ops)
        op.apply(*queue_);
    for (const auto& record : work.records)
        queue_->insert(*record);
    merge_settled(work);
    queue_->write_settled();
    tx.commit();
    queue_->committed();
    for (Ranges& ranges : unwritten_)
        ranges.clear();
}

void Engine::merge_settled(const Work& work) {
    for (std::size_t i = 0; i < stream_count; ++i)
        queue_->cursors[i].settled.add(unwritten_[i]);
    for (const LostRange& lost : work.given_up) {
        queue_->cursors[static_cast<std::size_t>(lost.stream)].settled.add(lost.range);
        queue_->put_lost(lost);
    }
}

// The disk is full, or the file has reached its limit. The ballast makes the room that deleting needs.
bool Engine::free_disk(std::vector<LostRange>& lost) {
    drop_ballast(options_.directory);
    trim_quarantine(options_.directory, 0);
    try {
        Tx tx{queue_->db()};
        const std::int64_t room = std::max<std::int64_t>(queue_->used_bytes() / 10, 65'536);
        const auto purged = queue_->make_room(room);
        tx.commit();
        queue_->committed();
        lost.insert(lost.end(), purged.begin(), purged.end());
        queue_->db().checkpoint();
        site::log(site::LogLevel::warning, "store", "no space left: the oldest records were let go");
        return true;
    } catch (const DbError&) {
        queue_->rolled_back();
        return false;
    }
}

void Engine::answer(Work work, bool ok) {
    if (!ok) {
        for (const auto& record : work.records)
            record->seq = 0;
    }
    if (work.ops.empty() && work.records.empty() && work.flushes.empty()) return;
    auto reply = [ok, listener = listeners_.records, ops = std::move(work.ops),
                  flushes = std::move(work.flushes),
                  records = std::vector<site::RecordPtr>{work.records.begin(), work.records.end()}] {
        for (const Op& op : ops)
            if (op.done) op.done(ok);
        if (!records.empty()) listener(records, ok);
        for (const auto& done : flushes)
            done(ok);
    };
    post_(std::move(reply));
}

void Engine::write_history(const std::vector<HistoryOp>& ops) {
    for (int attempt = 0; attempt < 2 && !ops.empty() && history_ != nullptr; ++attempt) {
        try {
            Tx tx{history_->db()};
            for (const HistoryOp& op : ops)
                op(*history_);
            tx.commit();
            history_trouble_ = false;
            return;
        } catch (const DbError& error) {
            if (!history_trouble_) site::log(site::LogLevel::warning, "store", error.what());
            history_trouble_ = true;
            if (!mend_history(error)) return;
        }
    }
}

bool Engine::mend_history(const DbError& error) {
    try {
        if (error.corrupt()) {
            const auto hold = reader_.pause();
            open_history(true);
            return true;
        }
        if (error.full()) history_->make_room();
        return error.full();
    } catch (const DbError&) {
        return false;
    }
}

void Engine::checkpoint() {
    try {
        const std::int64_t limit = options_.wal_bytes();
        if (queue_ != nullptr && queue_->db().wal_bytes() >= limit) queue_->db().checkpoint();
        if (history_ != nullptr && history_->db().wal_bytes() >= limit) history_->db().checkpoint();
    } catch (const DbError& error) {
        if (queue_ != nullptr && !error.full()) fail(error.what(), error.corrupt());
    }
}

// Retention, the ballast, the floor. Records that were sent go in small transactions; a command that comes
// meanwhile waits for one of them at most.
void Engine::clean(std::int64_t newest_ts_ms) {
    if (queue_ == nullptr) return;
    const auto ms = [](std::chrono::hours hours) { return std::chrono::milliseconds{hours}.count(); };
    try {
        for (std::size_t i = 0; newest_ts_ms > 0 && i < stream_count; ++i) {
            const auto stream = static_cast<Stream>(i);
            const auto keep = stream == Stream::energy ? options_.keep_energy : options_.keep_sent;
            std::int64_t gone = 1;
            while (gone > 0) {
                Tx tx{queue_->db()};
                gone = queue_->drop_settled_before(stream, newest_ts_ms - ms(keep), 256);
                tx.commit();
                queue_->committed();
            }
        }
        queue_->shrink();
        if (history_ != nullptr)
            history_->purge(newest_ts_ms > 0 ? newest_ts_ms - ms(options_.keep_energy) : 0);
    } catch (const DbError& error) {
        queue_->rolled_back();
        fail(error.what(), error.corrupt());
        return;
    }
    trim_quarantine(options_.directory, static_cast<std::int64_t>(options_.max_bytes));
    make_ballast(options_.directory, options_.ballast_bytes);
    keep_floor();
}

void Engine::fail(const std::string& why, bool corrupt) {
    suspect_ = suspect_ || corrupt;
    queue_.reset();
    post_([failed = listeners_.failed, why] { failed(why); });
}

}  // namespace sl::store
