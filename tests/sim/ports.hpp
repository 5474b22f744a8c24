// The descriptors behind a line.
#pragma once

#include "tests/sim/line.hpp"

#include <map>
#include <memory>
#include <string>

namespace sl::sim {

class Port {
  public:
    Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    virtual ~Port() = default;
    virtual void plug() = 0;
    virtual void unplug() = 0;
    virtual std::string where() const = 0;  // "/tmp/x/lamps" or "tcp://127.0.0.1:15020"
    virtual int tcp_port() const { return 0; }
};

// A pty or a loopback listener, as the line's spec says. Opened at once.
std::unique_ptr<Port> make_port(Loop& loop, Line& line);

// A listener on a Unix socket with one line in, one line out; the answer of `on_line` is sent back.
class ControlSocket {
  public:
    using OnLine = std::function<std::string(const std::string&)>;
    ControlSocket(Loop& loop, std::string path, OnLine on_line);
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    ~ControlSocket();

  private:
    struct Client {
        Fd fd;
        std::string received;
    };
    void accept_one();
    void on_client(int fd);

    Loop& loop_;
    std::string path_;
    OnLine on_line_;
    Fd listener_;
    std::map<int, Client> clients_;
};

}  // namespace sl::sim
