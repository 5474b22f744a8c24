// The writer's thread and what it writes. The reactor puts work in, the thread commits it in groups and hands
// results back through `post`. All calls are safe from the reactor's thread; the listeners run there.
#pragma once

#include "gateway/store/files.hpp"
#include "gateway/store/history_db.hpp"
#include "gateway/store/options.hpp"
#include "gateway/store/queue_db.hpp"
#include "gateway/store/reader.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sl::store {

// A change of queue.db that goes with the next commit; `done(durable)` runs on the reactor.
struct Op {
    std::function<void(QueueDb&)> apply;
    std::function<void(bool)> done;
};
using HistoryOp = std::function<void(HistoryDb&)>;

// What the writer tells the reactor.
struct Listeners {
    std::function<void(std::vector<site::RecordPtr>, bool committed)> records;
    std::function<void(std::vector<site::LostRange>)> lost;
    std::function<void(std::string why)> failed;
    std::function<void(Snapshot)> opened;
};

class Engine {
  public:
    Engine(Options options, Post post, Listeners listeners);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();  // commits what waits, then ends

    // First opening, on the caller's thread, before start().
    std::optional<Snapshot> open_first(std::string& why);
    void start();

    bool add(std::shared_ptr<site::Record> record);  // false = too much is waiting, the record was not taken
    void add(Op op);
    void add(HistoryOp op);
    void acknowledged(site::Stream stream, std::int64_t seq);
    void give_up(site::LostRange lost);
    void flush(std::function<void(bool)> done);
    void commit_now();
    void retry();
    void maintain(std::int64_t newest_ts_ms);
    void damaged(const std::string& why);  // a reader met a corrupt page
    void check_in_background();
    std::size_t waiting_bytes() const;
    Reader& reader() noexcept { return reader_; }

  private:
    struct Work {
        std::vector<Op> ops;
        std::vector<std::shared_ptr<site::Record>> records;
        std::array<Ranges, stream_count> acknowledged;
        std::vector<site::LostRange> given_up;
        std::vector<HistoryOp> history;
        std::vector<std::function<void(bool)>> flushes;
        std::optional<std::int64_t> maintain;
        std::optional<std::string> damage;
        bool retry = false;
        bool empty() const;
    };
    void run();
    Work take();
    void take_records(Work& work);
    void process(Work work);
    bool commit(Work& work, std::vector<site::LostRange>& lost);
    void write(Work& work, std::vector<site::LostRange>& lost);
    void merge_settled(const Work& work);
    bool free_disk(std::vector<site::LostRange>& lost);
    void answer(Work work, bool ok);
    void write_history(const std::vector<HistoryOp>& ops);
    bool mend_history(const DbError& error);
    void checkpoint();
    void clean(std::int64_t newest_ts_ms);
    void fail(const std::string& why, bool corrupt);

    std::optional<Snapshot> open(std::string& why);  // recovery.cpp, like all down to keep_floor
    Snapshot open_files();
    QueueFile queue_file() const;
    void inspect();
    void open_history(bool fresh);
    bool put_back(const std::string& epoch, const std::string& replaced) const;
    Snapshot establish(const Snapshot& salvaged);
    Snapshot salvage();
    void keep_floor();
    std::string path(const char* name) const { return options_.directory + "/" + name; }

    const Options options_;
    const Post post_;
    const Listeners listeners_;

    // The writer's own.
    DirLock lock_;
    std::optional<Floor> floor_;  // as found at opening
    bool history_trouble_ = false;
    std::string epoch_;
    std::uint32_t boot_ = 0;
    bool suspect_ = false;  // the file was seen corrupt: check before using it again
    std::unique_ptr<QueueDb> queue_;
    std::unique_ptr<HistoryDb> history_;
    std::array<Ranges, stream_count> unwritten_;  // acknowledged, not yet committed

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable wake_;
    Work inbox_;
    std::array<std::deque<std::shared_ptr<site::Record>>, stream_count> queued_;
    std::size_t queued_bytes_ = 0;
    bool due_ = false, stop_ = false;
    std::thread thread_;
    Reader reader_;  // last: its jobs may still report damage while it ends
};

}  // namespace sl::store
