// A TCP connection: Modbus TCP, or a serial server that passes bytes through.
#pragma once

#include "protocols/wire/byte_stream.hpp"

#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace sl::wire {

std::unique_ptr<ByteStream> make_tcp_stream(boost::asio::io_context& io, std::string host, std::string port);

}  // namespace sl::wire
