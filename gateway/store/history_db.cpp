#include "gateway/store/history_db.hpp"

#include <algorithm>
#include <array>

namespace sl::store {

// Keyed time first: a quarter hour of all objects lies in one or two pages. Object first wrote 13 times as
// much.
static constexpr Migration migrations[] = {{R"sql(
CREATE TABLE reading(at INTEGER, object TEXT, quantity INTEGER, value, quality INTEGER,
  PRIMARY KEY(at, object, quantity)) WITHOUT ROWID;
CREATE TABLE interval(until INTEGER, object TEXT, start INTEGER, wh INTEGER, register_from TEXT, register_to TEXT,
  method TEXT, coverage INTEGER, flags INTEGER, PRIMARY KEY(until, object)) WITHOUT ROWID;
CREATE TABLE journal(id INTEGER PRIMARY KEY, at INTEGER, kind TEXT, object TEXT, text TEXT);
CREATE TABLE state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql"}};

HistoryDb::HistoryDb(const std::string& path, const std::string& vfs, std::int64_t limit_bytes,
                     std::int64_t wal_limit_bytes)
    : db_(path, vfs), limit_bytes_(limit_bytes) {
    const std::int64_t guard = limit_bytes / page_bytes;
    prepare(db_, Pragmas{false, wal_limit_bytes, guard > 0 ? guard + 8 : 0}, migrations,
            static_cast<int>(std::size(migrations)), "history.db");
    reading_ = Stmt{db_, "INSERT OR REPLACE INTO reading VALUES(?,?,?,?,?)"};
    interval_ = Stmt{db_, "INSERT OR REPLACE INTO interval VALUES(?,?,?,?,?,?,?,?,?)"};
    journal_ = Stmt{db_, "INSERT INTO journal(at,kind,object,text) VALUES(?,?,?,?)"};
    state_put_ = Stmt{db_, "INSERT OR REPLACE INTO state VALUES(?,?)"};
    state_drop_ = Stmt{db_, "DELETE FROM state WHERE key=?"};
}

void HistoryDb::add(const HistoryReading& reading) {
    reading_.bind(1, site::to_ms(reading.at)).bind(2, reading.object);
    reading_.bind(3, static_cast<std::int64_t>(reading.quantity)).bind_real(4, reading.value);
    reading_.bind(5, static_cast<std::int64_t>(reading.quality)).run();
}
void HistoryDb::add(const HistoryInterval& interval) {
    interval_.bind(1, site::to_ms(interval.to)).bind(2, interval.object).bind(3, site::to_ms(interval.from));
    interval_.bind(4, interval.wh).bind(5, interval.register_from).bind(6, interval.register_to);
    interval_.bind(7, interval.method).bind(8, std::int64_t{interval.coverage_pct});
    interval_.bind(9, std::int64_t{interval.flags}).run();
}
void HistoryDb::add(const JournalEntry& entry) {
    journal_.bind(1, site::to_ms(entry.at))
        .bind(2, entry.kind)
        .bind(3, entry.object)
        .bind(4, entry.text)
        .run();
}
void HistoryDb::put_state(const std::string& key, const std::string& value) {
    if (value.empty()) {
        state_drop_.bind(1, key).run();
    } else {
        state_put_.bind(1, key).bind(2, value).run();
    }
}

std::map<std::string, std::string, std::less<>> HistoryDb::states() {
    std::map<std::string, std::string, std::less<>> all;
    Stmt rows{db_, "SELECT key,value FROM state"};
    while (rows.step())
        all.insert_or_assign(rows.text(0), rows.text(1));
    return all;
}

std::int64_t HistoryDb::used_bytes() {
    return (db_.value("PRAGMA page_count") - db_.value("PRAGMA freelist_count")) * page_bytes;
}

// The oldest readings go first, then the oldest journal, then the oldest intervals.
void HistoryDb::cut_to(std::int64_t bytes) {
    static constexpr std::array cuts{
        "DELETE FROM reading WHERE (at,object,quantity) IN (SELECT at,object,quantity FROM reading ORDER BY "
        "at "
        "LIMIT 500)",
        "DELETE FROM journal WHERE id IN (SELECT id FROM journal ORDER BY id LIMIT 500)",
        "DELETE FROM interval WHERE (until,object) IN (SELECT until,object FROM interval ORDER BY until "
        "LIMIT "
        "500)"};
    for (const char* cut : cuts) {
        std::int64_t gone = 1;
        while (gone > 0 && used_bytes() > bytes) {
            db_.exec(cut);
            gone = db_.changes();
        }
    }
}

void HistoryDb::purge(std::int64_t energy_before_ms) {
    Tx tx{db_};
    Stmt{db_, "DELETE FROM interval WHERE until<?"}.bind(1, energy_before_ms).run();
    if (limit_bytes_ > 0) cut_to(limit_bytes_ * 9 / 10);
    tx.commit();
}

void HistoryDb::make_room() {
    Tx tx{db_};
    cut_to(used_bytes() * 9 / 10);
    tx.commit();
}

static void bind_query(Stmt& rows, const HistoryQuery& query) {
    rows.bind(1, site::to_ms(query.from)).bind(2, site::to_ms(query.to)).bind(3, query.object);
    rows.bind(4, static_cast<std::int64_t>(query.limit));
}

std::vector<HistoryReading> read_readings(Db& db, const HistoryQuery& query) {
    std::vector<HistoryReading> found;
    Stmt rows{db,
              "SELECT at,object,quantity,value,quality FROM reading WHERE at>=?1 AND at<?2 AND (?3='' OR "
              "object=?3) ORDER BY at,object,quantity LIMIT ?4"};
    bind_query(rows, query);
    while (rows.step()) {
        const auto quantity = std::clamp<std::int64_t>(rows.integer(2), 0,
                                                       static_cast<std::int64_t>(site::Quantity::count_) - 1);
        const auto quality =
            std::clamp<std::int64_t>(rows.integer(4), 0, static_cast<std::int64_t>(site::Quality::unknown));
        found.push_back(HistoryReading{site::site_ms(rows.integer(0)), rows.text(1),
                                       static_cast<site::Quantity>(quantity), rows.real(3),
                                       static_cast<site::Quality>(quality)});
    }
    return found;
}

std::vector<HistoryInterval> read_intervals(Db& db, const HistoryQuery& query) {
    std::vector<HistoryInterval> found;
    Stmt rows{db,
              "SELECT start,until,object,wh,register_from,register_to,method,coverage,flags FROM interval "
              "WHERE until>?1 AND until<=?2 AND (?3='' OR object=?3) ORDER BY until,object LIMIT ?4"};
    bind_query(rows, query);
    while (rows.step()) {
        found.push_back(HistoryInterval{site::site_ms(rows.integer(0)), site::site_ms(rows.integer(1)),
                                        rows.text(2), rows.integer(3), rows.text(4), rows.text(5),
                                        rows.text(6), static_cast<int>(rows.integer(7)),
                                        static_cast<std::uint32_t>(rows.integer(8))});
    }
    return found;
}

std::vector<JournalEntry> read_journal(Db& db, const HistoryQuery& query) {
    std::vector<JournalEntry> found;
    Stmt rows{db,
              "SELECT at,kind,object,text FROM journal WHERE at>=?1 AND at<?2 AND (?3='' OR object=?3) "
              "ORDER BY id LIMIT ?4"};
    bind_query(rows, query);
    while (rows.step()) {
        found.push_back(
            JournalEntry{site::site_ms(rows.integer(0)), rows.text(1), rows.text(2), rows.text(3)});
    }
    return found;
}
}  // namespace sl::store
