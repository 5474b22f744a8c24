// queue.db: the outbox, its counters, the commands and the small state that outlives a restart. One
// connection, on the writer's thread.
#pragma once

#include "gateway/site/outbox.hpp"
#include "gateway/store/ranges.hpp"
#include "gateway/store/sqlite.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sl::store {

using site::stream_count;

// Where a stream stands. Everything below `next` that is not settled (acknowledged or lost) is on disk.
struct Cursor {
    std::int64_t next = 1;
    Ranges settled;
};
using Cursors = std::array<Cursor, stream_count>;

// A daemon's whole view of the store after it was opened.
struct Snapshot {
    site::StoreIdentity identity;
    Cursors cursors;
    std::vector<site::LostRange> lost;
    std::size_t packet_size = 0;
    std::vector<site::Outbox::CommandRecord> commands;  // oldest first
    std::map<std::string, std::string, std::less<>> states;
};

struct QueueFile {
    std::string path, vfs;
    std::int64_t wal_limit_bytes = 2 << 20;
    std::int64_t limit_bytes = 0;  // of the database file; the purge works below it
};

class QueueDb {
  public:
    explicit QueueDb(const QueueFile& file);

    // As read at opening; afterwards kept by the calls below, inside the caller's transaction.
    Cursors cursors;

    Db& db() noexcept { return db_; }
    Snapshot load();
    void insert(site::Record& record);  // sets its seq
    void write_settled();               // what changed in cursors[].settled since the last commit
    void committed();
    void rolled_back();

    void put_meta(std::string_view key, std::string_view value);
    std::string meta(std::string_view key);
    void put_command(const site::Outbox::CommandRecord& command);
    void finish_command(std::string_view id, std::string_view done_body);
    void forget_command(std::string_view id);
    void put_state(std::string_view key, std::string_view value);  // empty value = delete
    void put_lost(const site::LostRange& lost);
    void told_lost(const site::LostRange& lost);
    void forget_records();  // a restored copy: its records belong to an epoch that went on without it

    // Purging: each call deletes a bounded number of records and returns how many went.
    std::int64_t used_bytes();
    bool over(std::int64_t coming_bytes);
    std::int64_t drop_settled(site::Stream stream, std::int64_t at_most);
    std::int64_t drop_settled_before(site::Stream stream, std::int64_t ts_ms, std::int64_t at_most);
    std::int64_t drop_pending(site::Stream stream, std::int64_t at_most, std::vector<site::LostRange>& lost);
    // Frees room by the order of the contract until `bytes` fewer are used. Returns what was lost.
    std::vector<site::LostRange> make_room(std::int64_t bytes);
    void shrink();  // gives free pages back to the file system when the file is over its limit

  private:
    struct Statements {
        std::array<Stmt, stream_count> insert, drop, first;
        Stmt counter, settle, unsettle, meta_put, meta_get, command_put, command_done, command_drop,
            state_put, state_drop, lost_grow, lost_put, lost_drop, lost_cut, pages, free_pages;
    };
    void make_statements();
    void load_cursors();
    void load_commands(Snapshot& into);
    void keep_counter(site::Stream stream);

    Db db_;
    Statements sql_;
    QueueFile file_;
    std::array<std::vector<site::SeqRange>, stream_count> written_;      // settled as on disk
    std::array<std::vector<site::SeqRange>, stream_count> uncommitted_;  // the same, in this transaction
    Cursors before_;                                                     // to return to on roll back
};

std::string_view table(site::Stream stream) noexcept;
inline constexpr std::string_view record_columns =
    "seq,boot,ts,tq,up,meta_rev,suffix,body,response,correlation";
site::RecordPtr read_record(Stmt& row, site::Stream stream);

}  // namespace sl::store
