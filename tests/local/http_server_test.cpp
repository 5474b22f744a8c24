// The server over a real Unix socket, with the time in the test's hands.
#include "gateway/local/http_server.hpp"

#include "gateway/local/socket_file.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

namespace sl::local {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::chrono::seconds patience{20};

// A client that collects everything it gets.
class Client {
  public:
    Client(asio::io_context& context, const std::string& path) : socket_(context) {
        socket_.connect(asio::local::stream_protocol::endpoint{path});
        receive();
    }
    void send(std::string text) {
        sent_ = std::move(text);
        asio::async_write(socket_, asio::buffer(sent_), [](const auto&, std::size_t) {});
    }
    std::string got;
    bool closed = false;

  private:
    void receive() {
        socket_.async_read_some(asio::buffer(chunk_), [this](const auto& error, std::size_t size) {
            if (error) {
                closed = true;
                return;
            }
            got.append(chunk_.data(), size);
            receive();
        });
    }
    asio::local::stream_protocol::socket socket_;
    std::string sent_;
    std::array<char, 4'096> chunk_{};
};

struct Server : testing::Test {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("sl_http_" + std::to_string(::getpid()));
    asio::io_context context;
    HttpOptions options;
    Handler handler = [](const Request& request, const Reply& reply) {
        reply({200, request.method + " " + request.path + " [" + request.query + "] " + request.body + "\n",
               ""});
    };
    site::MonoTime now{1'000'000s};
    std::unique_ptr<HttpServer> server;

