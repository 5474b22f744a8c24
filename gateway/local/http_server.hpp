// HTTP/1.1 on a Unix socket, with Server-Sent Events. Knows nothing of lamps: requests go to a Handler, live
// messages come in through publish(). Lives on the reactor thread; reads no clock: the owner calls tick().
#pragma once

#include "gateway/local/peer.hpp"
#include "gateway/local/request.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace sl::local {

struct HttpLimits {
    std::uint32_t header_bytes = 8'192;
    std::uint64_t body_bytes = 65'536;
    std::size_t connections = 64;
    std::size_t event_streams = 32;       // of the connections
    std::size_t event_history = 1'024;    // messages kept for Last-Event-ID
    std::size_t event_backlog = 262'144;  // bytes a slow listener may owe before it is dropped
    std::chrono::seconds request{10};     // from the first byte, or from the connect, to the last byte
    std::chrono::seconds idle{60};        // kept alive between requests
    std::chrono::seconds answer{600};     // a command may wait for many lamps
    std::chrono::seconds write{20};
    std::chrono::seconds heartbeat{15};  // comment line on a quiet event stream
};

struct HttpOptions {
    std::string socket_path;
    std::string events_path = "/api/v1/events";
    // Prefix of event ids: tells a reconnecting listener of a former process that it missed something.
    std::string instance;
    HttpLimits limits;
};

class HttpServer {
  public:
    // `roles` decides what a peer may do; the event stream itself needs Role::view.
    HttpServer(boost::asio::io_context& context, HttpOptions options, Roles roles, Handler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    // Binds and listens; mode 0660. A socket file left by a dead process is replaced, one with a listener or
    // a file that is no socket is not. On failure `why` says so and what to do.
    bool start(site::MonoTime now, std::string& why);
    // Closes everything and removes the socket file.
    void stop();

    // Sends one message to all listeners of `topic` (letters, digits, '-', '.') and keeps it for those who
    // come back. `json` is one line.
    void publish(std::string_view topic, std::string_view json);

    // To be called about once a second: closes what has waited too long, sends heartbeats.
    void tick(site::MonoTime now);

    std::size_t connections() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sl::local
