// One half-duplex line: whose exchange goes first, when the line has been silent long enough, which bytes are
// the answer, what happens when none comes, and opening the line again when it vanishes. It knows no
// protocol: a pure function given with each exchange judges the bytes.
#pragma once

#include "protocols/driver.hpp"
#include "protocols/wire/byte_stream.hpp"
#include "protocols/wire/timers.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace sl::wire {

enum class Verdict : std::uint8_t {
    more,     // could become the answer: wait for further bytes
    noise,    // the first `length` bytes are nobody's frame
    foreign,  // the first `length` bytes are a frame, but not the answer to this request
    answer,   // the first `length` bytes are the answer
    refused,  // the first `length` bytes are the answer, and it says no: `error`
};

struct Judgement {
    Judgement(Verdict v, std::size_t n, Errc e = Errc::bad_frame) : verdict(v), length(n), error(e) {}
    Verdict verdict;
    std::size_t length;
    Errc error;
};

// Judges the bytes received so far and not consumed yet (never empty). Pure: it may be asked about the same
// bytes again, and after a silence about the same bytes without the first one.
using Judge = std::function<Judgement(std::span<const std::uint8_t>)>;

// All that the bus needs to know of one request. What it points to must outlive the call of transact.
struct Exchange {
    Exchange(const Unit& u, Priority p, std::span<const std::uint8_t> bytes, const Judge* j)
        : unit(&u), priority(p), request(bytes), judge(j) {}
    const Unit* unit;
    Priority priority;
    std::span<const std::uint8_t> request;
    const Judge* judge;  // null: a broadcast, nobody answers
    // An answer names its request (transaction, data item). If not, a different question to a device that
    // owes an answer waits until that one can no longer come.
    bool answer_names_request = false;
    std::chrono::milliseconds silence_after{0};  // after a broadcast, for the devices to act
};

struct BusSettings {
    std::string name = "line";  // for people
    Duration gap{-1};   // silence before a request; negative = 3.5 characters, 1.75 ms above 19200 baud
    bool echo = false;  // the transceiver hears what it sends
    Duration silence = std::chrono::milliseconds(100);  // a frame that stops growing for this long is broken
    Duration busy_wait = std::chrono::milliseconds(100);  // before asking a busy device again
    Duration open_timeout = std::chrono::seconds(5);
    Duration reopen_first = std::chrono::milliseconds(500);
    Duration reopen_max = std::chrono::seconds(30);
};

// Counters since the start; they never go back.
struct BusStatistics {
    std::uint64_t requests = 0;     // frames sent, attempts counted one by one
    std::uint64_t answers = 0;      // exchanges that got their answer
    std::uint64_t exceptions = 0;   // answers that said no
    std::uint64_t timeouts = 0;     // attempts without a single byte
    std::uint64_t bad_frames = 0;   // attempts that got bytes, but no frame
    std::uint64_t foreign = 0;      // frames of others, among them late answers
    std::uint64_t noise_bytes = 0;  // bytes that belonged to no frame, and bytes that came unasked
    std::uint64_t retries = 0;
    std::uint64_t losses = 0;            // times the open line was lost
    Duration busy{};                     // time an exchange held the line
    std::array<Duration, 4> wait_max{};  // longest wait in the queue, by Priority
};

enum class Direction : std::uint8_t { sent, received };
// Neither may throw.
using WireLog = std::function<void(Direction, std::span<const std::uint8_t>, TimePoint)>;
// `why` is empty when the line is up.
using LineState = std::function<void(bool up, std::string_view why)>;

class Bus {
  public:
    Bus(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, Timers& timers,
        BusSettings settings);
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    ~Bus();

    // Keeps the line open until stop(); spawn it once.
    boost::asio::awaitable<void> run();
    // Ends run() and every exchange (cancelled). The bus must live until both have returned.
    void stop();

    // One exchange with its retries. The answer is the whole frame; empty after a broadcast. While the line
    // is down it fails at once with port_lost: wait with until_up() before asking again. Order: higher
    // priority first, then first come, first served; a retry goes before its equals. A lower priority may
    // wait for ever while higher ones keep the line full: callers bound what they ask at the top.
    boost::asio::awaitable<Result<Bytes>> transact(const Exchange& exchange);

    bool up() const noexcept;
    // Returns when the line is up or the bus is stopping.
    boost::asio::awaitable<void> until_up();

    const std::string& name() const noexcept;
    const BusStatistics& statistics() const noexcept;
    void set_wire_log(WireLog log);        // empty = off
    void set_line_state(LineState state);  // called on every change, and once when the first opening fails

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// Time that `count` characters take on the wire.
Duration character_time(const LineFormat& format, std::size_t count) noexcept;
// Silence between two frames: 3.5 characters, 1.75 ms above 19200 baud (Modbus over serial
// line 1.02, 2.5.1.1).
Duration frame_gap(const LineFormat& format) noexcept;

}  // namespace sl::wire
