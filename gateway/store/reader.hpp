// The reader's thread: replay, backlog and reports, so that none of them delays a commit.
#pragma once

#include "gateway/store/sqlite.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace sl::store {

// Opened on first use, closed when the writer takes the files away.
class ReadConnections {
  public:
    ReadConnections(std::string directory, std::string vfs);
    Db& queue() { return open(queue_, "/queue.db"); }
    Db& history() { return open(history_, "/history.db"); }
    void close();

  private:
    Db& open(Db& db, const char* name);
    std::string directory_, vfs_;
    Db queue_, history_;
};

class Reader {
  public:
    using Job = std::function<void(ReadConnections&)>;  // must not throw
    Reader(std::string directory, std::string vfs);
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader();  // runs what is queued, then ends
    void add(Job job);
    // Closes the connections and keeps them closed as long as the lock is held. SQLite removes the log of a
    // database by name when the last connection closes: none may be open while files are moved.
    std::unique_lock<std::mutex> pause();

  private:
    void run();
    ReadConnections connections_;
    std::mutex connections_mutex_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> jobs_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace sl::store
