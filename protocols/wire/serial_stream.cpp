#include "protocols/wire/serial_stream.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sl::wire {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// The slaves of Unix 98 pseudo-terminals have the major numbers 136 to 143 (kernel, devices.txt).
bool is_pseudo_terminal(int fd) noexcept {
    struct stat node {};
    if (::fstat(fd, &node) != 0) {
        return false;
    }
    const unsigned number = major(node.st_rdev);
    return number >= 136 && number <= 143;
}

struct Rate {
    std::uint32_t baud;
    speed_t speed;
};
constexpr std::array<Rate, 11> rates{{{600, B600},
                                      {1200, B1200},
                                      {1800, B1800},
                                      {2400, B2400},
                                      {4800, B4800},
                                      {9600, B9600},
                                      {19200, B19200},
                                      {38400, B38400},
                                      {57600, B57600},
                                      {115200, B115200},
                                      {230400, B230400}}};

const Rate* find_rate(std::uint32_t baud) noexcept {
    for (const auto& rate : rates) {
        if (rate.baud == baud) {
            return &rate;
        }
    }
    return nullptr;
}

error_code last_error() noexcept {
    return {errno, boost::system::system_category()};
}

// Raw: no echo, no translation, no flow control; a framing or parity error gives a byte (0) that the checksum
// will reject, because dropping bytes silently would shift a frame.
error_code apply(int fd, const LineFormat& format) noexcept {
    const auto* rate = find_rate(format.baud);
    const bool sound =
        (format.data_bits == 7 || format.data_bits == 8) && (format.stop_bits == 1 || format.stop_bits == 2);
    if (rate == nullptr || !sound) {
        return asio::error::make_error_code(asio::error::invalid_argument);
    }
    termios port{};
    if (::tcgetattr(fd, &port) != 0) {
        return last_error();
    }
    ::cfmakeraw(&port);
    port.c_iflag |= INPCK;
    port.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
    port.c_cflag |= CLOCAL | CREAD | (format.data_bits == 7 ? CS7 : CS8);
    if (format.parity != Parity::none) {
        port.c_cflag |= PARENB;
    }
    if (format.parity == Parity::odd) {
        port.c_cflag |= PARODD;
    }
    if (format.stop_bits == 2) {
        port.c_cflag |= CSTOPB;
    }
    port.c_cc[VMIN] = 1;
    port.c_cc[VTIME] = 0;
    ::cfsetispeed(&port, rate->speed);
    ::cfsetospeed(&port, rate->speed);
    // The C library says EINVAL when parity was not granted. Pseudo-terminals have none and serve all the
    // same.
    if (::tcsetattr(fd, TCSANOW, &port) != 0 && !(errno == EINVAL && is_pseudo_terminal(fd))) {
        return last_error();
    }
    // It succeeds when any part of the wish was granted.
    termios got{};
    if (::tcgetattr(fd, &got) != 0) {
        return last_error();
    }
    if (::cfgetospeed(&got) != rate->speed) {
        return asio::error::make_error_code(asio::error::operation_not_supported);
    }
    return {};
}

class SerialStream final : public ByteStream {
  public:
    SerialStream(asio::io_context& io, std::string path, StreamSettings settings)
        : path_(std::move(path)), settings_(settings), descriptor_(io) {}

    asio::awaitable<error_code> open() override;
    void close() noexcept override;
    bool paced() const noexcept override { return true; }
    error_code set_format(const LineFormat& format) override {
        return apply(descriptor_.native_handle(), format);
    }
    std::size_t output_pending() noexcept override;
    Result<std::size_t> write_now(std::span<const std::uint8_t> bytes) override;
    Result<std::size_t> read_now(std::span<std::uint8_t> into) override;
    asio::awaitable<Result<std::size_t>> read_some(std::span<std::uint8_t> into) override;
    asio::awaitable<error_code> wait_writable() override;
    void cancel() noexcept override;

  private:
    error_code prepare(int fd) const noexcept;
    std::string path_;
    StreamSettings settings_;
    asio::posix::stream_descriptor descriptor_;
};

error_code SerialStream::prepare(int fd) const noexcept {
    if (::isatty(fd) != 1) return last_error();
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        // "try again" would be the kernel's word for it.
        return errno == EWOULDBLOCK ? make_error_code(boost::system::errc::device_or_resource_busy)
                                    : last_error();
    }
    if (::ioctl(fd, TIOCEXCL) != 0) return last_error();
    if (settings_.rs485) {
        serial_rs485 mode{};
        mode.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
        // A transceiver that switches by itself needs no help: a driver that cannot is no error.
        static_cast<void>(::ioctl(fd, TIOCSRS485, &mode));
    }
    if (const auto refused = apply(fd, LineFormat{})) {
        return refused;
    }
    ::tcflush(fd, TCIOFLUSH);
    return {};
}

asio::awaitable<error_code> SerialStream::open() {
    close();
    const int fd = ::open(path_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        co_return last_error();
    }
    auto failed = prepare(fd);
    if (!failed) {
        descriptor_.assign(fd, failed);
    }
    if (failed) {
        ::close(fd);
    }
    co_return failed;
}

void SerialStream::close() noexcept {
    if (descriptor_.is_open()) {
        const int fd = descriptor_.native_handle();
        ::tcflush(fd, TCIOFLUSH);  // else close() waits for bytes that a dead line never takes
        static_cast<void>(::ioctl(fd, TIOCNXCL));
        error_code ignored;
        descriptor_.close(ignored);
    }
}

std::size_t SerialStream::output_pending() noexcept {
    int pending = 0;
    const bool known = ::ioctl(descriptor_.native_handle(), TIOCOUTQ, &pending) == 0 && pending > 0;
    return known ? static_cast<std::size_t>(pending) : 0;
}

Result<std::size_t> SerialStream::write_now(std::span<const std::uint8_t> bytes) {
    const auto taken = ::write(descriptor_.native_handle(), bytes.data(), bytes.size());
    if (taken >= 0) {
        return static_cast<std::size_t>(taken);
    }
    if (errno == EAGAIN || errno == EINTR) {
        return std::size_t{0};
    }
    return last_error();
}

Result<std::size_t> SerialStream::read_now(std::span<std::uint8_t> into) {
    const auto got = ::read(descriptor_.native_handle(), into.data(), into.size());
    if (got > 0) {
        return static_cast<std::size_t>(got);
    }
    if (got == 0) {
        return asio::error::make_error_code(asio::error::eof);  // VMIN is 1: the device has gone
    }
    if (errno == EAGAIN || errno == EINTR) {
        return std::size_t{0};
    }
    return last_error();
}

asio::awaitable<Result<std::size_t>> SerialStream::read_some(std::span<std::uint8_t> into) {
    error_code failed;
    const auto buffer = asio::buffer(into.data(), into.size());
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    const auto got = co_await descriptor_.async_read_some(buffer, token);
    if (failed) {
        co_return failed;
    }
    co_return got;
}

asio::awaitable<error_code> SerialStream::wait_writable() {
    error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_write, token);
    co_return failed;
}

void SerialStream::cancel() noexcept {
    error_code ignored;
    descriptor_.cancel(ignored);
}

}  // namespace

std::unique_ptr<ByteStream> make_serial_stream(asio::io_context& io, std::string path,
                                               StreamSettings settings) {
    return std::make_unique<SerialStream>(io, std::move(path), settings);
}

bool serial_rate_known(std::uint32_t baud) noexcept {
    return find_rate(baud) != nullptr;
}

}  // namespace sl::wire