    void SetUp() override {
        std::filesystem::create_directories(folder);
        options.socket_path = (folder / "api.sock").string();
        options.instance = "7";
    }
    void TearDown() override {
        server.reset();
        context.poll();
        std::filesystem::remove_all(folder);
    }
    std::string start() {
        server =
            std::make_unique<HttpServer>(context, options, Roles("no-such", "no-such", "no-such"), handler);
        std::string why;
        return server->start(now, why) ? "" : why;
    }
    void run_until(const std::function<bool()>& done) {
        while (!done() && context.run_one_for(patience) > 0) {
        }
        EXPECT_TRUE(done());
    }
    void tick(std::chrono::seconds later) {
        now += later;
        server->tick(now);
        context.poll();
    }
};

TEST_F(Server, answers_requests_one_after_the_other_on_one_connection) {
    ASSERT_EQ(start(), "");
    Client client(context, options.socket_path);
    client.send("GET /api/v1/lamps?select=F1 HTTP/1.1\r\nHost: x\r\n\r\n");
    run_until([&] { return client.got.ends_with("[select=F1] \n"); });
    EXPECT_THAT(client.got, StartsWith("HTTP/1.1 200 OK\r\n"));
    client.got.clear();
    client.send("POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n{ab}");
    run_until([&] { return client.closed; });
    EXPECT_THAT(client.got, EndsWith("POST /c [] {ab}\n"));
}

TEST_F(Server, the_socket_is_0660_and_goes_with_the_server) {
    ASSERT_EQ(start(), "");
    struct stat info {};
    ASSERT_EQ(::stat(options.socket_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0660U);
    server.reset();
    EXPECT_FALSE(std::filesystem::exists(options.socket_path));
}

TEST_F(Server, a_socket_left_by_the_dead_is_replaced_and_a_living_one_is_not) {
    std::string why;
    const int dead = listen_on(options.socket_path, why);
    ASSERT_GE(dead, 0) << why;
    EXPECT_THAT(start(), HasSubstr("another process listens"));
    ::close(dead);
    EXPECT_EQ(start(), "");
    server.reset();
    std::ofstream(options.socket_path) << "precious";
    EXPECT_THAT(start(), HasSubstr("is not a socket"));
    EXPECT_TRUE(std::filesystem::exists(options.socket_path));
    options.socket_path = std::string(200, 'x');
    EXPECT_THAT(start(), HasSubstr("107"));
}

TEST_F(Server, too_much_and_nonsense_are_refused_in_words) {
    ASSERT_EQ(start(), "");
    const std::vector<std::pair<std::string, std::string>> cases{
        {"POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", "413"},
        {"GET / HTTP/1.1\r\nX: " + std::string(9'000, 'y') + "\r\n\r\n", "431"},
        {"\x16\x03\x01 this is no HTTP\r\n\r\n", "400"}};
    for (const auto& [request, code] : cases) {
        Client client(context, options.socket_path);
        client.send(request);
        run_until([&client] { return client.closed; });
        EXPECT_THAT(client.got, StartsWith("HTTP/1.1 " + code)) << request.substr(0, 40);
        EXPECT_THAT(client.got, HasSubstr(R"({"error":{"code":)"));
    }
}

TEST_F(Server, who_waits_too_long_with_his_request_is_dropped) {
    ASSERT_EQ(start(), "");
    Client client(context, options.socket_path);
    client.send("GET / HT");
    run_until([this] { return server->connections() == 1; });
    tick(options.limits.request);
    EXPECT_EQ(server->connections(), 1U);
    tick(1s);
    EXPECT_EQ(server->connections(), 0U);
    run_until([&] { return client.closed; });
}

TEST_F(Server, an_answer_may_come_later_or_too_late) {
    Reply later;
    handler = [&later](const Request&, const Reply& reply) { later = reply; };
    ASSERT_EQ(start(), "");
    Client client(context, options.socket_path);
    client.send("GET / HTTP/1.1\r\n\r\n");
    run_until([&] { return static_cast<bool>(later); });
    tick(300s);
    later({200, "first\n", ""});
    later({200, "second\n", ""});
    run_until([&] { return client.got.ends_with("first\n"); });
    EXPECT_THAT(client.got, Not(HasSubstr("second")));
    later = nullptr;
    client.send("GET / HTTP/1.1\r\n\r\n");
    run_until([&] { return static_cast<bool>(later); });
    tick(601s);
    run_until([&] { return client.closed; });
    later({200, "to nobody\n", ""});
}

TEST_F(Server, the_65th_connection_is_told_that_there_are_too_many) {
    options.limits.connections = 2;
    ASSERT_EQ(start(), "");
    Client first(context, options.socket_path);
    Client second(context, options.socket_path);
    run_until([this] { return server->connections() == 2; });
    Client third(context, options.socket_path);
    run_until([&] { return third.closed; });
    EXPECT_THAT(third.got, StartsWith("HTTP/1.1 503"));
    EXPECT_FALSE(first.closed);
}

TEST_F(Server, events_reach_those_who_asked_for_them_and_those_who_come_back) {
    ASSERT_EQ(start(), "");
    Client all(context, options.socket_path);
    Client alarms(context, options.socket_path);
    all.send("GET /api/v1/events HTTP/1.1\r\n\r\n");
    alarms.send("GET /api/v1/events?topics=alarm HTTP/1.1\r\n\r\n");
    run_until([&] { return !all.got.empty() && !alarms.got.empty(); });
    EXPECT_THAT(all.got, HasSubstr("text/event-stream"));
    server->publish("lamp", R"({"id":"L001"})");
    server->publish("alarm", R"({"id":"A"})");
    run_until([&] { return all.got.ends_with("id: 7-2\nevent: alarm\ndata: {\"id\":\"A\"}\n\n"); });
    run_until([&] { return alarms.got.ends_with("data: {\"id\":\"A\"}\n\n"); });
    EXPECT_THAT(alarms.got, Not(HasSubstr("L001")));

    Client back(context, options.socket_path);
    back.send("GET /api/v1/events HTTP/1.1\r\nLast-Event-ID: 7-1\r\n\r\n");
    run_until([&] { return back.got.ends_with("data: {\"id\":\"A\"}\n\n"); });
    EXPECT_THAT(back.got, Not(HasSubstr("L001")));
    Client stranger(context, options.socket_path);
    stranger.send("GET /api/v1/events HTTP/1.1\r\nLast-Event-ID: 6-900\r\n\r\n");
    run_until([&] { return stranger.got.ends_with("event: reset\ndata: {}\n\n"); });
}

TEST_F(Server, a_quiet_stream_has_a_heartbeat_and_never_times_out) {
    ASSERT_EQ(start(), "");
    Client client(context, options.socket_path);
    client.send("GET /api/v1/events HTTP/1.1\r\n\r\n");
    run_until([&] { return client.got.ends_with("retry: 3000\n\n"); });
    tick(14s);
    EXPECT_THAT(client.got, EndsWith("retry: 3000\n\n"));
    tick(1s);
    run_until([&] { return client.got.ends_with("\n\n:\n\n"); });
    tick(10'000s);
    EXPECT_FALSE(client.closed);
}

TEST_F(Server, a_listener_who_does_not_read_is_dropped) {
    options.limits.event_backlog = 50'000;
    ASSERT_EQ(start(), "");
    const int deaf = connect_to(options.socket_path);
    ASSERT_GE(deaf, 0);
    const std::string request = "GET /api/v1/events HTTP/1.1\r\n\r\n";
    ASSERT_EQ(::write(deaf, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    run_until([this] { return server->connections() == 1; });
    for (int i = 0; i < 1'000 && server->connections() == 1; ++i) {
        context.poll();
        server->publish("lamp", '"' + std::string(1'000, 'x') + '"');
    }
    EXPECT_EQ(server->connections(), 0U);
    ::close(deaf);
}

TEST(Roles, root_and_the_daemons_own_user_are_admin_and_groups_give_the_rest) {
    const Roles roles("daemon", "bin", "no-such-group");
    EXPECT_EQ(roles.of({0, {}}), Role::admin);
    EXPECT_EQ(roles.of({::geteuid(), {}}), Role::admin);
    EXPECT_EQ(roles.of({54'321, {7, 1}}), Role::view);  // Debian: daemon is 1, bin is 2
    EXPECT_EQ(roles.of({54'321, {1, 2}}), Role::operator_);
    EXPECT_EQ(roles.of({54'321, {7}}), Role::none);
}

}  // namespace
}  // namespace sl::local
