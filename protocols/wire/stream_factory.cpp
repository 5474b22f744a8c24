#include "protocols/wire/stream_factory.hpp"

#include "protocols/wire/serial_stream.hpp"
#include "protocols/wire/tcp_stream.hpp"

#include <charconv>
#include <cstdint>
#include <string_view>

namespace sl::wire {
namespace {

bool is_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc() && stop == end && port != 0;
}

}  // namespace

std::unique_ptr<ByteStream> make_stream(boost::asio::io_context& io, const std::string& device,
                                        const StreamSettings& settings, std::string& why) {
    constexpr std::string_view scheme = "tcp://";
    const std::string_view text = device;
    if (text.starts_with('/')) {
        return make_serial_stream(io, device, settings);
    }
    const auto rest = text.starts_with(scheme) ? text.substr(scheme.size()) : std::string_view();
    const auto colon = rest.rfind(':');
    auto host = rest.substr(0, colon == std::string_view::npos ? 0 : colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        host = {};  // an IPv6 address without brackets: its end is anybody's guess
    }
    if (host.empty() || !is_port(rest.substr(colon + 1))) {
        why = "expected a device path such as /dev/ttyS1 or tcp://host:port";
        return nullptr;
    }
    return make_tcp_stream(io, std::string(host), std::string(rest.substr(colon + 1)));
}

}  // namespace sl::wire
