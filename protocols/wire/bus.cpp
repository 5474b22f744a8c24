#include "protocols/wire/bus.hpp"

#include "protocols/wire/receiver.hpp"
#include "protocols/wire/turn.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>

namespace sl::wire {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

Errc errc_of(const error_code& error) noexcept {
    return error.category() == wire_category() ? static_cast<Errc>(error.value()) : Errc::port_lost;
}

// The longest answer we wait for once it has begun, in characters.
constexpr std::size_t longest_answer = 300;
// After this much silence the input is looked at before a request: noise may have come, or the other side
// gone.
constexpr auto idle_too_long = std::chrono::seconds(1);

}  // namespace

Duration character_time(const LineFormat& format, std::size_t count) noexcept {
    const std::uint64_t bits =
        1ULL + format.data_bits + (format.parity == Parity::none ? 0U : 1U) + format.stop_bits;
    const std::uint64_t baud = std::max<std::uint32_t>(format.baud, 1);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(bits * count * 1'000'000'000ULL / baud));
}

Duration frame_gap(const LineFormat& format) noexcept {
    if (format.baud > 19200) {
        return std::chrono::microseconds(1750);
    }
    return character_time(format, 7) / 2;
}

class Bus::Impl {
  public:
    Impl(asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, Timers& timers,
         BusSettings settings)
        : executor_(std::move(executor)),
          stream_(std::move(stream)),
          timers_(timers),
          settings_(std::move(settings)),
          paced_(stream_->paced()),
          deadline_timer_(timers.make_timer()),
          reopen_timer_(timers.make_timer()) {}

    asio::awaitable<void> run();
    void stop();
    asio::awaitable<Result<Bytes>> transact(const Exchange& exchange);
    asio::awaitable<void> until_up();

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
    asio::awaitable<error_code> open();
    asio::awaitable<void> pause_before_reopening();
    void came_up();
    void lost(const error_code& why);
    void say_down(const std::string& why);

    // Whose turn it is.
    asio::awaitable<void> queue(Priority priority, Suspension::Place place);

    // One attempt; the caller holds the line.
    asio::awaitable<Result<Bytes>> attempt(const Exchange& exchange);
    bool may_send_now(const Unit& unit) const noexcept;
    asio::awaitable<error_code> settle(const Unit& unit);
    error_code clear_input();
    asio::awaitable<error_code> send(const Exchange& exchange);
    asio::awaitable<Result<Bytes>> receive(const Exchange& exchange);
    asio::awaitable<Result<Bytes>> after_broadcast(const Exchange& exchange);
    Result<Bytes> ran_out();
    void count(const Result<Bytes>& outcome);
    void expect_late_answer();
    void watch(TimePoint due);
    void on_deadline();
    Duration gap_of(const Unit& unit) const noexcept;

    asio::any_io_executor executor_;
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
    TimePoint listen_until_{};          // a late answer may still come
    TimePoint quiet_since_{};           // end of the last byte on the line
    // One alarm serves all exchanges: it is set anew only when it would come too late, so that a fast line
    // does not touch the kernel's timer for every exchange.
    TimePoint due_{}, alarm_at_{};
    bool alarm_set_ = false, watching_ = false;

    mutable BusStatistics statistics_;
    std::uint64_t stray_bytes_ = 0;
};

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
                expect_late_answer();
            }
            co_return outcome;
        }
        const auto error = errc_of(outcome.error());
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

// ---- one attempt ----

asio::awaitable<Result<Bytes>> Bus::Impl::attempt(const Exchange& exchange) {
    const auto began = timers_.now();
    error_code failed;
    if (!may_send_now(*exchange.unit)) {
        failed = co_await settle(*exchange.unit);
    }
    if (!failed) {
        failed = co_await send(exchange);
    }
    Result<Bytes> outcome = Errc::port_lost;
    if (failed) {
        lost(failed);
    } else if (exchange.judge == nullptr) {
        outcome = co_await after_broadcast(exchange);
    } else {
        outcome = co_await receive(exchange);
    }
    count(outcome);
    statistics_.busy += timers_.now() - began;
    co_return outcome;
}

Duration Bus::Impl::gap_of(const Unit& unit) const noexcept {
    auto gap = settings_.gap;
    if (gap < Duration::zero()) {
        gap = Duration::zero();
        if (paced_) {
            gap = frame_gap(unit.format);
            if (format_) {
                gap = std::max(gap, frame_gap(*format_));
            }
        }
    }
    return gap + unit.turnaround;
}

bool Bus::Impl::may_send_now(const Unit& unit) const noexcept {
    if (!clean_ || (paced_ && (!format_ || *format_ != unit.format))) {
        return false;
    }
    const auto silent = timers_.now() - quiet_since_;
    return silent >= gap_of(unit) && silent < idle_too_long;
}

// Brings the line to the point where this unit may be asked: the old bytes have left, the format is the
// unit's, the gap has passed, and whatever arrived unasked is gone.
asio::awaitable<error_code> Bus::Impl::settle(const Unit& unit) {
    if (paced_ && (!format_ || *format_ != unit.format)) {
        const auto give_up = timers_.now() + settings_.open_timeout;
        while (stream_->output_pending() > 0 && timers_.now() < give_up) {
            const auto look = timers_.now() + std::chrono::milliseconds(1);
            co_await timers_.wait_until(look);
        }
        if (quiet_since_ > timers_.now()) {
            co_await timers_.wait_until(quiet_since_);
        }
    }
    const auto free_at = std::max(quiet_since_ + gap_of(unit), listen_until_);
    if (paced_ && (!format_ || *format_ != unit.format)) {
        if (const auto refused = stream_->set_format(unit.format)) {
            co_return refused;
        }
        format_ = unit.format;
    }
    if (free_at > timers_.now()) {
        co_await timers_.wait_until(free_at);
    }
    if (!up_) {
        co_return asio::error::make_error_code(asio::error::operation_aborted);
    }
    co_return clear_input();
}

