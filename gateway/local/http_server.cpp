#include "gateway/local/http_server.hpp"

#include "gateway/local/event_ring.hpp"
#include "gateway/local/query.hpp"
#include "gateway/local/socket_file.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <set>
#include <unistd.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace sl::local {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Stream = asio::local::stream_protocol;

constexpr std::string_view event_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: "
    "close\r\n\r\n"
    "retry: 3000\n\n";
constexpr std::string_view busy_answer =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    R"({"error":{"code":"busy","message":"too many connections","hint":"close some, then try again"}})"
    "\n";

std::string error_body(std::string_view code, std::string_view message, std::string_view hint) {
    std::string out = R"({"error":{"code":")";
    out.append(code).append(R"(","message":")").append(message);
    return out.append(R"(","hint":")").append(hint).append("\"}}\n");
}

// The answer to what could not be read as a request; nullopt: just close.
std::optional<Response> answer_to(const error_code& error) {
    if (error == http::error::body_limit)
        return Response{413, error_body("too_large", "the body is too large", "64 KB are the limit"), ""};
    if (error == http::error::header_limit)
        return Response{431, error_body("too_large", "the header is too large", "8 KB are the limit"), ""};
    if (error.category() != http::make_error_code(http::error::end_of_stream).category()) return std::nullopt;
    if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
    return Response{400, error_body("bad_request", "this is not HTTP/1.1", "see the error log of the client"),
                    ""};
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
    class Connection;

    Impl(asio::io_context& context, HttpOptions given, Roles who, Handler what)
        : acceptor(context),
          options(std::move(given)),
          roles(who),
          handler(std::move(what)),
          ring(options.instance, options.limits.event_history) {}

    void accept();
    void welcome(Stream::socket socket);
    std::size_t listeners() const;
    void stop();

    Stream::acceptor acceptor;
    HttpOptions options;
    Roles roles;
    Handler handler;
    EventRing ring;
    std::set<std::shared_ptr<Connection>> connections;
    site::MonoTime now;  // as of the last tick
    bool accept_again = false;
};

// One peer: reads a request, hands it on, writes the answer, and again; or turns into an event stream.
class HttpServer::Impl::Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(std::shared_ptr<Impl> server, Stream::socket socket, Peer peer)
        : server_(std::move(server)),
          socket_(std::move(socket)),
          role_(server_->roles.of(peer)),
          user_(user_name(peer.uid)),
          buffer_(server_->options.limits.header_bytes + server_->options.limits.body_bytes) {}

    void read(std::chrono::seconds patience) {
        deadline_ = server_->now + patience;
        parser_.emplace();
        parser_->header_limit(limits().header_bytes);
        parser_->body_limit(limits().body_bytes);
        http::async_read(socket_, buffer_, *parser_,
                         [self = this->shared_from_this()](const error_code& error, std::size_t) {
                             self->on_request(error);
                         });
    }

    void close() {
        error_code ignored;
        socket_.close(ignored);
        server_->connections.erase(this->shared_from_this());
    }

    void tick() {
        if (server_->now > deadline_) {
            close();
        } else if (streaming_ && queue_.empty() && server_->now >= next_heartbeat_) {
            send_event(":\n\n");
        }
    }

    bool streaming() const { return streaming_; }

    void offer(const EventPtr& event) {
        if (streaming_ && filter_->wants(event->topic)) send_event(event->bytes);
    }

  private:
    const HttpLimits& limits() const { return server_->options.limits; }

    void on_request(const error_code& error) {
        if (!socket_.is_open()) return;
        if (error) {
            const auto answer = answer_to(error);
            keep_alive_ = false;
            return answer ? respond(*answer) : close();
        }
        const auto& message = parser_->get();
        keep_alive_ = message.keep_alive();
        Request request = to_request(message);
        if (request.path == server_->options.events_path && request.method == "GET")
            return start_events(request, std::string{message["Last-Event-ID"]});
        deadline_ = server_->now + limits().answer;
        const std::uint64_t turn = ++turn_;
        server_->handler(request, [self = this->shared_from_this(), turn](const Response& response) {
            // The peer may have gone meanwhile; a second answer to one request is dropped.
            if (self->socket_.is_open() && turn == self->turn_) self->respond(response);
        });
    }

    Request to_request(const http::request<http::string_body>& message) const {
        Request request;
        const std::string_view target{message.target().data(), message.target().size()};
        const std::size_t mark = std::min(target.find('?'), target.size());
        request.method = std::string{message.method_string()};
        request.path = target.substr(0, mark);
        if (mark < target.size()) request.query = target.substr(mark + 1);
        request.body = message.body();
        request.role = role_;
        request.user = user_;
        return request;
    }

    void respond(const Response& response) {
        ++turn_;
        deadline_ = server_->now + limits().write;
        answer_.emplace(static_cast<http::status>(response.status), 11);
        answer_->set(http::field::content_type, "application/json");
        answer_->set(http::field::cache_control, "no-store");
        if (!response.allow.empty()) answer_->set(http::field::allow, response.allow);
        answer_->body() = response.body;
        answer_->keep_alive(keep_alive_);
        answer_->prepare_payload();
        http::async_write(socket_, *answer_,
                          [self = this->shared_from_this()](const error_code& error, std::size_t) {
                              if (error || !self->keep_alive_ || !self->socket_.is_open()) {
                                  self->close();
                              } else {
                                  self->read(self->limits().idle);
                              }
                          });
    }

    void start_events(const Request& request, const std::string& last_event_id) {
        if (role_ == Role::none) {
            return respond({403,
                            error_body("not_permitted", "you may not read here",
                                       "ask an administrator to add you to the group for viewing"),
                            ""});
        }
        if (server_->listeners() >= limits().event_streams) {
            return respond(
                {503, error_body("busy", "too many event streams", "close some, then try again"), ""});
        }
        filter_.emplace(query_value(request.query, "topics").value_or(""));
        streaming_ = true;
        send_event(std::string{event_head});
        const auto missed = server_->ring.since(last_event_id);
        if (missed.gap) send_event(server_->ring.reset_event());
        for (const EventPtr& event : missed.events)
            offer(event);
        watch_for_end();
    }

    // A listener has nothing to say; reading only notices that it went away.
    void watch_for_end() {
        socket_.async_read_some(asio::buffer(waste_),
                                [self = this->shared_from_this()](const error_code& error, std::size_t) {
                                    if (error) {
                                        self->close();
                                    } else {
                                        self->watch_for_end();
                                    }
                                });
    }

    void send_event(std::string bytes) {
        owed_ += bytes.size();
        if (owed_ > limits().event_backlog) return close();
        queue_.push_back(std::move(bytes));
        if (queue_.size() == 1) write_next();
    }

    void write_next() {
        deadline_ = server_->now + limits().write;
        asio::async_write(socket_, asio::buffer(queue_.front()),
                          [self = this->shared_from_this()](const error_code& error, std::size_t) {
                              self->on_event_written(error);
                          });
    }

    void on_event_written(const error_code& error) {
        if (error || !socket_.is_open()) return close();
        owed_ -= queue_.front().size();
        queue_.pop_front();
        next_heartbeat_ = server_->now + limits().heartbeat;
        if (queue_.empty()) {
            deadline_ = site::MonoTime::max();
        } else {
            write_next();
        }
    }

    std::shared_ptr<Impl> server_;
    Stream::socket socket_;
    Role role_;
    std::string user_;
    boost::beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::optional<http::response<http::string_body>> answer_;
    bool keep_alive_ = false;
    std::uint64_t turn_ = 0;  // of the request being answered
    site::MonoTime deadline_;

    bool streaming_ = false;
    std::optional<TopicFilter> filter_;
    std::deque<std::string> queue_;
    std::size_t owed_ = 0;  // bytes in queue_
    site::MonoTime next_heartbeat_;
    std::array<char, 256> waste_{};
};

