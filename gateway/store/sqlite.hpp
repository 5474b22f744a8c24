// SQLite behind four small owners. Errors are exceptions: inside a transaction that is what unwinds; nothing
// of this leaves the store.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace sl::store {

// Small pages: a commit of the usual size dirties two or three of them, and each is written whole. Measured
// over a day of 70 lamps: 3.0 MB with 1,024, 4.9 MB with 2,048, 8.1 MB with 4,096.
inline constexpr std::int64_t page_bytes = 1024;

class DbError : public std::runtime_error {
  public:
    DbError(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    int code() const noexcept { return code_; }
    bool full() const noexcept;     // no space: something can be deleted
    bool corrupt() const noexcept;  // the file is no good: move it aside

  private:
    int code_;
};

class Db;

// A prepared statement, made once and used for ever. Text and blobs are bound without a copy: they must live
// until the step.
class Stmt {
  public:
    Stmt() = default;
    Stmt(Db& db, std::string_view sql);
    Stmt(Stmt&& other) noexcept;
    Stmt& operator=(Stmt&& other) noexcept;
    Stmt(const Stmt&) = delete;
    Stmt& operator=(const Stmt&) = delete;
    ~Stmt();

    Stmt& bind(int index, std::int64_t value);
    Stmt& bind(int index, std::string_view text);
    Stmt& bind_real(int index, double value);
    bool step();                       // true = a row is there
    void run();                        // for statements without rows; resets
    std::int64_t integer(int column);  // columns from 0
    double real(int column);
    std::string text(int column);
    void reset() noexcept;

  private:
    void check(int code);
    sqlite3_stmt* stmt_ = nullptr;
};

class Db {
  public:
    Db() = default;
    // Opens or creates. `vfs` empty = the system's.
    Db(const std::string& path, const std::string& vfs);
    Db(Db&& other) noexcept;
    Db& operator=(Db&& other) noexcept;
    Db(const Db&) = delete;
    Db& operator=(const Db&) = delete;
    ~Db();

    bool is_open() const noexcept { return db_ != nullptr; }
    void exec(const char* sql);
    void exec(const std::string& sql) { exec(sql.c_str()); }
    std::int64_t value(const char* sql);  // the first column of the first row
    std::string text_value(const char* sql);
    std::int64_t changes() const noexcept;
    void checkpoint();  // passive: as far as readers allow
    // Frames in the log after the last commit. The size of its file says nothing: it is written over, not
    // cut.
    std::int64_t wal_bytes() const noexcept { return wal_pages_ == nullptr ? 0 : *wal_pages_ * page_bytes; }
    sqlite3* raw() const noexcept { return db_; }

  private:
    void close() noexcept;
    sqlite3* db_ = nullptr;
    std::unique_ptr<std::int64_t> wal_pages_;  // where SQLite's hook counts
};

// Rolls back unless committed.
class Tx {
  public:
    explicit Tx(Db& db);
    Tx(const Tx&) = delete;
    Tx& operator=(const Tx&) = delete;
    ~Tx();
    void commit();

  private:
    Db* db_;
};

// A step of a schema: what takes it from version n to n+1.
struct Migration {
    const char* sql;
};

struct Pragmas {
    bool full_sync = false;
    std::int64_t wal_limit_bytes = 2 << 20;
    std::int64_t max_pages = 0;  // 0 = no limit of our own
};

// WAL and the rest of the pragmas; then every missing migration in one transaction each. A file from a newer
// version is refused with a message and left alone.
void prepare(Db& db, const Pragmas& pragmas, const Migration* steps, int count, std::string_view what);
// Empty when the file is sound, else the first complaint.
std::string quick_check(Db& db);

}  // namespace sl::store
