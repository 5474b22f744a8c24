// A SQLite VFS over the system's that counts what is written, refuses on demand, and can lose power: every
// write since the last sync of its file is dropped, or some of its sectors are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace sl::testing {

struct VfsCounters {
    std::uint64_t writes = 0;       // write calls, truncations and syncs: the steps at which power can go
    std::uint64_t bytes = 0;        // handed to the file system
    std::uint64_t flash_bytes = 0;  // distinct 4 KB blocks dirtied between two syncs of a file, times 4,096
    std::uint64_t syncs = 0;
};

class FaultVfs {
  public:
    // Registers itself under `name`. One at a time per name.
    explicit FaultVfs(std::string name);
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;
    ~FaultVfs();

    const std::string& name() const noexcept { return name_; }
    VfsCounters counters() const;
    void settle();  // counts blocks written and never synced

    // Every access fails from the n-th step from now on (1 = the next); 0 = never.
    void cut_power_after(std::uint64_t steps);
    bool power_is_cut() const;
    // After all connections are closed: puts the files into the state the medium was left in. `keep_percent`
    // of the sectors written since the last sync survive, chosen by `seed`. Power is back afterwards.
    void restore(unsigned seed, unsigned keep_percent);

    // Writes fail with this SQLite code (SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_READONLY); 0 = none.
    void refuse_writes(int code);
    // A disk that has this many bytes left for files to grow; the ballast file counts as free once it is
    // gone. -1 = endless.
    void limit_growth(std::int64_t bytes, std::string ballast_path = {}, std::int64_t ballast_bytes = 0);

    struct State;

  private:
    std::string name_;
    std::unique_ptr<State> state_;
};

}  // namespace sl::testing
