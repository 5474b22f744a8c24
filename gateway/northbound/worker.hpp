// A thread that does blocking jobs one after the other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace sl::northbound {

class Worker {
  public:
    Worker() : thread_([shared = shared_] { run(*shared); }) {}
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    // Jobs in the queue are still done. One that hangs is left behind after `patience`; jobs own what they
    // touch.
    ~Worker() {
        std::unique_lock lock{shared_->mutex};
        shared_->stop = true;
        shared_->wake.notify_all();
        const bool ended = shared_->wake.wait_for(lock, patience, [this] { return shared_->ended; });
        lock.unlock();
        if (ended) {
            thread_.join();
        } else {
            thread_.detach();
        }
    }
    void run(std::function<void()> job) { push(*shared_, std::move(job)); }
    // The same for those who may outlive the worker; what comes too late is never run.
    std::function<void(std::function<void()>)> queue() {
        return [shared = shared_](std::function<void()> job) { push(*shared, std::move(job)); };
    }

  private:
    static constexpr std::chrono::seconds patience{3};
    struct Shared {
        std::mutex mutex;
        std::condition_variable wake;
        std::deque<std::function<void()>> jobs;
        bool stop = false, ended = false;
    };
    static void push(Shared& s, std::function<void()> job) {
        const std::lock_guard lock{s.mutex};
        s.jobs.push_back(std::move(job));
        s.wake.notify_all();
    }
    static void run(Shared& s) {
        std::unique_lock lock{s.mutex};
        for (;;) {
            s.wake.wait(lock, [&s] { return s.stop || !s.jobs.empty(); });
            if (s.jobs.empty()) break;
            auto job = std::move(s.jobs.front());
            s.jobs.pop_front();
            lock.unlock();
            job();
            job = nullptr;
            lock.lock();
        }
        s.ended = true;
        s.wake.notify_all();
    }
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
    std::thread thread_;
};

}  // namespace sl::northbound
