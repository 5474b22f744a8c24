#include "tests/sim/ports.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <termios.h>
#include <unistd.h>

#include <fmt/format.h>

namespace sl::sim {

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// Appends what can be read now. False when the peer is gone.
bool read_into(int fd, std::vector<std::uint8_t>& to) {
    static std::array<std::uint8_t, 65'536> chunk;
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got > 0) to.insert(to.end(), chunk.begin(), chunk.begin() + got);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

class PtyEndpoint : public Endpoint {
  public:
    explicit PtyEndpoint(Fd master) : master_(std::move(master)) {}
    void send(std::span<const std::uint8_t> bytes) override {
        // Nobody reading for so long that the buffer is full: a real wire would lose the bytes too.
        [[maybe_unused]] const auto written = ::write(master_.get(), bytes.data(), bytes.size());
    }
    int fd() const { return master_.get(); }

  private:
    Fd master_;
};

class PtyPort : public Port {
  public:
    PtyPort(Loop& loop, Line& line) : loop_(loop), line_(line) { plug(); }
    ~PtyPort() override { unplug(); }

    void plug() override {
        if (endpoint_) return;
        Fd master{posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
        if (!master || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0) fail("pty");
        const std::string device = ptsname(master.get());
        // Held open so that the master survives a client that closes.
        slave_ = Fd{::open(device.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
        termios raw{};
        if (!slave_ || tcgetattr(slave_.get(), &raw) != 0) fail(device);
        cfmakeraw(&raw);
        tcsetattr(slave_.get(), TCSANOW, &raw);
        ::unlink(line_.spec().pty.c_str());
        if (::symlink(device.c_str(), line_.spec().pty.c_str()) != 0) fail(line_.spec().pty);
        endpoint_ = std::make_shared<PtyEndpoint>(std::move(master));
        line_.open(endpoint_);
        loop_.watch(endpoint_->fd(), EPOLLIN, [this](std::uint32_t) { on_ready(); });
    }

    void unplug() override {
        if (!endpoint_) return;
        loop_.forget(endpoint_->fd());
        ::unlink(line_.spec().pty.c_str());
        endpoint_.reset();
        slave_.reset();
    }

    std::string where() const override { return line_.spec().pty; }

  private:
    void on_ready() {
        const auto keep = endpoint_;  // a command behind the answer may unplug us
        if (read_into(keep->fd(), keep->received)) line_.on_serial(*keep);
    }

    Loop& loop_;
    Line& line_;
    Fd slave_;
    std::shared_ptr<PtyEndpoint> endpoint_;
};

class Connection : public Endpoint {
  public:
    Connection(Loop& loop, Fd fd) : loop_(loop), fd_(std::move(fd)) {}
    ~Connection() override { loop_.forget(fd_.get()); }
    int fd() const { return fd_.get(); }

    void send(std::span<const std::uint8_t> bytes) override {
        std::size_t sent = 0;
        if (unsent_.empty()) {
            const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN && errno != EINTR) return;  // the read side will notice
            sent = static_cast<std::size_t>(n > 0 ? n : 0);
            if (sent == bytes.size()) return;
            loop_.rewatch(fd_.get(), EPOLLIN | EPOLLOUT);
        }
        unsent_.insert(unsent_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(sent), bytes.end());
    }

    void flush() {
        const ssize_t n = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + n);
        if (unsent_.empty()) loop_.rewatch(fd_.get(), EPOLLIN);
    }

  private:
    Loop& loop_;
    Fd fd_;
    std::vector<std::uint8_t> unsent_;
};

class TcpPort : public Port {
  public:
    TcpPort(Loop& loop, Line& line) : loop_(loop), line_(line), port_(line.spec().tcp_port) { plug(); }
    ~TcpPort() override { unplug(); }

    void plug() override {
        if (listener_) return;
        listener_ = Fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        const int yes = 1;
        ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port_));
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
            ::getsockname(listener_.get(), generic, &size) != 0) {
            fail(fmt::format("tcp port {}", port_));
        }
        port_ = ntohs(address.sin_port);
        loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_one(); });
    }

    void unplug() override {
        if (!listener_) return;
        loop_.forget(listener_.get());
        listener_.reset();
        connections_.clear();
    }

    std::string where() const override { return fmt::format("tcp://127.0.0.1:{}", port_); }
    int tcp_port() const override { return port_; }

  private:
    void accept_one() {
        Fd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!fd) return;
        const int yes = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        const auto connection = std::make_shared<Connection>(loop_, std::move(fd));
        line_.open(connection);
        connections_[connection->fd()] = connection;
        Connection* raw = connection.get();
        loop_.watch(connection->fd(), EPOLLIN, [this, raw](std::uint32_t events) { on_ready(*raw, events); });
    }

    void on_ready(Connection& connection, std::uint32_t events) {
        const auto keep = connection.shared_from_this();
        if ((events & EPOLLOUT) != 0) connection.flush();
        if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
        if (!read_into(connection.fd(), connection.received)) {
            connections_.erase(connection.fd());
        } else if (line_.spec().rtu_over_tcp) {
            line_.on_serial(connection);
        } else {
            line_.on_mbap(connection);
        }
    }

    Loop& loop_;
    Line& line_;
    int port_;
    Fd listener_;
    std::map<int, std::shared_ptr<Connection>> connections_;
};

}  // namespace

std::unique_ptr<Port> make_port(Loop& loop, Line& line) {
    if (line.spec().pty.empty()) return std::make_unique<TcpPort>(loop, line);
    return std::make_unique<PtyPort>(loop, line);
}

}  // namespace sl::sim
