// A serial port of Linux, raw and non-blocking. Works on pseudo-terminals too.
#pragma once

#include "protocols/wire/byte_stream.hpp"
#include "protocols/wire/stream_factory.hpp"

#include <memory>
#include <string>

namespace sl::wire {

// The port is opened for us alone (flock and TIOCEXCL): a second program on a half-duplex line destroys
// frames.
std::unique_ptr<ByteStream> make_serial_stream(boost::asio::io_context& io, std::string path,
                                               StreamSettings settings);

// True for the rates that set_format accepts.
bool serial_rate_known(std::uint32_t baud) noexcept;

}  // namespace sl::wire
