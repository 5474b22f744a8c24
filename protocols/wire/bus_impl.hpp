// Inside of the Bus, for its own two .cpp files: bus.cpp opens the line and says whose turn it is,
// bus_exchange.cpp makes one attempt.
#pragma once

#include "protocols/wire/bus.hpp"
#include "protocols/wire/receiver.hpp"
#include "protocols/wire/turn.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sl::wire {

// Errors that are not ours come from the system: the port is gone.
inline Errc errc_of(const boost::system::error_code& error) noexcept {
    return error.category() == wire_category() ? static_cast<Errc>(error.value()) : Errc::port_lost;
}

class Bus::Impl {
  public:
    Impl(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, Timers& timers,
         BusSettings settings)
        : executor_(std::move(executor)),
          stream_(std::move(stream)),
          timers_(timers),
          settings_(std::move(settings)),
          paced_(stream_->paced()),
          deadline_timer_(timers.make_timer()),
          reopen_timer_(timers.make_timer()) {}

    boost::asio::awaitable<void> run();
    void stop();
    boost::asio::awaitable<Result<Bytes>> transact(const Exchange& exchange);
    boost::asio::awaitable<void> until_up();

    bool up() const noexcept { return up_; }
    const BusSettings& settings() const noexcept { return settings_; }
    const BusStatistics& statistics() const noexcept {
        statistics_.noise_bytes = receiver_.noise_bytes + stray_bytes_;
        statistics_.foreign = receiver_.foreign_frames;
        return statistics_;
    }

    WireLog wire_log;
    LineState line_state;

  private:
    // Opening.
    boost::asio::awaitable<boost::system::error_code> open();
    boost::asio::awaitable<void> pause_before_reopening();
    void came_up();
    void lost(const boost::system::error_code& why);
    void say_down(const std::string& why);

    // Whose turn it is.
    boost::asio::awaitable<void> queue(Priority priority, Suspension::Place place);

    // One attempt; the caller holds the line.
    boost::asio::awaitable<Result<Bytes>> attempt(const Exchange& exchange);
    bool may_send_now(const Exchange& exchange);
    boost::asio::awaitable<boost::system::error_code> settle(const Exchange& exchange);
    boost::system::error_code clear_input();
    boost::asio::awaitable<boost::system::error_code> send(const Exchange& exchange);
    boost::asio::awaitable<Result<Bytes>> receive(const Exchange& exchange);
    boost::asio::awaitable<Result<Bytes>> after_broadcast(const Exchange& exchange);
    Result<Bytes> ran_out();
    void count(const Result<Bytes>& outcome);
    void expect_late_answer(const Exchange& exchange);
    bool has_to_listen(const Exchange& exchange);
    void watch(TimePoint due);
    void on_deadline();
    Duration gap_of(const Unit& unit) const noexcept;

    boost::asio::any_io_executor executor_;
    std::unique_ptr<ByteStream> stream_;
    Timers& timers_;
    BusSettings settings_;
    bool paced_;
    std::unique_ptr<Timer> deadline_timer_, reopen_timer_;

    bool up_ = false, stopping_ = false, told_down_ = false;
    bool proved_ = false;  // something answered since the line came up
    bool clean_ = false;   // nothing unread can be in the input
    Duration backoff_{};
    Turn turn_;
    Suspension opener_, up_waiters_;

    Receiver receiver_;
    std::optional<LineFormat> format_;  // that the port is set to
    struct Owed {                       // an answer that may still come
        std::uint64_t number = 0;
        Bytes request;
        TimePoint until{};
    };
    std::optional<Owed> owed_;
    TimePoint quiet_since_{};  // end of the last byte on the line
    // One alarm serves all exchanges: it is set anew only when it would come too late, so that a fast line
    // does not touch the kernel's timer for every exchange.
    TimePoint due_{}, alarm_at_{};
    bool alarm_set_ = false, watching_ = false;

    mutable BusStatistics statistics_;
    std::uint64_t stray_bytes_ = 0;
};

}  // namespace sl::wire
