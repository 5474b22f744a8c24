// The files around the databases: the lock of the folder, the floor that outlives a broken database, the
// quarantine, the ballast. Plain POSIX; names are relative to the store's folder.
#pragma once

#include "gateway/site/outbox.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace sl::store {

// Held as long as the object lives. Two daemons on one folder would tear each other's sequences apart.
class DirLock {
  public:
    DirLock() = default;
    DirLock(const DirLock&) = delete;
    DirLock& operator=(const DirLock&) = delete;
    ~DirLock();
    bool take(const std::string& directory, std::string& why);  // makes the folder when missing

  private:
    int fd_ = -1;
};

// What must be known of a database that can no longer be read: which epoch it was and how far it had got.
struct Floor {
    std::string epoch;
    std::uint32_t boot = 0;
    std::array<std::int64_t, site::stream_count> next{};
};
std::optional<Floor> read_floor(const std::string& directory);
bool write_floor(const std::string& directory, const Floor& floor);  // atomically; false = could not

// Moves name, name-wal and name-shm to name.corrupt-1; an older one becomes -2, the one before is deleted.
void quarantine(const std::string& directory, const std::string& name);

// Deletes what was moved aside, oldest first, until the folder holds at most `max_bytes`.
void trim_quarantine(const std::string& directory, std::int64_t max_bytes);
std::int64_t directory_bytes(const std::string& directory) noexcept;

// Fills the log of a database with zeros up to `bytes` before it is opened. A sync that also has to record a
// longer file takes ten times as long as one that does not; SQLite ignores what follows the last frame.
void warm_log(const std::string& path, std::int64_t bytes);

// Space kept back so that a full disk can be emptied: DELETE needs room too.
bool make_ballast(const std::string& directory, std::uint64_t bytes);  // true when it stands afterwards
bool drop_ballast(const std::string& directory);                       // true when there was one

std::int64_t file_bytes(const std::string& path) noexcept;  // 0 when missing
bool exists(const std::string& path) noexcept;

// 26 letters: 48 bits of time, 80 random bits.
std::string make_ulid(std::int64_t unix_ms);

}  // namespace sl::store
