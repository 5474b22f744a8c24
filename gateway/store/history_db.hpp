// history.db: what is kept for looking back on the spot: readings, intervals, the journal of inputs and
// decisions. Nothing here is owed to anybody: NORMAL, and a broken file is replaced without a new epoch.
#pragma once

#include "gateway/store/history.hpp"
#include "gateway/store/sqlite.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sl::store {

class HistoryDb {
  public:
    HistoryDb(const std::string& path, const std::string& vfs, std::int64_t limit_bytes,
              std::int64_t wal_limit_bytes);
    Db& db() noexcept { return db_; }
    void add(const HistoryReading& reading);
    void add(const HistoryInterval& interval);
    void add(const JournalEntry& entry);
    // A second copy of the small state: a hold that keeps a feeder off must outlive a broken queue.db.
    void put_state(const std::string& key, const std::string& value);
    std::map<std::string, std::string, std::less<>> states();
    void purge(std::int64_t energy_before_ms);
    void make_room();  // when full

  private:
    std::int64_t used_bytes();
    void cut_to(std::int64_t bytes);
    Db db_;
    std::int64_t limit_bytes_;
    Stmt reading_, interval_, journal_, state_put_, state_drop_;
};

// Queries, on the reader's connection.
std::vector<HistoryReading> read_readings(Db& db, const HistoryQuery& query);
std::vector<HistoryInterval> read_intervals(Db& db, const HistoryQuery& query);
std::vector<JournalEntry> read_journal(Db& db, const HistoryQuery& query);

}  // namespace sl::store
