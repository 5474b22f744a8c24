#include "gateway/store/reader.hpp"

#include "gateway/store/files.hpp"

#include <utility>

namespace sl::store {

ReadConnections::ReadConnections(std::string directory, std::string vfs)
    : directory_(std::move(directory)), vfs_(std::move(vfs)) {}

Db& ReadConnections::open(Db& db, const char* name) {
    if (db.is_open()) return db;
    const std::string path = directory_ + name;
    if (!exists(path)) throw DbError{0, path + " is missing"};  // never create what the writer has not made
    db = Db{path, vfs_};
    db.exec("PRAGMA query_only=ON");
    db.exec("PRAGMA cache_size=-256");
    return db;
}

void ReadConnections::close() {
    queue_ = Db{};
    history_ = Db{};
}

Reader::Reader(std::string directory, std::string vfs)
    : connections_(std::move(directory), std::move(vfs)), thread_([this] { run(); }) {}

Reader::~Reader() {
    {
        const std::lock_guard lock{mutex_};
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Reader::add(Job job) {
    {
        const std::lock_guard lock{mutex_};
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

std::unique_lock<std::mutex> Reader::pause() {
    std::unique_lock lock{connections_mutex_};
    connections_.close();
    return lock;
}

void Reader::run() {
    std::unique_lock lock{mutex_};
    while (true) {
        wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        {
            const std::lock_guard busy{connections_mutex_};
            job(connections_);
        }
        lock.lock();
    }
}

}  // namespace sl::store
