// The command line's side of the local API: one request, or one event stream, over the Unix socket.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sl::local {

struct HttpReply {
    int status = 0;
    std::string body;
};

// What a server's bytes say; nullopt while they are incomplete. `ended`: no more will come.
std::optional<HttpReply> parse_reply(std::string_view bytes, bool ended);

// Cuts Server-Sent Events out of a stream of bytes.
class EventReader {
  public:
    using OnEvent = std::function<void(std::string_view event, std::string_view data)>;
    explicit EventReader(OnEvent on_event) : on_event_(std::move(on_event)) {}
    void feed(std::string_view bytes);

  private:
    void take_line(std::string_view line);
    OnEvent on_event_;
    std::string pending_, event_, data_;
};

class Client {
  public:
    explicit Client(std::string socket_path) : path_(std::move(socket_path)) {}

    // nullopt with the reason in error() when the daemon cannot be reached or does not answer in time.
    std::optional<HttpReply> call(std::string_view method, std::string_view target, std::string_view body,
                                  std::chrono::seconds patience);
    // Follows events until the daemon closes; false when it could not be reached or refused (see error()).
    bool follow(std::string_view target, const EventReader::OnEvent& on_event);
    const std::string& error() const { return error_; }
    bool forbidden() const { return forbidden_; }  // by the mode of the socket's file or folder
    int refused() const { return refused_; }       // HTTP status when follow() was refused

  private:
    int open(std::string_view request, std::chrono::seconds patience);
    std::string path_, error_;
    int refused_ = 0;
    bool forbidden_ = false;
};

}  // namespace sl::local
