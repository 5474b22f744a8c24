// Time that stands still until everybody waits, then jumps to the next alarm.
#pragma once

#include "protocols/wire/suspension.hpp"
#include "protocols/wire/timers.hpp"

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sl::test {

class VirtualTimers final : public wire::Timers {
  public:
    wire::TimePoint now() const noexcept override { return now_; }
    std::unique_ptr<wire::Timer> make_timer() override { return std::make_unique<Alarm>(*this); }
    boost::asio::awaitable<void> wait_until(wire::TimePoint when) override {
        const auto place = std::make_shared<wire::Suspension>();
        add(when, [place] { place->resume_one(); });
        return place->wait();
    }
    std::uint64_t add(wire::TimePoint when, std::function<void()> call) {
        due_.emplace(std::pair(std::max(when, now_), ++last_), std::move(call));
        return last_;
    }
    void remove(std::uint64_t id) {
        std::erase_if(due_, [id](const auto& entry) { return entry.first.second == id; });
    }
    // Jumps to the next alarm and rings it; false when there is none.
    bool ring() {
        if (due_.empty()) {
            return false;
        }
        auto next = due_.extract(due_.begin());
        now_ = next.key().first;
        next.mapped()();
        return true;
    }

  private:
    class Alarm final : public wire::Timer {
      public:
        explicit Alarm(VirtualTimers& timers) : timers_(timers) {}
        ~Alarm() override { timers_.remove(id_); }
        Alarm(const Alarm&) = delete;
        Alarm& operator=(const Alarm&) = delete;
        void arm(wire::TimePoint when, std::function<void()> on_due) override {
            timers_.remove(id_);
            id_ = timers_.add(when, std::move(on_due));
        }
        void disarm() noexcept override { timers_.remove(id_); }

      private:
        VirtualTimers& timers_;
        std::uint64_t id_ = 0;
    };

    wire::TimePoint now_{std::chrono::hours(1)};
    std::uint64_t last_ = 0;
    std::map<std::pair<wire::TimePoint, std::uint64_t>, std::function<void()>> due_;
};

// Runs the reactor, and time when the reactor has nothing to do, until `done` says so.
template <typename Predicate>
void pump(boost::asio::io_context& io, VirtualTimers& timers, Predicate done) {
    while (!done()) {
        io.restart();
        if (io.poll() == 0 && !timers.ring()) {
            FAIL() << "everybody waits and no alarm is set";
        }
    }
}

// What a spawned coroutine has returned, once it has.
template <typename T>
class Pending {
  public:
    Pending(boost::asio::io_context& io, boost::asio::awaitable<T> work)
        : value_(std::make_shared<std::optional<T>>()) {
        boost::asio::co_spawn(io, std::move(work),
                              [value = value_](const std::exception_ptr& error, T result) {
                                  if (error) {
                                      std::rethrow_exception(error);
                                  }
                                  value->emplace(std::move(result));
                              });
    }
    bool done() const { return value_->has_value(); }
    const T& operator*() const { return **value_; }
    const T* operator->() const { return &**value_; }

  private:
    std::shared_ptr<std::optional<T>> value_;
};

}  // namespace sl::test
