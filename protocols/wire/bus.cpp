#include "protocols/wire/bus_impl.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>

namespace sl::wire {
namespace asio = boost::asio;
using boost::system::error_code;

// ---- opening ----

asio::awaitable<error_code> Bus::Impl::open() {
    watch(timers_.now() + settings_.open_timeout);
    const auto result = co_await stream_->open();
    watching_ = false;
    if (result == asio::error::operation_aborted && !stopping_) {
        co_return asio::error::make_error_code(asio::error::timed_out);
    }
    co_return result;
}

asio::awaitable<void> Bus::Impl::run() {
    backoff_ = settings_.reopen_first;
    while (!stopping_) {
        const auto failed = co_await open();
        if (stopping_) {
            break;
        }
        if (failed) {
            stream_->close();
            say_down(failed.message());
        } else {
            came_up();
            while (up_ && !stopping_) {
                co_await opener_.wait();
            }
        }
        if (!stopping_) {
            co_await pause_before_reopening();
        }
    }
    stream_->close();
    up_waiters_.resume_all();
}

asio::awaitable<void> Bus::Impl::pause_before_reopening() {
    const auto again = timers_.now() + backoff_;
    backoff_ = std::min(backoff_ * 2, settings_.reopen_max);
    const auto wake = [this] { opener_.resume_one(); };
    reopen_timer_->arm(again, wake);
    co_await opener_.wait();
    reopen_timer_->disarm();
}

void Bus::Impl::came_up() {
    up_ = true;
    proved_ = clean_ = told_down_ = false;
    format_.reset();
    quiet_since_ = timers_.now();
    if (line_state) {
        line_state(true, {});
    }
    up_waiters_.resume_all();
}

void Bus::Impl::say_down(const std::string& why) {
    if (!told_down_ && line_state) {
        line_state(false, why);
    }
    told_down_ = true;
}

// Only an answer proves the line: a device that opens and dies at once must not reset the backoff.
void Bus::Impl::lost(const error_code& why) {
    if (!up_) {
        return;
    }
    up_ = false;
    stream_->close();
    if (!stopping_) {
        ++statistics_.losses;
        if (proved_) {
            backoff_ = settings_.reopen_first;
        }
        say_down(why.message());
    }
    opener_.resume_one();
}

void Bus::Impl::stop() {
    stopping_ = true;
    up_ = false;
    stream_->close();
    opener_.resume_one();
    up_waiters_.resume_all();
}

asio::awaitable<void> Bus::Impl::until_up() {
    while (!up_ && !stopping_) {
        co_await up_waiters_.wait();
    }
}

// ---- whose turn it is ----

asio::awaitable<void> Bus::Impl::queue(Priority priority, Suspension::Place place) {
    const auto since = timers_.now();
    const auto row = static_cast<std::size_t>(priority);
    co_await turn_.wait(priority, place);
    statistics_.wait_max[row] = std::max(statistics_.wait_max[row], timers_.now() - since);
}

asio::awaitable<Result<Bytes>> Bus::Impl::transact(const Exchange& exchange) {
    auto place = Suspension::Place::back;
    for (int tried = 0;; ++tried) {
        if (!turn_.try_take()) {
            co_await queue(exchange.priority, place);
        }
        Result<Bytes> outcome = Errc::port_lost;
        if (up_) {
            outcome = co_await attempt(exchange);
        } else {
            // A caller that asks again at once must not keep the reactor from opening the line.
            const auto now = timers_.now();
            co_await timers_.wait_until(now);
        }
        turn_.pass_on();
        if (stopping_) {
            co_return Errc::cancelled;
        }
        if (outcome.has_value()) {
            if (tried > 0) {
                expect_late_answer(exchange);
            }
            co_return outcome;
        }
        const auto error = errc_of(outcome.error());
        if (error == Errc::timeout || error == Errc::bad_frame || error == Errc::foreign_answer) {
            expect_late_answer(exchange);
        }
        if (next_step(error) != Next::retry || tried >= exchange.unit->retries) {
            co_return outcome;
        }
        ++statistics_.retries;
        place = Suspension::Place::front;
        if (error == Errc::busy) {
            const auto again = timers_.now() + settings_.busy_wait;
            co_await timers_.wait_until(again);
        }
    }
}

// ---- the class itself ----

Bus::Bus(asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, Timers& timers,
         BusSettings settings)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(stream), timers, std::move(settings))) {}
Bus::~Bus() = default;

asio::awaitable<void> Bus::run() {
    return impl_->run();
}
void Bus::stop() {
    impl_->stop();
}
asio::awaitable<Result<Bytes>> Bus::transact(const Exchange& exchange) {
    return impl_->transact(exchange);
}
bool Bus::up() const noexcept {
    return impl_->up();
}
asio::awaitable<void> Bus::until_up() {
    return impl_->until_up();
}
const std::string& Bus::name() const noexcept {
    return impl_->settings().name;
}
const BusStatistics& Bus::statistics() const noexcept {
    return impl_->statistics();
}
void Bus::set_wire_log(WireLog log) {
    impl_->wire_log = std::move(log);
}
void Bus::set_line_state(LineState state) {
    impl_->line_state = std::move(state);
}

}  // namespace sl::wire
