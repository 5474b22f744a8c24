#pragma once

#include "gateway/site/config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace sl::store {

// Runs a function on the reactor's thread, later. Called from any thread.
using Post = std::function<void(std::function<void()>)>;
// Runs a function on the reactor's thread after a real delay. Called on the reactor's thread.
using After = std::function<void(std::chrono::milliseconds, std::function<void()>)>;

struct Options {
    Options() = default;
    explicit Options(const site::Store& config);

    std::string directory;
    std::chrono::milliseconds commit_every{30'000};
    std::size_t commit_bytes = 65'536;
    std::uint64_t max_bytes = 200ULL << 20;
    std::uint64_t ballast_bytes = 1ULL << 20;
    std::chrono::hours keep_sent{24 * 7}, keep_energy{24 * 400};
    site::WallTime started;  // dates the epoch's ULID; the store reads no clock
    std::string vfs;         // of SQLite; empty = the system's
    std::chrono::milliseconds retry_every{30'000};
    std::chrono::milliseconds maintain_every{6 * 3'600'000};
    std::size_t max_waiting_bytes = 8U << 20;      // in RAM; more passes uncommitted
    std::int64_t check_at_start_bytes = 32 << 20;  // a larger file is checked while already in use

    // How the quota is shared out.
    std::int64_t wal_bytes() const;  // per database
    std::int64_t history_bytes() const;
    std::int64_t queue_bytes() const;
    std::size_t slice_bytes() const;  // of records in one transaction
};

}  // namespace sl::store