// Late answers, other masters and noise since the last exchange. Bounded: a babbling line is left to the
// deadline.
error_code Bus::Impl::clear_input() {
    receiver_.start({});
    for (int round = 0; round < 16; ++round) {
        const auto room = receiver_.room();
        const auto got = stream_->read_now(room);
        if (got.has_error()) {
            return got.error();
        }
        if (*got == 0) {
            break;
        }
        stray_bytes_ += *got;
        if (wire_log) {
            wire_log(Direction::received, room.first(*got), timers_.now());
        }
    }
    return {};
}

asio::awaitable<error_code> Bus::Impl::send(const Exchange& exchange) {
    clean_ = false;
    auto rest = exchange.request;
    while (!rest.empty()) {
        const auto taken = stream_->write_now(rest);
        if (taken.has_error()) {
            co_return taken.error();
        }
        rest = rest.subspan(*taken);
        if (*taken == 0) {
            watch(timers_.now() + settings_.open_timeout);
            const auto failed = co_await stream_->wait_writable();
            watching_ = false;
            if (failed) {
                co_return failed;  // also when the other side takes nothing for that long
            }
        }
    }
    ++statistics_.requests;
    quiet_since_ = timers_.now();
    if (wire_log) {
        wire_log(Direction::sent, exchange.request, quiet_since_);
    }
    if (paced_) {
        quiet_since_ += character_time(exchange.unit->format, exchange.request.size());
    }
    receiver_.start(settings_.echo ? exchange.request : std::span<const std::uint8_t>());
    co_return error_code();
}

asio::awaitable<Result<Bytes>> Bus::Impl::after_broadcast(const Exchange& exchange) {
    const auto until = quiet_since_ + exchange.silence_after;
    if (until > timers_.now()) {
        co_await timers_.wait_until(until);
    }
    if (!up_) {
        co_return Errc::port_lost;
    }
    co_return Bytes();
}

// Reads until the judge is content or the time is over. A frame that has begun may grow past the deadline, up
// to the time the longest one takes; a line that only babbles may not.
asio::awaitable<Result<Bytes>> Bus::Impl::receive(const Exchange& exchange) {
    const auto deadline = quiet_since_ + exchange.unit->timeout;
    const auto last = deadline + character_time(exchange.unit->format, longest_answer);
    watch(deadline);
    for (;;) {
        const auto room = receiver_.room();
        const auto got = co_await stream_->read_some(room);
        const auto now = timers_.now();
        std::optional<Result<Bytes>> found;
        if (got.has_value()) {
            if (wire_log) {
                wire_log(Direction::received, room.first(*got), now);
            }
            found = receiver_.feed(*got, *exchange.judge);
            quiet_since_ = std::max(quiet_since_, now);
        } else if (got.error() != asio::error::operation_aborted || !up_) {
            watching_ = false;
            lost(got.error());
            co_return Errc::port_lost;
        }
        if (!found && (got.has_error() || now >= last)) {
            found = receiver_.resync(*exchange.judge);
        }
        if (found) {
            watching_ = false;
            clean_ = !receiver_.partial();
            co_return *std::move(found);
        }
        if (!receiver_.partial() && now >= deadline) {
            watching_ = false;
            co_return ran_out();
        }
        const auto patience = receiver_.partial() ? now + settings_.silence : deadline;
        watch(std::min(patience, last));
    }
}

Result<Bytes> Bus::Impl::ran_out() {
    return receiver_.outcome();
}

void Bus::Impl::count(const Result<Bytes>& outcome) {
    if (outcome.has_value()) {
        statistics_.answers += 1;
        proved_ = true;
        return;
    }
    switch (errc_of(outcome.error())) {
        case Errc::timeout:
            ++statistics_.timeouts;
            break;
        case Errc::bad_frame:
            ++statistics_.bad_frames;
            break;
        case Errc::foreign_answer:
        case Errc::port_lost:
        case Errc::cancelled:
            break;
        default:
            ++statistics_.exceptions;
            proved_ = true;
    }
}

// What a retry got may have been the late answer to the attempt before it. Then one more is on its way, and
// on RTU nothing in it tells which request it belongs to.
void Bus::Impl::expect_late_answer() {
    listen_until_ = timers_.now() + settings_.late_wait;
    clean_ = false;
}

void Bus::Impl::watch(TimePoint due) {
    due_ = due;
    watching_ = true;
    if (!alarm_set_ || due < alarm_at_) {
        alarm_set_ = true;
        alarm_at_ = due;
        const auto wake = [this] { on_deadline(); };
        deadline_timer_->arm(due, wake);
    }
}

void Bus::Impl::on_deadline() {
    alarm_set_ = false;
    if (!watching_) {
        return;
    }
    if (timers_.now() < due_) {
        watch(due_);
    } else {
        stream_->cancel();
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
