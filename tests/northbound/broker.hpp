// A real mosquitto on loopback for one test, a loop in real time, and an independent subscriber.
#pragma once

#include "gateway/northbound/reactor.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sl::northbound::test {

// A child process whose output goes to a file; ended by its id when this goes.
class Child {
  public:
    Child(const std::vector<std::string>& arguments, const std::filesystem::path& output);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    void signal(int number) const;
    int wait();

  private:
    pid_t pid_ = -1;
};

class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    const std::filesystem::path& path() const noexcept { return path_; }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    void write(const std::string& name, const std::string& text) const;
    std::string read(const std::string& name) const;

  private:
    std::filesystem::path path_;
};

int free_port();
bool accepts(int port);

class Broker {
  public:
    // `extra`: further lines of the configuration, "{port}" is replaced.
    explicit Broker(const TempDir& dir, const std::string& extra = "allow_anonymous true\n");
    void start();  // returns when it accepts connections
    void kill();   // SIGKILL: no farewell
    int port() const noexcept { return port_; }

  private:
    const TempDir& dir_;
    int port_;
    std::unique_ptr<Child> child_;
};

// The loop of a test with a real broker; time is the machine's.
class RealReactor final : public Reactor {
  public:
    site::MonoTime now() const override { return boost::asio::steady_timer::clock_type::now(); }
    TimerId after(std::chrono::milliseconds delay, std::function<void()> task) override;
    void cancel(TimerId id) override { timers_.erase(id); }
    void post(std::function<void()> task);
    // Runs the loop until `condition` holds; false after `patience`.
    bool until(const std::function<bool()>& condition,
               std::chrono::milliseconds patience = std::chrono::seconds{20});

  private:
    boost::asio::io_context io_;
    std::map<TimerId, std::unique_ptr<boost::asio::steady_timer>> timers_;
    TimerId next_ = 1;
};

// CA, a server certificate for localhost and 127.0.0.1, one for another name, client certificates.
void make_certificates(const TempDir& dir);
int run(const std::vector<std::string>& arguments, const std::filesystem::path& output);

}  // namespace sl::northbound::test
