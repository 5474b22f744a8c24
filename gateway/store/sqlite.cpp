#include "gateway/store/sqlite.hpp"

#include <utility>

#include <sqlite3.h>

namespace sl::store {

bool DbError::full() const noexcept {
    return (code_ & 0xff) == SQLITE_FULL;
}
bool DbError::corrupt() const noexcept {
    const int primary = code_ & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

static DbError error_of(sqlite3* db, int code, std::string_view doing) {
    std::string text{doing};
    text += ": ";
    text += db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    return DbError{code, text};
}

Stmt::Stmt(Db& db, std::string_view sql) {
    const int code = sqlite3_prepare_v3(db.raw(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &stmt_, nullptr);
    if (code != SQLITE_OK) throw error_of(db.raw(), code, sql);
}
Stmt::Stmt(Stmt&& other) noexcept : stmt_(std::exchange(other.stmt_, nullptr)) {}
Stmt& Stmt::operator=(Stmt&& other) noexcept {
    std::swap(stmt_, other.stmt_);
    return *this;
}
Stmt::~Stmt() {
    sqlite3_finalize(stmt_);
}

void Stmt::check(int code) {
    if (code == SQLITE_OK) return;
    const DbError error = error_of(sqlite3_db_handle(stmt_), code, sqlite3_sql(stmt_));
    reset();
    throw error;
}
Stmt& Stmt::bind(int index, std::int64_t value) {
    check(sqlite3_bind_int64(stmt_, index, value));
    return *this;
}
Stmt& Stmt::bind(int index, std::string_view text) {
    const char* start = text.empty() ? "" : text.data();
    check(sqlite3_bind_text64(stmt_, index, start, text.size(), SQLITE_STATIC, SQLITE_UTF8));
    return *this;
}
Stmt& Stmt::bind_real(int index, double value) {
    check(sqlite3_bind_double(stmt_, index, value));
    return *this;
}
bool Stmt::step() {
    const int code = sqlite3_step(stmt_);
    if (code == SQLITE_ROW) return true;
    check(code == SQLITE_DONE ? SQLITE_OK : code);
    return false;
}
void Stmt::run() {
    while (step()) {
    }
    reset();
}
std::int64_t Stmt::integer(int column) {
    return sqlite3_column_int64(stmt_, column);
}
double Stmt::real(int column) {
    return sqlite3_column_double(stmt_, column);
}
std::string Stmt::text(int column) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
    const int size = sqlite3_column_bytes(stmt_, column);
    return bytes == nullptr ? std::string{} : std::string(bytes, static_cast<std::size_t>(size));
}
void Stmt::reset() noexcept {
    sqlite3_reset(stmt_);
}

static int note_wal_pages(void* into, sqlite3* /*db*/, const char* /*schema*/, int pages) {
    *static_cast<std::int64_t*>(into) = pages;
    return SQLITE_OK;
}

Db::Db(const std::string& path, const std::string& vfs) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(path.c_str(), &db_, flags, vfs.empty() ? nullptr : vfs.c_str());
    if (code != SQLITE_OK) {
        const DbError error = error_of(db_, code, "open " + path);
        close();
        throw error;
    }
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_timeout(db_, 2'000);
    wal_pages_ = std::make_unique<std::int64_t>(0);
    sqlite3_wal_hook(db_, note_wal_pages, wal_pages_.get());
}
Db::Db(Db&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), wal_pages_(std::move(other.wal_pages_)) {}
Db& Db::operator=(Db&& other) noexcept {
    if (this != &other) {
        close();
        db_ = std::exchange(other.db_, nullptr);
        wal_pages_ = std::move(other.wal_pages_);
    }
    return *this;
}
Db::~Db() {
    close();
}
void Db::close() noexcept {
    sqlite3_close_v2(db_);
    db_ = nullptr;
}
void Db::exec(const char* sql) {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw error_of(db_, code, sql);
}
std::int64_t Db::value(const char* sql) {
    Stmt statement{*this, sql};
    return statement.step() ? statement.integer(0) : 0;
}
std::string Db::text_value(const char* sql) {
    Stmt statement{*this, sql};
    return statement.step() ? statement.text(0) : std::string{};
}
std::int64_t Db::changes() const noexcept {
    return sqlite3_changes(db_);
}
void Db::checkpoint() {
    const int code = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code != SQLITE_OK && code != SQLITE_BUSY) throw error_of(db_, code, "checkpoint");
    *wal_pages_ = 0;  // the next commit says how many are left
}

Tx::Tx(Db& db) : db_(&db) {
    db.exec("BEGIN IMMEDIATE");
}
Tx::~Tx() {
    if (db_ == nullptr) return;
    // A failed COMMIT or a full disk may have rolled back already; then this reports so and changes nothing.
    sqlite3_exec(db_->raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}
void Tx::commit() {
    db_->exec("COMMIT");
    db_ = nullptr;
}

void prepare(Db& db, const Pragmas& pragmas, const Migration* steps, int count, std::string_view what) {
    db.exec("PRAGMA page_size=" + std::to_string(page_bytes));
    db.exec("PRAGMA auto_vacuum=INCREMENTAL");  // counts only before the first table
    const auto version = static_cast<int>(db.value("PRAGMA user_version"));
    if (version > count) {
        throw DbError{SQLITE_SCHEMA, std::string{what} + " has schema " + std::to_string(version) +
                                         ", this program knows up to " + std::to_string(count) +
                                         ": install the newer version again, or move the file away"};
    }
    db.exec("PRAGMA journal_mode=WAL");
    db.exec(pragmas.full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    db.exec("PRAGMA secure_delete=OFF");
    db.exec("PRAGMA cell_size_check=ON");
    db.exec("PRAGMA cache_size=-512");
    db.exec("PRAGMA journal_size_limit=" + std::to_string(pragmas.wal_limit_bytes));
    if (pragmas.max_pages > 0) db.exec("PRAGMA max_page_count=" + std::to_string(pragmas.max_pages));
    for (int next = version; next < count; ++next) {
        Tx tx{db};
        db.exec(steps[next].sql);
        db.exec("PRAGMA user_version=" + std::to_string(next + 1));
        tx.commit();
    }
}

std::string quick_check(Db& db) {
    std::string verdict = db.text_value("PRAGMA quick_check(1)");
    return verdict == "ok" ? std::string{} : verdict;
}

}  // namespace sl::store
