// Makes the stream that a line's `device` names.
#pragma once

#include "protocols/wire/byte_stream.hpp"

#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace sl::wire {

struct StreamSettings {
    bool rs485 = false;  // ask the driver to switch the transmitter (TIOCSRS485)
};

// `device` is "/dev/ttyS1" (any terminal device) or "tcp://host:port", an IPv6 host in brackets. Null when it
// is neither; `why` then says what was expected. Opens nothing yet.
std::unique_ptr<ByteStream> make_stream(boost::asio::io_context& io, const std::string& device,
                                        const StreamSettings& settings, std::string& why);

}  // namespace sl::wire
