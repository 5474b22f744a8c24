#include "protocols/wire/bus_impl.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>

namespace sl::wire {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

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

// ---- one attempt ----

asio::awaitable<Result<Bytes>> Bus::Impl::attempt(const Exchange& exchange) {
    const auto began = timers_.now();
    error_code failed;
    if (!may_send_now(exchange)) {
        failed = co_await settle(exchange);
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

bool Bus::Impl::may_send_now(const Exchange& exchange) {
    const Unit& unit = *exchange.unit;
    if (!clean_ || has_to_listen(exchange) || (paced_ && (!format_ || *format_ != unit.format))) {
        return false;
    }
    const auto silent = timers_.now() - quiet_since_;
    return silent >= gap_of(unit) && silent < idle_too_long;
}

// Brings the line to the point where this unit may be asked: the old bytes have left, the format is the
// unit's, the gap has passed, and whatever arrived unasked is gone.
asio::awaitable<error_code> Bus::Impl::settle(const Exchange& exchange) {
    const Unit& unit = *exchange.unit;
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
    auto free_at = quiet_since_ + gap_of(unit);
    if (has_to_listen(exchange)) {
        free_at = std::max(free_at, owed_->until);
    }
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
            quiet_since_ =
                now;  // who answers has heard the end, whatever the rate says (a pseudo-terminal is faster)
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

// The device did not answer in time, or what a retry got was the answer to the attempt before it: either way
// one more answer may be on its way.
void Bus::Impl::expect_late_answer(const Exchange& exchange) {
    Owed owed;
    owed.number = exchange.unit->address.number;
    owed.request.assign(exchange.request.begin(), exchange.request.end());
    owed.until = timers_.now() + exchange.unit->timeout;
    owed_ = std::move(owed);
}

// The same question again may be answered by the late answer: it is what was asked.
bool Bus::Impl::has_to_listen(const Exchange& exchange) {
    if (owed_ && timers_.now() >= owed_->until) {
        owed_.reset();
    }
    return owed_ && !exchange.answer_names_request && owed_->number == exchange.unit->address.number &&
           !std::equal(owed_->request.begin(), owed_->request.end(), exchange.request.begin(),
                       exchange.request.end());
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

}  // namespace sl::wire
