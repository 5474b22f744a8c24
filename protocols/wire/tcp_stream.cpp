#include "protocols/wire/tcp_stream.hpp"

#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sl::wire {
namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

error_code last_error() noexcept {
    return {errno, boost::system::system_category()};
}

class TcpStream final : public ByteStream {
  public:
    TcpStream(asio::io_context& io, std::string host, std::string port)
        : host_(std::move(host)), port_(std::move(port)), resolver_(io), socket_(io) {}

    asio::awaitable<error_code> open() override;
    void close() noexcept override;
    bool paced() const noexcept override { return false; }
    error_code set_format(const LineFormat& /*format*/) override { return {}; }
    std::size_t output_pending() noexcept override { return 0; }
    Result<std::size_t> write_now(std::span<const std::uint8_t> bytes) override;
    Result<std::size_t> read_now(std::span<std::uint8_t> into) override;
    asio::awaitable<Result<std::size_t>> read_some(std::span<std::uint8_t> into) override;
    asio::awaitable<error_code> wait_writable() override;
    void cancel() noexcept override;

  private:
    asio::awaitable<error_code> connect();
    void tune() noexcept;

    std::string host_, port_;
    Tcp::resolver resolver_;
    Tcp::socket socket_;
};

// Requests are one small segment each and must leave at once. A peer that vanishes without a word is noticed
// within about 15 s: by the user timeout when requests stay unacknowledged, by keepalive when the line is
// idle.
void TcpStream::tune() noexcept {
    error_code ignored;
    socket_.set_option(Tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    using Idle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
    using Every = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
    using Times = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
    socket_.set_option(Idle(5), ignored);
    socket_.set_option(Every(3), ignored);
    socket_.set_option(Times(3), ignored);
    using Unacknowledged = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
    socket_.set_option(Unacknowledged(15'000), ignored);
    socket_.native_non_blocking(true, ignored);
}

asio::awaitable<error_code> TcpStream::connect() {
    error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    error_code is_name;
    const auto numeric = asio::ip::make_address(host_, is_name);
    if (!is_name) {
        const auto port = static_cast<std::uint16_t>(std::stoul(port_));
        const Tcp::endpoint peer(numeric, port);
        co_await socket_.async_connect(peer, token);
        co_return failed;
    }
    const auto peers = co_await resolver_.async_resolve(host_, port_, token);
    if (!failed) {
        co_await asio::async_connect(socket_, peers, token);
    }
    co_return failed;
}

asio::awaitable<error_code> TcpStream::open() {
    close();
    const auto failed = co_await connect();
    if (!failed) {
        tune();
    }
    co_return failed;
}

void TcpStream::close() noexcept {
    error_code ignored;
    resolver_.cancel();
    socket_.close(ignored);
}

Result<std::size_t> TcpStream::write_now(std::span<const std::uint8_t> bytes) {
    const auto taken =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken >= 0) {
        return static_cast<std::size_t>(taken);
    }
    if (errno == EAGAIN || errno == EINTR) {
        return std::size_t{0};
    }
    return last_error();
}

Result<std::size_t> TcpStream::read_now(std::span<std::uint8_t> into) {
    const auto got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
        return static_cast<std::size_t>(got);
    }
    if (got == 0) {
        return asio::error::make_error_code(asio::error::eof);
    }
    if (errno == EAGAIN || errno == EINTR) {
        return std::size_t{0};
    }
    return last_error();
}

asio::awaitable<Result<std::size_t>> TcpStream::read_some(std::span<std::uint8_t> into) {
    error_code failed;
    const auto buffer = asio::buffer(into.data(), into.size());
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    const auto got = co_await socket_.async_read_some(buffer, token);
    if (failed) {
        co_return failed;
    }
    co_return got;
}

asio::awaitable<error_code> TcpStream::wait_writable() {
    error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    co_await socket_.async_wait(Tcp::socket::wait_write, token);
    co_return failed;
}

// Also ends a name look-up or a connection attempt.
void TcpStream::cancel() noexcept {
    error_code ignored;
    resolver_.cancel();
    socket_.cancel(ignored);
}

}  // namespace

std::unique_ptr<ByteStream> make_tcp_stream(asio::io_context& io, std::string host, std::string port) {
    return std::make_unique<TcpStream>(io, std::move(host), std::move(port));
}

}  // namespace sl::wire
