// A reactor without clocks: functions posted by the store run when the test says so, timers fire when the
// test says so.
#pragma once

#include "gateway/store/store.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>
#include <vector>

namespace sl::testing {

class Loop {
  public:
    store::Post post() {
        return [this](std::function<void()> function) {
            {
                const std::lock_guard lock{mutex_};
                queue_.push_back(std::move(function));
            }
            wake_.notify_one();
        };
    }
    store::After after() {
        return [this](std::chrono::milliseconds delay, std::function<void()> function) {
            timers_.push_back({delay, std::move(function)});
        };
    }
    // Runs what arrives until the predicate holds. A hang is a failure that ctest reports.
    template <typename Predicate>
    void until(Predicate done) {
        while (!done())
            run_one();
    }
    void run_one() {
        std::function<void()> function;
        {
            std::unique_lock lock{mutex_};
            wake_.wait(lock, [this] { return !queue_.empty(); });
            function = std::move(queue_.front());
            queue_.pop_front();
        }
        function();
    }
    void run_ready() {
        while (true) {
            {
                const std::lock_guard lock{mutex_};
                if (queue_.empty()) return;
            }
            run_one();
        }
    }
    // Fires every timer of that delay that is armed now. Returns how many.
    std::size_t fire(std::chrono::milliseconds delay) {
        std::vector<Timer> mine;
        std::erase_if(timers_, [&](Timer& timer) {
            if (timer.delay != delay) return false;
            mine.push_back(std::move(timer));
            return true;
        });
        for (const Timer& timer : mine)
            timer.function();
        return mine.size();
    }
    std::size_t armed(std::chrono::milliseconds delay) const {
        std::size_t count = 0;
        for (const Timer& timer : timers_)
            count += timer.delay == delay ? 1U : 0U;
        return count;
    }

  private:
    struct Timer {
        std::chrono::milliseconds delay;
        std::function<void()> function;
    };
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> queue_;
    std::vector<Timer> timers_;
};

class TempDir {
  public:
    // In memory where there is such a place: what a test needs of a disk is its faults. SL_TEST_TMP says
    // where.
    TempDir() {
        const char* wanted = std::getenv("SL_TEST_TMP");
        const bool memory = ::access("/dev/shm", W_OK) == 0;
        std::string name = wanted != nullptr ? wanted : (memory ? "/dev/shm" : "/tmp");
        name += "/sl-store-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

inline store::Options options_for(const std::string& directory) {
    store::Options options;
    options.directory = directory;
    options.ballast_bytes = 0;
    options.started = site::WallTime{std::chrono::milliseconds{1'764'000'000'000}};
    return options;
}

inline site::Record record(site::Stream stream, std::string body, std::int64_t ts_ms = 1'764'000'000'000) {
    site::Record made;
    made.stream = stream;
    made.ts = site::site_ms(ts_ms);
    made.tq = site::TimeQuality::ntp;
    made.body = std::move(body);
    return made;
}

// A store on a loop that remembers what it was told.
struct Rig {
    explicit Rig(const store::Options& options) { open(options); }
    void open(const store::Options& options) {
        store.reset();
        loop.run_ready();
        store = std::make_unique<store::Store>(options, loop.post(), loop.after());
        store->on_commit([this](std::span<const site::RecordPtr> records) {
            committed.insert(committed.end(), records.begin(), records.end());
        });
        store->on_loss([this](std::span<const site::LostRange> ranges) {
            lost.insert(lost.end(), ranges.begin(), ranges.end());
        });
        store->on_health(
            [this](bool ok, std::string why) { health.push_back(ok ? "ok" : "failed: " + why); });
    }
    bool flush() {
        std::optional<bool> result;
        store->flush([&](bool ok) { result = ok; });
        loop.until([&] { return result.has_value(); });
        return *result;
    }
    std::vector<site::RecordPtr> pending(site::Stream stream, std::int64_t from = 1,
                                         std::size_t most = 1'000'000) {
        std::optional<std::vector<site::RecordPtr>> found;
        store->read_pending(stream, from, most, 1U << 30U,
                            [&](std::vector<site::RecordPtr> r) { found = std::move(r); });
        loop.until([&] { return found.has_value(); });
        return std::move(*found);
    }
    std::vector<site::RecordPtr> range(site::Stream stream, site::SeqRange range) {
        std::optional<std::vector<site::RecordPtr>> found;
        store->read_range(stream, range, 1'000'000, 1U << 30U,
                          [&](std::vector<site::RecordPtr> r) { found = std::move(r); });
        loop.until([&] { return found.has_value(); });
        return std::move(*found);
    }

    Loop loop;
    std::vector<site::RecordPtr> committed;
    std::vector<site::LostRange> lost;
    std::vector<std::string> health;
    std::unique_ptr<store::Store> store;
};

}  // namespace sl::testing
