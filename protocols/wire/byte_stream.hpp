// The one seam between a line and the operating system: a serial port, a TCP connection, or a script in a
// test. Bytes only; frames, deadlines and retries are the Bus's.
#pragma once

#include "protocols/driver.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace sl::wire {

// At most one read_some and one wait_writable are under way at a time. Every error but operation_aborted
// means that the stream is gone and has to be opened anew; end of stream is an error (asio::error::eof).
class ByteStream {
  public:
    ByteStream() = default;
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;
    virtual ~ByteStream() = default;

    // Opens the device or connects; closes first what was open. cancel() ends it early.
    virtual boost::asio::awaitable<boost::system::error_code> open() = 0;
    // A pending operation ends with operation_aborted.
    virtual void close() noexcept = 0;

    // True when bytes take their time on a wire behind this stream: gaps and transmit times then count.
    virtual bool paced() const noexcept = 0;
    // Applies the character format at once; the caller has waited for output_pending() == 0. Nothing on TCP.
    virtual boost::system::error_code set_format(const LineFormat& format) = 0;
    // Bytes accepted by write_now that have not left yet, as far as the driver tells.
    virtual std::size_t output_pending() noexcept = 0;

    // Never wait. write_now answers how many bytes were taken (0 = wait_writable first); read_now 0 = nothing
    // has come.
    virtual Result<std::size_t> write_now(std::span<const std::uint8_t> bytes) = 0;
    virtual Result<std::size_t> read_now(std::span<std::uint8_t> into) = 0;

    // Waits for at least one byte. The span stays valid until the answer.
    virtual boost::asio::awaitable<Result<std::size_t>> read_some(std::span<std::uint8_t> into) = 0;
    virtual boost::asio::awaitable<boost::system::error_code> wait_writable() = 0;
    // Ends the pending operation with operation_aborted; bytes that had come already are not lost.
    virtual void cancel() noexcept = 0;
};

}  // namespace sl::wire
