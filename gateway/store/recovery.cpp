// Opening: at start and again after trouble. Which epoch is this, and what can be saved of a broken file.
#include "gateway/site/log.hpp"
#include "gateway/store/engine.hpp"

#include <charconv>
#include <utility>

#include <sqlite3.h>

namespace sl::store {

static std::uint32_t number(const std::string& text) {
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::optional<Snapshot> Engine::open_first(std::string& why) {
    return open(why);
}

std::optional<Snapshot> Engine::open(std::string& why) {
    const auto hold = reader_.pause();
    if (!lock_.take(options_.directory, why)) return std::nullopt;
    for (const bool last_try : {false, true}) {
        queue_.reset();
        history_.reset();
        try {
            return open_files();
        } catch (const DbError& error) {
            why = error.what();
            queue_.reset();
            if (last_try || !error.full() || !drop_ballast(options_.directory)) break;
        }
    }
    return std::nullopt;
}

Snapshot Engine::open_files() {
    floor_ = read_floor(options_.directory);
    open_history(false);
    Snapshot salvaged;
    warm_log(path("queue.db-wal"), options_.wal_bytes());
    try {
        queue_ = std::make_unique<QueueDb>(queue_file());
        inspect();
    } catch (const DbError& error) {
        if (!error.corrupt() && error.code() != SQLITE_IOERR_READ) throw;
        queue_.reset();
        salvaged = salvage();
        quarantine(options_.directory, "queue.db");
        trim_quarantine(options_.directory, static_cast<std::int64_t>(options_.max_bytes));
        site::log(site::LogLevel::error, "store",
                  std::string{error.what()} + ": queue.db moved aside as queue.db.corrupt-1");
        queue_ = std::make_unique<QueueDb>(queue_file());
    }
    suspect_ = false;
    Snapshot snapshot = establish(salvaged);
    make_ballast(options_.directory, options_.ballast_bytes);
    keep_floor();
    return snapshot;
}

QueueFile Engine::queue_file() const {
    return QueueFile{path("queue.db"), options_.vfs, options_.wal_bytes(), options_.queue_bytes()};
}

void Engine::inspect() {
    if (!suspect_ && file_bytes(path("queue.db")) > options_.check_at_start_bytes) {
        check_in_background();
        return;
    }
    if (const std::string complaint = quick_check(queue_->db()); !complaint.empty())
        throw DbError{SQLITE_CORRUPT, complaint};
}

void Engine::check_in_background() {
    reader_.add([this](ReadConnections& connections) {
        try {
            const std::string complaint = quick_check(connections.queue());
            if (!complaint.empty()) damaged(complaint);
        } catch (const DbError& error) {
            if (error.corrupt()) damaged(error.what());
        }
    });
}

void Engine::open_history(bool fresh) {
    history_.reset();
    if (fresh) quarantine(options_.directory, "history.db");
    try {
        history_ = std::make_unique<HistoryDb>(path("history.db"), options_.vfs, options_.history_bytes(),
                                               options_.wal_bytes());
        const bool small = file_bytes(path("history.db")) <= options_.check_at_start_bytes;
        if (small && !quick_check(history_->db()).empty())
            throw DbError{SQLITE_CORRUPT, "history.db is damaged"};
    } catch (const DbError& error) {
        history_.reset();
        site::log(site::LogLevel::warning, "store", std::string{"history: "} + error.what());
        if (!fresh && error.corrupt()) open_history(true);
    }
}

// What still reads of the commands and the state. A hold that keeps a feeder off matters more than all
// records: it is kept in history.db too.
Snapshot Engine::salvage() {
    Snapshot saved;
    if (history_ != nullptr) {
        try {
            saved.states = history_->states();
        } catch (const DbError&) {
            saved.states.clear();
        }
    }
    try {
        Db broken{path("queue.db"), options_.vfs};
        Stmt states{broken, "SELECT key,value FROM state"};
        while (states.step())
            saved.states.insert_or_assign(states.text(0), states.text(1));
        Stmt rows{broken, "SELECT id,received,accepted,done,request FROM command ORDER BY received,id"};
        while (rows.step()) {
            site::Outbox::CommandRecord command;
            command.id = rows.text(0);
            command.received = site::WallTime{site::milliseconds{rows.integer(1)}};
            command.accepted_body = rows.text(2);
            command.done_body = rows.text(3);
            command.request = rows.text(4);
            saved.commands.push_back(std::move(command));
        }
    } catch (const DbError&) {
        return saved;  // as far as it could be read
    }
    return saved;
}

// An epoch that the floor knows better than the database is a copy put back from somewhere: other records
// were published under these numbers.
bool Engine::put_back(const std::string& epoch, const std::string& replaced) const {
    if (!floor_ || epoch.empty()) return false;
    if (floor_->epoch != epoch) return floor_->epoch != replaced;
    for (std::size_t i = 0; i < stream_count; ++i)
        if (floor_->next[i] > queue_->cursors[i].next) return true;
    return false;
}

Snapshot Engine::establish(const Snapshot& salvaged) {
    QueueDb& queue = *queue_;
    Tx tx{queue.db()};
    std::string epoch = queue.meta("epoch");
    const bool restored = put_back(epoch, queue.meta("replaces"));
    if (epoch.empty() || restored) {
        if (restored) queue.forget_records();
        epoch = make_ulid(options_.started.time_since_epoch().count());
        queue.put_meta("epoch", epoch);
        queue.put_meta("replaces", floor_ ? floor_->epoch : "");
        queue.put_meta("reason", restored ? "restored" : (floor_ ? "new_store" : "new_gateway"));
        queue.put_meta("announced", "0");
        queue.put_meta("boot", "0");
        queue.put_meta("conn", "0");
    }
    if (epoch != epoch_) {  // else this process has opened it before
        boot_ = number(queue.meta("boot")) + 1;
        queue.put_meta("boot", std::to_string(boot_));
        for (Ranges& ranges : unwritten_)
            ranges.clear();
    }
    for (const auto& [key, value] : salvaged.states)
        queue.put_state(key, value);
    for (const auto& command : salvaged.commands)
        queue.put_command(command);
    for (std::size_t i = 0; i < stream_count; ++i)
        queue.cursors[i].settled.add(unwritten_[i]);
    queue.write_settled();
    tx.commit();
    queue.committed();
    epoch_ = epoch;
    Snapshot snapshot = queue.load();
    snapshot.identity = site::StoreIdentity{epoch,
                                            boot_,
                                            number(queue.meta("conn")),
                                            queue.meta("replaces"),
                                            queue.meta("reason"),
                                            queue.meta("announced") == "0"};
    snapshot.packet_size = number(queue.meta("packet"));
    return snapshot;
}

void Engine::keep_floor() {
    Floor floor{epoch_, boot_, {}};
    for (std::size_t i = 0; i < stream_count; ++i)
        floor.next[i] = queue_->cursors[i].next;
    if (!write_floor(options_.directory, floor))
        site::log(site::LogLevel::warning, "store", "cannot write " + path("floor"));
}

}  // namespace sl::store
