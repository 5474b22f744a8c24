// A scripted line: it expects exact bytes, answers at exact times, and fails the test when a byte is left
// over or unexpected.
#pragma once

#include "protocols/wire/byte_stream.hpp"
#include "tests/support/virtual_timers.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

namespace sl::test {

// "01 03 ff" -> bytes; anything but hexadecimal digits is skipped.
inline Bytes hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    Bytes out;
    int high = -1;
    for (const char c : text) {
        const auto digit = digits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
        if (digit == std::string_view::npos) {
            continue;
        }
        if (high < 0) {
            high = static_cast<int>(digit);
        } else {
            out.push_back(static_cast<std::uint8_t>(high * 16 + static_cast<int>(digit)));
            high = -1;
        }
    }
    return out;
}

class FakeLine final : public wire::ByteStream {
  public:
    struct Chunk {
        std::chrono::microseconds after;  // counted from the last byte of the request
        Bytes bytes;
    };
    struct Step {
        Bytes request;
        std::vector<Chunk> answer;
        bool lost_instead = false;
    };

    FakeLine(VirtualTimers& timers, bool serial) : timers_(timers), serial_(serial) {}

    // --- the script ---
    FakeLine& expect(std::string_view request) {
        steps_.push_back({hex(request), {}, false});
        return *this;
    }
    FakeLine& answer(std::string_view bytes,
                     std::chrono::microseconds after = std::chrono::milliseconds(10)) {
        steps_.back().answer.push_back({after, hex(bytes)});
        return *this;
    }
    FakeLine& lost() {
        steps_.back().lost_instead = true;
        return *this;
    }
    // Bytes that nobody asked for.
    void inject(std::string_view bytes, std::chrono::microseconds after) { arrive_later(hex(bytes), after); }
    void lose_now() {
        gone_ = true;
        readers_.resume_all();
    }
    void verify() const {
        EXPECT_TRUE(steps_.empty()) << steps_.size() << " expected requests never came";
        EXPECT_TRUE(written_.empty()) << "a piece of a request was written";
        EXPECT_TRUE(incoming_.empty()) << incoming_.size() << " bytes were never read";
    }

    std::deque<boost::system::error_code> open_results;  // the next openings; success when empty
    std::vector<wire::TimePoint> openings;
    std::vector<LineFormat> formats;
    std::vector<wire::TimePoint> request_times;  // when the last byte of each request was written
    std::size_t pending = 0;
    bool never_connects = false;
    std::size_t write_limit = 1000;  // bytes taken at once

    // --- the stream ---
    boost::asio::awaitable<boost::system::error_code> open() override {
        openings.push_back(timers_.now());
        gone_ = cancelled_ = false;
        incoming_.clear();
        if (never_connects) {
            co_await readers_.wait();
            co_return boost::asio::error::make_error_code(boost::asio::error::operation_aborted);
        }
        boost::system::error_code result;
        if (!open_results.empty()) {
            result = open_results.front();
            open_results.pop_front();
        }
        open_ = !result;
        co_return result;
    }
    void close() noexcept override {
        open_ = false;
        cancel();
    }
    bool paced() const noexcept override { return serial_; }
    boost::system::error_code set_format(const LineFormat& format) override {
        EXPECT_EQ(output_pending(), 0U) << "the format was changed while bytes were still leaving";
        formats.push_back(format);
        return {};
    }
    std::size_t output_pending() noexcept override { return pending > 0 ? pending-- : 0; }

    wire::Result<std::size_t> write_now(std::span<const std::uint8_t> bytes) override {
        if (gone_) {
            return boost::asio::error::make_error_code(boost::asio::error::broken_pipe);
        }
        const auto taken = bytes.first(std::min(bytes.size(), write_limit));
        written_.insert(written_.end(), taken.begin(), taken.end());
        check_written();
        return taken.size();
    }
    wire::Result<std::size_t> read_now(std::span<std::uint8_t> into) override {
        if (gone_) {
            return boost::asio::error::make_error_code(boost::asio::error::eof);
        }
        const auto count = std::min(into.size(), incoming_.size());
        const auto end = incoming_.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy(incoming_.begin(), end, into.begin());
        incoming_.erase(incoming_.begin(), end);
        return count;
    }
    boost::asio::awaitable<wire::Result<std::size_t>> read_some(std::span<std::uint8_t> into) override {
        cancelled_ = false;
        while (incoming_.empty() && !gone_ && !cancelled_ && open_) {
            co_await readers_.wait();
        }
        if (incoming_.empty() && !gone_) {
            co_return boost::asio::error::make_error_code(boost::asio::error::operation_aborted);
        }
        co_return read_now(into);
    }
    boost::asio::awaitable<boost::system::error_code> wait_writable() override {
        co_return boost::system::error_code();
    }
    void cancel() noexcept override {
        cancelled_ = true;
        readers_.resume_all();
    }

  private:
    void check_written() {
        if (steps_.empty()) {
            ADD_FAILURE() << "unexpected request: " << ::testing::PrintToString(written_);
            return;
        }
        if (written_.size() < steps_.front().request.size()) {
            return;
        }
        const auto step = std::move(steps_.front());
        steps_.pop_front();
        EXPECT_EQ(written_, step.request);
        written_.clear();
        request_times.push_back(timers_.now());
        for (const auto& chunk : step.answer) {
            arrive_later(chunk.bytes, chunk.after);
        }
        if (step.lost_instead) {
            timers_.add(timers_.now() + std::chrono::milliseconds(1), [this] { lose_now(); });
        }
    }
    void arrive_later(Bytes bytes, std::chrono::microseconds after) {
        timers_.add(timers_.now() + after, [this, bytes = std::move(bytes)] {
            incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
            readers_.resume_all();
        });
    }

    VirtualTimers& timers_;
    bool serial_;
    bool open_ = false, gone_ = false, cancelled_ = false;
    std::deque<Step> steps_;
    Bytes written_, incoming_;
    wire::Suspension readers_;
};

}  // namespace sl::test
