#include "fault_vfs.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sqlite3.h>

namespace sl::testing {

static constexpr std::int64_t block = 4096;
static constexpr std::int64_t sector = 512;

struct Change {
    std::int64_t offset = 0;
    std::vector<char> bytes;
    bool truncate = false;  // to `offset`
};

// A file as the medium has it, and what was written since.
struct Disk {
    std::vector<char> synced;
    std::vector<Change> unsynced;
    std::set<std::int64_t> dirty;
    std::int64_t size = 0;
};

struct FaultVfs::State {
    mutable std::mutex mutex;
    sqlite3_vfs vfs{};
    sqlite3_vfs* real = nullptr;
    std::map<std::string, Disk> disks;
    VfsCounters counters;
    std::uint64_t steps_left = 0;
    bool cut = false;
    int refuse = 0;
    std::int64_t room = -1, ballast_bytes = 0;
    std::string ballast;

    // A step at which power can go. Returns an error code, or SQLITE_OK.
    int step() {
        if (cut) return SQLITE_IOERR;
        ++counters.writes;
        if (steps_left > 0 && --steps_left == 0) cut = true;
        return cut ? SQLITE_IOERR : SQLITE_OK;
    }
    int grow(std::int64_t bytes) {
        if (room < 0 || bytes <= 0) return SQLITE_OK;
        const bool free = !ballast.empty() && ::access(ballast.c_str(), F_OK) != 0;
        if (bytes > room + (free ? ballast_bytes : 0)) return SQLITE_FULL;
        room -= bytes;
        return SQLITE_OK;
    }
    void flush(Disk& disk) {
        counters.flash_bytes += disk.dirty.size() * static_cast<std::uint64_t>(block);
        disk.dirty.clear();
    }
};

using State = FaultVfs::State;

struct File {
    sqlite3_file base;
    State* state;
    Disk* disk;
    sqlite3_file* real;
};

static void overlay(std::vector<char>& content, const Change& change) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.truncate) {
        content.resize(std::min(content.size(), offset));
        return;
    }
    if (content.size() < offset + change.bytes.size()) content.resize(offset + change.bytes.size());
    std::copy(change.bytes.begin(), change.bytes.end(), content.begin() + change.offset);
}

static File& self(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
}
static State& state_of(sqlite3_vfs* vfs) {
    return *static_cast<State*>(vfs->pAppData);
}

static int file_close(sqlite3_file* file) {
    File& mine = self(file);
    const int code = mine.real->pMethods->xClose(mine.real);
    ::operator delete(mine.real);
    return code;
}
static int file_read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
    const std::lock_guard lock{self(file).state->mutex};
    if (self(file).state->cut) return SQLITE_IOERR;
    return self(file).real->pMethods->xRead(self(file).real, into, bytes, offset);
}
static int file_write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
    File& mine = self(file);
    const std::lock_guard lock{mine.state->mutex};
    if (const int code = mine.state->step(); code != SQLITE_OK) return code;
    if (mine.state->refuse != 0) return mine.state->refuse;
    if (const int code = mine.state->grow(offset + bytes - mine.disk->size); code != SQLITE_OK) return code;
    const auto* start = static_cast<const char*>(from);
    mine.disk->unsynced.push_back(Change{offset, std::vector<char>{start, start + bytes}, false});
    mine.disk->size = std::max<std::int64_t>(mine.disk->size, offset + bytes);
    mine.state->counters.bytes += static_cast<std::uint64_t>(bytes);
    for (std::int64_t at = offset / block; at <= (offset + bytes - 1) / block; ++at)
        mine.disk->dirty.insert(at);
    return mine.real->pMethods->xWrite(mine.real, from, bytes, offset);
}
static int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
    File& mine = self(file);
    const std::lock_guard lock{mine.state->mutex};
    if (const int code = mine.state->step(); code != SQLITE_OK) return code;
    if (mine.state->room >= 0) mine.state->room += std::max<std::int64_t>(mine.disk->size - size, 0);
    mine.disk->unsynced.push_back(Change{size, {}, true});
    mine.disk->size = size;
    return mine.real->pMethods->xTruncate(mine.real, size);
}
static int file_sync(sqlite3_file* file, int /*flags*/) {
    File& mine = self(file);
    const std::lock_guard lock{mine.state->mutex};
    if (const int code = mine.state->step(); code != SQLITE_OK) return code;
    ++mine.state->counters.syncs;
    mine.state->flush(*mine.disk);
    for (const Change& change : mine.disk->unsynced)
        overlay(mine.disk->synced, change);
    mine.disk->unsynced.clear();
    return SQLITE_OK;  // the medium is the memory here: no real sync is waited for
}
static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return self(file).real->pMethods->xFileSize(self(file).real, size);
}
static int file_lock(sqlite3_file* file, int level) {
    return self(file).real->pMethods->xLock(self(file).real, level);
}
static int file_unlock(sqlite3_file* file, int level) {
    return self(file).real->pMethods->xUnlock(self(file).real, level);
}
static int file_check_lock(sqlite3_file* file, int* result) {
    return self(file).real->pMethods->xCheckReservedLock(self(file).real, result);
}
static int file_control(sqlite3_file* file, int op, void* argument) {
    return self(file).real->pMethods->xFileControl(self(file).real, op, argument);
}
static int file_sector(sqlite3_file* file) {
    return self(file).real->pMethods->xSectorSize(self(file).real);
}
static int file_traits(sqlite3_file* file) {
    return self(file).real->pMethods->xDeviceCharacteristics(self(file).real);
}
static int file_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** into) {
    return self(file).real->pMethods->xShmMap(self(file).real, page, size, extend, into);
}
static int file_shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    return self(file).real->pMethods->xShmLock(self(file).real, offset, n, flags);
}
static void file_shm_barrier(sqlite3_file* file) {
    self(file).real->pMethods->xShmBarrier(self(file).real);
}
static int file_shm_unmap(sqlite3_file* file, int remove) {
    return self(file).real->pMethods->xShmUnmap(self(file).real, remove);
}

