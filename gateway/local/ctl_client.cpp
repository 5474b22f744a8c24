#include "gateway/local/ctl_client.hpp"

#include "gateway/local/socket_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace sl::local {
namespace {

constexpr std::size_t most_bytes = 64U << 20U;  // an answer beyond this is not one of ours

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == y; });
}

// The number in a header like "Content-Length: 12"; `name` in lower case.
std::optional<std::size_t> header_number(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const std::size_t end = std::min(head.find("\r\n"), head.size());
        std::string_view line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        if (line.size() <= name.size() || line[name.size()] != ':' ||
            !same_word(line.substr(0, name.size()), name))
            continue;
        line.remove_prefix(name.size() + 1);
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        std::size_t number = 0;
        if (std::from_chars(line.data(), line.data() + line.size(), number).ec == std::errc{}) return number;
    }
    return std::nullopt;
}

std::optional<int> status_of(std::string_view bytes) {
    int status = 0;
    if (bytes.size() < 12 || !bytes.starts_with("HTTP/1.")) return std::nullopt;
    const std::string_view digits = bytes.substr(9, 3);
    if (std::from_chars(digits.data(), digits.data() + 3, status).ec != std::errc{}) return std::nullopt;
    return status;
}

class Handle {
  public:
    explicit Handle(int number) : number_(number) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (number_ >= 0) ::close(number_);
    }
    int operator*() const { return number_; }

  private:
    int number_;
};

bool send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

// Appends what has come; false at the end, or when it failed (errno is then set, else 0).
bool receive(int socket, std::string& bytes) {
    std::array<char, 16'384> chunk{};
    ssize_t size = 0;
    do {
        size = ::recv(socket, chunk.data(), chunk.size(), 0);
    } while (size < 0 && errno == EINTR);
    if (size == 0) errno = 0;
    if (size <= 0) return false;
    bytes.append(chunk.data(), static_cast<std::size_t>(size));
    return true;
}

}  // namespace

std::optional<HttpReply> parse_reply(std::string_view bytes, bool ended) {
    const std::size_t end = bytes.find("\r\n\r\n");
    const auto status = status_of(bytes);
    if (end == std::string_view::npos || !status) return std::nullopt;
    const auto length = header_number(bytes.substr(0, end), "content-length");
    const std::string_view body = bytes.substr(end + 4);
    if (length ? body.size() < *length : !ended) return std::nullopt;
    return HttpReply{*status, std::string{body.substr(0, length.value_or(body.size()))}};
}

void EventReader::feed(std::string_view bytes) {
    pending_ += bytes;
    std::size_t start = 0;
    for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', start)) {
        take_line(std::string_view{pending_}.substr(start, end - start));
        start = end + 1;
    }
    pending_.erase(0, start);
}

void EventReader::take_line(std::string_view line) {
    constexpr std::string_view event = "event: ";
    constexpr std::string_view data = "data: ";
    if (line.starts_with(event)) {
        event_ = line.substr(event.size());
    } else if (line.starts_with(data)) {
        data_ = line.substr(data.size());
    } else if (line.empty() && !event_.empty()) {
        on_event_(event_, data_);
        event_.clear();
        data_.clear();
    }
}

int Client::open(std::string_view request, std::chrono::seconds patience) {
    const int socket = connect_to(path_);
    if (socket < 0) {
        forbidden_ = errno == EACCES || errno == EPERM;
        error_ = "cannot reach the gateway at " + path_ + ": " + std::strerror(errno);
        return -1;
    }
    const timeval limit{static_cast<time_t>(patience.count()), 0};
    if (patience.count() > 0) ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (send_all(socket, request)) return socket;
    error_ = "the gateway closed the connection";
    ::close(socket);
    return -1;
}

std::optional<HttpReply> Client::call(std::string_view method, std::string_view target, std::string_view body,
                                      std::chrono::seconds patience) {
    std::string request;
    request.append(method).append(" ").append(target).append(
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if (!body.empty()) {
        request.append("Content-Type: application/json\r\nContent-Length: ")
            .append(std::to_string(body.size()))
            .append("\r\n");
    }
    request.append("\r\n").append(body);
    const Handle socket(open(request, patience));
    if (*socket < 0) return std::nullopt;
    std::string bytes;
    while (bytes.size() < most_bytes) {
        const bool more = receive(*socket, bytes);
        if (auto reply = parse_reply(bytes, !more)) return reply;
        if (more) continue;
        error_ = errno == EAGAIN ? "the gateway did not answer in time" : "the gateway broke off its answer";
        return std::nullopt;
    }
    error_ = "the answer is too long";
    return std::nullopt;
}

bool Client::follow(std::string_view target, const EventReader::OnEvent& on_event) {
    const std::string request = "GET " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const Handle socket(open(request, std::chrono::seconds{60}));  // there is a heartbeat every 15 s
    if (*socket < 0) return false;
    std::string bytes;
    while (bytes.find("\r\n\r\n") == std::string::npos)
        if (!receive(*socket, bytes)) break;
    const int status = status_of(bytes).value_or(0);
    if (status != 200) {
        refused_ = status;
        error_ = bytes.substr(std::min(bytes.find("\r\n\r\n"), bytes.size()));
        return false;
    }
    EventReader reader(on_event);
    reader.feed(std::string_view{bytes}.substr(bytes.find("\r\n\r\n") + 4));
    for (bytes.clear(); receive(*socket, bytes); bytes.clear())
        reader.feed(bytes);
    error_ = "the gateway ended the stream";
    return true;
}

}  // namespace sl::local
