#include "tests/sim/ports.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace sl::sim {

ControlSocket::ControlSocket(Loop& loop, std::string path, OnLine on_line)
    : loop_(loop),
      path_(std::move(path)),
      on_line_(std::move(on_line)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path)
        throw std::runtime_error("control socket: path too long: " + path_);
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    ::unlink(path_.c_str());
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 8) != 0) {
        throw std::system_error(errno, std::generic_category(), path_);
    }
    loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_one(); });
}

ControlSocket::~ControlSocket() {
    for (auto& [fd, client] : clients_)
        loop_.forget(fd);
    loop_.forget(listener_.get());
    ::unlink(path_.c_str());
}

void ControlSocket::accept_one() {
    Fd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!fd) return;
    const int number = fd.get();
    clients_[number].fd = std::move(fd);
    loop_.watch(number, EPOLLIN, [this, number](std::uint32_t) { on_client(number); });
}

void ControlSocket::on_client(int fd) {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        loop_.forget(fd);
        clients_.erase(fd);
        return;
    }
    std::string& received = clients_[fd].received;
    received.append(chunk.data(), static_cast<std::size_t>(got));
    for (auto end = received.find('\n'); end != std::string::npos; end = received.find('\n')) {
        const std::string line = received.substr(0, end);
        received.erase(0, end + 1);
        std::string answer = on_line_(line) + "\n";
        // The client waits for it: a blocking send is right, and small.
        for (std::size_t sent = 0; sent < answer.size();) {
            const ssize_t n = ::send(fd, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) break;
            sent += static_cast<std::size_t>(n);
        }
    }
}

}  // namespace sl::sim
