#include "protocols/wire/asio_timers.hpp"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sl::wire {
namespace asio = boost::asio;
namespace {

class AsioTimer final : public Timer {
  public:
    explicit AsioTimer(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {}
    ~AsioTimer() override { disarm(); }
    AsioTimer(const AsioTimer&) = delete;
    AsioTimer& operator=(const AsioTimer&) = delete;

    void arm(TimePoint when, std::function<void()> on_due) override {
        state_->on_due = std::move(on_due);
        const auto generation = ++state_->generation;
        state_->timer.expires_at(when);
        // A handler that is already queued cannot be cancelled any more: the generation tells it to keep
        // still.
        state_->timer.async_wait([state = state_, generation](const boost::system::error_code& error) {
            if (!error && state->generation == generation) {
                const auto call = std::exchange(state->on_due, nullptr);
                call();
            }
        });
    }
    void disarm() noexcept override {
        ++state_->generation;
        state_->on_due = nullptr;
        state_->timer.cancel();
    }

  private:
    struct State {
        explicit State(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        std::function<void()> on_due;
        std::uint64_t generation = 0;
    };
    std::shared_ptr<State> state_;
};

}  // namespace

AsioTimers::AsioTimers(asio::any_io_executor executor) : executor_(std::move(executor)) {}

TimePoint AsioTimers::now() const noexcept {
    return std::chrono::steady_clock::now();
}

std::unique_ptr<Timer> AsioTimers::make_timer() {
    return std::make_unique<AsioTimer>(executor_);
}

asio::awaitable<void> AsioTimers::wait_until(TimePoint when) {
    asio::steady_timer timer(executor_, when);
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer.async_wait(token);
}

}  // namespace sl::wire