static const sqlite3_io_methods methods{
    2,           file_close,   file_read,     file_write,       file_truncate,  file_sync,
    file_size,   file_lock,    file_unlock,   file_check_lock,  file_control,   file_sector,
    file_traits, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, nullptr,
    nullptr};

static std::vector<char> content_of(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

static int vfs_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    State& state = state_of(vfs);
    const std::lock_guard lock{state.mutex};
    file->pMethods = nullptr;
    if (state.cut) return SQLITE_CANTOPEN;
    auto* real = static_cast<sqlite3_file*>(::operator new(static_cast<std::size_t>(state.real->szOsFile)));
    std::memset(real, 0, static_cast<std::size_t>(state.real->szOsFile));
    const int code = state.real->xOpen(state.real, path, real, flags, out_flags);
    if (code != SQLITE_OK) {
        ::operator delete(real);
        return code;
    }
    const std::string name = path != nullptr ? path : "";
    auto [entry, fresh] = state.disks.try_emplace(name);
    if (fresh && !name.empty()) {
        entry->second.synced = content_of(name);
        entry->second.size = static_cast<std::int64_t>(entry->second.synced.size());
    }
    File& mine = self(file);
    mine.state = &state;
    mine.disk = &entry->second;
    mine.real = real;
    mine.base.pMethods = &methods;
    return SQLITE_OK;
}
static int vfs_delete(sqlite3_vfs* vfs, const char* path, int sync) {
    State& state = state_of(vfs);
    const std::lock_guard lock{state.mutex};
    if (const int code = state.step(); code != SQLITE_OK) return code;
    const auto found = state.disks.find(path);
    if (found != state.disks.end()) {
        if (state.room >= 0) state.room += found->second.size;
        state.flush(found->second);
        found->second = Disk{};
    }
    return state.real->xDelete(state.real, path, sync);
}
static int vfs_access(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
    return state_of(vfs).real->xAccess(state_of(vfs).real, path, flags, result);
}
static int vfs_full_path(sqlite3_vfs* vfs, const char* path, int size, char* into) {
    return state_of(vfs).real->xFullPathname(state_of(vfs).real, path, size, into);
}

FaultVfs::FaultVfs(std::string name) : name_(std::move(name)), state_(std::make_unique<State>()) {
    state_->real = sqlite3_vfs_find(nullptr);
    sqlite3_vfs& vfs = state_->vfs;
    vfs = *state_->real;  // what is not about files stays the system's
    vfs.szOsFile = sizeof(File);
    vfs.zName = name_.c_str();
    vfs.pAppData = state_.get();
    vfs.pNext = nullptr;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_path;
    sqlite3_vfs_register(&vfs, 0);
}
FaultVfs::~FaultVfs() {
    sqlite3_vfs_unregister(&state_->vfs);
}

VfsCounters FaultVfs::counters() const {
    const std::lock_guard lock{state_->mutex};
    return state_->counters;
}
void FaultVfs::settle() {
    const std::lock_guard lock{state_->mutex};
    for (auto& [path, disk] : state_->disks)
        state_->flush(disk);
}
void FaultVfs::cut_power_after(std::uint64_t steps) {
    const std::lock_guard lock{state_->mutex};
    state_->steps_left = steps;
}
bool FaultVfs::power_is_cut() const {
    const std::lock_guard lock{state_->mutex};
    return state_->cut;
}
void FaultVfs::refuse_writes(int code) {
    const std::lock_guard lock{state_->mutex};
    state_->refuse = code;
}
void FaultVfs::limit_growth(std::int64_t bytes, std::string ballast_path, std::int64_t ballast_bytes) {
    const std::lock_guard lock{state_->mutex};
    state_->room = bytes;
    state_->ballast = std::move(ballast_path);
    state_->ballast_bytes = ballast_bytes;
}

static std::vector<char> after_the_cut(const Disk& disk, std::mt19937& random, unsigned keep_percent) {
    std::vector<char> content = disk.synced;
    const auto kept = [&] { return random() % 100 < keep_percent; };
    for (const Change& change : disk.unsynced) {
        if (change.truncate) {
            if (kept()) overlay(content, change);
            continue;
        }
        const auto size = static_cast<std::int64_t>(change.bytes.size());
        for (std::int64_t at = 0; at < size;) {
            const std::int64_t length = std::min(size - at, sector - (change.offset + at) % sector);
            const auto first = change.bytes.begin() + at;
            if (kept())
                overlay(content, Change{change.offset + at, std::vector<char>{first, first + length}, false});
            at += length;
        }
    }
    return content;
}

void FaultVfs::restore(unsigned seed, unsigned keep_percent) {
    const std::lock_guard lock{state_->mutex};
    std::mt19937 random{seed};
    for (auto& [path, disk] : state_->disks) {
        const bool there = ::access(path.c_str(), F_OK) == 0;
        const std::vector<char> content = after_the_cut(disk, random, keep_percent);
        if (there) {
            std::ofstream out{path, std::ios::binary | std::ios::trunc};
            out.write(content.data(), static_cast<std::streamsize>(content.size()));
        }
        if (path.ends_with("-wal")) ::unlink((path.substr(0, path.size() - 4) + "-shm").c_str());
    }
    state_->disks.clear();
    state_->cut = false;
    state_->steps_left = 0;
}

}  // namespace sl::testing