void HttpServer::Impl::accept() {
    acceptor.async_accept([self = shared_from_this()](const error_code& error, Stream::socket socket) {
        if (!self->acceptor.is_open()) return;
        if (error) {
            // Out of descriptors, most likely: the next tick tries again, instead of spinning here.
            self->accept_again = true;
            return;
        }
        self->welcome(std::move(socket));
        self->accept();
    });
}

void HttpServer::Impl::welcome(Stream::socket socket) {
    Peer peer;
    if (connections.size() >= options.limits.connections) {
        error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(busy_answer), ignored);
        return;
    }
    if (!peer_of(socket.native_handle(), peer)) return;
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket), std::move(peer));
    connections.insert(connection);
    connection->read(options.limits.request);
}

std::size_t HttpServer::Impl::listeners() const {
    std::size_t count = 0;
    for (const auto& connection : connections)
        count += connection->streaming() ? 1U : 0U;
    return count;
}

void HttpServer::Impl::stop() {
    if (!acceptor.is_open()) return;
    error_code ignored;
    acceptor.close(ignored);
    ::unlink(options.socket_path.c_str());
    const auto all = connections;
    for (const auto& connection : all)
        connection->close();
}

HttpServer::HttpServer(asio::io_context& context, HttpOptions options, Roles roles, Handler handler)
    : impl_(std::make_shared<Impl>(context, std::move(options), roles, std::move(handler))) {}

HttpServer::~HttpServer() {
    impl_->stop();
}

bool HttpServer::start(site::MonoTime now, std::string& why) {
    impl_->now = now;
    const int handle = listen_on(impl_->options.socket_path, why);
    if (handle < 0) return false;
    error_code error;
    impl_->acceptor.assign(Stream(), handle, error);
    if (error) {
        why = impl_->options.socket_path + ": " + error.message();
        ::close(handle);
        return false;
    }
    impl_->accept();
    return true;
}

void HttpServer::stop() {
    impl_->stop();
}

void HttpServer::publish(std::string_view topic, std::string_view json) {
    const EventPtr event = impl_->ring.add(topic, json);
    const auto all = impl_->connections;  // offer() may close one
    for (const auto& connection : all)
        connection->offer(event);
}

void HttpServer::tick(site::MonoTime now) {
    impl_->now = now;
    if (std::exchange(impl_->accept_again, false)) impl_->accept();
    const auto all = impl_->connections;
    for (const auto& connection : all)
        connection->tick();
}

std::size_t HttpServer::connections() const {
    return impl_->connections.size();
}

}  // namespace sl::local
