#include "gateway/store/queue_db.hpp"

#include <algorithm>

namespace sl::store {

using site::LostRange;
using site::SeqRange;
using site::Stream;

// One table a stream, keyed by its sequence number: a commit appends to the last page of the streams it
// touches and to nothing else. The counter of a stream is written only when its records are deleted; else
// the highest key is the counter. Settled = acknowledged or lost, as ranges.
static constexpr Migration migrations[] = {{R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counter(stream INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE settled(stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY(stream, first)) WITHOUT ROWID;
CREATE TABLE lost(stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, why TEXT NOT NULL,
  PRIMARY KEY(stream, first)) WITHOUT ROWID;
CREATE TABLE command(id TEXT PRIMARY KEY, received INTEGER NOT NULL, accepted TEXT NOT NULL, done TEXT NOT NULL,
  request TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rec_event(seq INTEGER PRIMARY KEY, boot, ts, tq, up, meta_rev, suffix, body, response, correlation);
CREATE TABLE rec_reply(seq INTEGER PRIMARY KEY, boot, ts, tq, up, meta_rev, suffix, body, response, correlation);
CREATE TABLE rec_state(seq INTEGER PRIMARY KEY, boot, ts, tq, up, meta_rev, suffix, body, response, correlation);
CREATE TABLE rec_energy(seq INTEGER PRIMARY KEY, boot, ts, tq, up, meta_rev, suffix, body, response, correlation);
CREATE TABLE rec_telemetry(seq INTEGER PRIMARY KEY, boot, ts, tq, up, meta_rev, suffix, body, response,
  correlation);
)sql"}};

static constexpr std::array<Stream, stream_count> all_streams{Stream::event, Stream::reply, Stream::state,
                                                              Stream::energy, Stream::telemetry};
static std::size_t at(Stream stream) noexcept {
    return static_cast<std::size_t>(stream);
}
static std::int64_t number(Stream stream) noexcept {
    return static_cast<std::int64_t>(stream);
}

std::string_view table(Stream stream) noexcept {
    static constexpr std::array<std::string_view, stream_count> names{"rec_event", "rec_reply", "rec_state",
                                                                      "rec_energy", "rec_telemetry"};
    return names[at(stream)];
}

QueueDb::QueueDb(const QueueFile& file) : db_(file.path, file.vfs), file_(file) {
    const std::int64_t guard = file.limit_bytes / page_bytes;
    prepare(db_, Pragmas{true, file.wal_limit_bytes, guard > 0 ? guard + guard / 20 + 8 : 0}, migrations,
            static_cast<int>(std::size(migrations)), "queue.db");
    make_statements();
    load_cursors();
}

void QueueDb::make_statements() {
    for (const Stream stream : all_streams) {
        const std::string name{table(stream)};
        sql_.insert[at(stream)] = Stmt{
            db_, "INSERT INTO " + name + "(" + std::string{record_columns} + ") VALUES(?,?,?,?,?,?,?,?,?,?)"};
        sql_.drop[at(stream)] = Stmt{
            db_, "DELETE FROM " + name + " WHERE seq BETWEEN ? AND (SELECT max(seq) FROM (SELECT seq FROM " +
                     name + " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3))"};
        sql_.first[at(stream)] = Stmt{db_, "SELECT seq FROM " + name + " WHERE ts>=? ORDER BY seq LIMIT 1"};
    }
    sql_.counter = Stmt{db_, "INSERT OR REPLACE INTO counter VALUES(?,?)"};
    sql_.settle = Stmt{db_, "INSERT OR REPLACE INTO settled VALUES(?,?,?)"};
    sql_.unsettle = Stmt{db_, "DELETE FROM settled WHERE stream=? AND first=?"};
    sql_.meta_put = Stmt{db_, "INSERT OR REPLACE INTO meta VALUES(?,?)"};
    sql_.meta_get = Stmt{db_, "SELECT value FROM meta WHERE key=?"};
    sql_.command_put = Stmt{db_, "INSERT OR REPLACE INTO command VALUES(?,?,?,?,?)"};
    sql_.command_done = Stmt{db_, "UPDATE command SET done=? WHERE id=?"};
    sql_.command_drop = Stmt{db_, "DELETE FROM command WHERE id=?"};
    sql_.state_put = Stmt{db_, "INSERT OR REPLACE INTO state VALUES(?,?)"};
    sql_.state_drop = Stmt{db_, "DELETE FROM state WHERE key=?"};
    sql_.lost_grow = Stmt{db_, "UPDATE lost SET last=?1 WHERE stream=?2 AND last=?3-1 AND why=?4"};
    sql_.lost_cut = Stmt{db_, "UPDATE lost SET first=?3+1 WHERE stream=?1 AND first BETWEEN ?2 AND ?3"};
    sql_.lost_put = Stmt{db_, "INSERT OR REPLACE INTO lost VALUES(?,?,?,?)"};
    sql_.lost_drop = Stmt{db_, "DELETE FROM lost WHERE stream=? AND first>=? AND last<=?"};
    sql_.pages = Stmt{db_, "PRAGMA page_count"};
    sql_.free_pages = Stmt{db_, "PRAGMA freelist_count"};
}

void QueueDb::load_cursors() {
    Stmt counters{db_, "SELECT stream,next FROM counter"};
    while (counters.step())
        cursors.at(static_cast<std::size_t>(counters.integer(0))).next = counters.integer(1);
    Stmt settled{db_, "SELECT stream,first,last FROM settled ORDER BY stream,first"};
    while (settled.step()) {
        const SeqRange range{settled.integer(1), settled.integer(2)};
        cursors.at(static_cast<std::size_t>(settled.integer(0))).settled.add(range);
        written_.at(static_cast<std::size_t>(settled.integer(0))).push_back(range);
    }
    for (const Stream stream : all_streams) {
        const std::string query = "SELECT max(seq) FROM " + std::string{table(stream)};
        std::int64_t& next = cursors[at(stream)].next;
        next = std::max(next, db_.value(query.c_str()) + 1);
    }
    before_ = cursors;
    uncommitted_ = written_;
}

Snapshot QueueDb::load() {
    Snapshot snapshot;
    snapshot.cursors = cursors;
    Stmt lost{db_, "SELECT stream,first,last,why FROM lost ORDER BY stream,first"};
    while (lost.step()) {
        snapshot.lost.push_back(LostRange{static_cast<Stream>(lost.integer(0)),
                                          SeqRange{lost.integer(1), lost.integer(2)}, lost.text(3)});
    }
    load_commands(snapshot);
    Stmt states{db_, "SELECT key,value FROM state"};
    while (states.step())
        snapshot.states.insert_or_assign(states.text(0), states.text(1));
    return snapshot;
}

void QueueDb::load_commands(Snapshot& into) {
    Stmt rows{db_, "SELECT id,received,accepted,done,request FROM command ORDER BY received,id"};
    while (rows.step()) {
        site::Outbox::CommandRecord command;
        command.id = rows.text(0);
        command.received = site::WallTime{site::milliseconds{rows.integer(1)}};
        command.accepted_body = rows.text(2);
        command.done_body = rows.text(3);
        command.request = rows.text(4);
        into.commands.push_back(std::move(command));
    }
}

void QueueDb::insert(site::Record& record) {
    std::int64_t& next = cursors[at(record.stream)].next;
    record.seq = next;
    Stmt& row = sql_.insert[at(record.stream)];
    row.bind(1, record.seq).bind(2, std::int64_t{record.boot}).bind(3, site::to_ms(record.ts));
    row.bind(4, static_cast<std::int64_t>(record.tq)).bind(5, record.up_ms);
    row.bind(6, std::int64_t{record.meta_rev}).bind(7, record.topic_suffix).bind(8, record.body);
    row.bind(9, record.response_topic).bind(10, record.correlation);
    row.run();
    ++next;
}

site::RecordPtr read_record(Stmt& row, Stream stream) {
    auto record = std::make_shared<site::Record>();
    record->stream = stream;
    record->seq = row.integer(0);
    record->boot = static_cast<std::uint32_t>(row.integer(1));
    record->ts = site::site_ms(row.integer(2));
    record->tq = static_cast<site::TimeQuality>(std::clamp<std::int64_t>(row.integer(3), 0, 7));
    record->up_ms = row.integer(4);
    record->meta_rev = static_cast<std::uint32_t>(row.integer(5));
    record->topic_suffix = row.text(6);
    record->body = row.text(7);
    record->response_topic = row.text(8);
    record->correlation = row.text(9);
    return record;
}

// Writes the difference only: an outage in pieces leaves many ranges, of which one or two change at a time.
void QueueDb::write_settled() {
    for (const Stream stream : all_streams) {
        auto& old = uncommitted_[at(stream)];
        const auto& now = cursors[at(stream)].settled.all();
        if (old == now) continue;
        const auto by_first = [](const SeqRange& a, const SeqRange& b) { return a.from < b.from; };
        for (const SeqRange& range : old) {
            if (std::binary_search(now.begin(), now.end(), range, by_first)) continue;
            sql_.unsettle.bind(1, number(stream)).bind(2, range.from).run();
        }
        for (const SeqRange& range : now) {
            const auto same = std::lower_bound(old.begin(), old.end(), range, by_first);
            if (same != old.end() && *same == range) continue;
            sql_.settle.bind(1, number(stream)).bind(2, range.from).bind(3, range.to).run();
        }
        old = now;
    }
}

void QueueDb::committed() {
    for (std::size_t i = 0; i < stream_count; ++i) {
        before_[i].next = cursors[i].next;
        if (written_[i] == uncommitted_[i]) continue;
        written_[i] = uncommitted_[i];
        before_[i].settled = cursors[i].settled;
    }
}
void QueueDb::rolled_back() {
    cursors = before_;
    uncommitted_ = written_;
}

void QueueDb::put_meta(std::string_view key, std::string_view value) {
    sql_.meta_put.bind(1, key).bind(2, value).run();
}
std::string QueueDb::meta(std::string_view key) {
    sql_.meta_get.bind(1, key);
    std::string value = sql_.meta_get.step() ? sql_.meta_get.text(0) : std::string{};
    sql_.meta_get.reset();
    return value;
}
void QueueDb::put_command(const site::Outbox::CommandRecord& command) {
    Stmt& row = sql_.command_put;
    row.bind(1, command.id).bind(2, static_cast<std::int64_t>(command.received.time_since_epoch().count()));
    row.bind(3, command.accepted_body).bind(4, command.done_body).bind(5, command.request).run();
}
void QueueDb::finish_command(std::string_view id, std::string_view done_body) {
    sql_.command_done.bind(1, done_body).bind(2, id).run();
}
void QueueDb::forget_command(std::string_view id) {
    sql_.command_drop.bind(1, id).run();
}
void QueueDb::put_state(std::string_view key, std::string_view value) {
    if (value.empty()) {
        sql_.state_drop.bind(1, key).run();
    } else {
        sql_.state_put.bind(1, key).bind(2, value).run();
    }
}
void QueueDb::put_lost(const LostRange& lost) {
    sql_.lost_grow.bind(1, lost.range.to).bind(2, number(lost.stream)).bind(3, lost.range.from);
    sql_.lost_grow.bind(4, lost.why).run();
    if (db_.changes() > 0) return;
    sql_.lost_put.bind(1, number(lost.stream)).bind(2, lost.range.from).bind(3, lost.range.to);
    sql_.lost_put.bind(4, lost.why).run();
}
void QueueDb::told_lost(const LostRange& lost) {
    sql_.lost_drop.bind(1, number(lost.stream)).bind(2, lost.range.from).bind(3, lost.range.to).run();
    sql_.lost_cut.bind(1, number(lost.stream)).bind(2, lost.range.from).bind(3, lost.range.to).run();
}

void QueueDb::forget_records() {
    for (const Stream stream : all_streams)
        db_.exec("DELETE FROM " + std::string{table(stream)});
    db_.exec("DELETE FROM counter; DELETE FROM settled; DELETE FROM lost");
    cursors = Cursors{};
    uncommitted_ = {};
}

}  // namespace sl::store
