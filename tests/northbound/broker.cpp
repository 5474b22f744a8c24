#include "tests/northbound/broker.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

namespace sl::northbound::test {
namespace fs = std::filesystem;

Child::Child(const std::vector<std::string>& arguments, const fs::path& output) {
    std::vector<char*> argv;
    for (const auto& a : arguments)
        argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int out = ::open(output.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
}
void Child::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
}
int Child::wait() {
    int status = -1;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
}
Child::~Child() {
    signal(SIGKILL);
    wait();
}

TempDir::TempDir() {
    auto pattern = (fs::temp_directory_path() / "sl_mqtt_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
    path_ = pattern;
}
TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}
void TempDir::write(const std::string& name, const std::string& text) const {
    std::ofstream{path_ / name} << text;
}
std::string TempDir::read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream{path_ / name}.rdbuf();
    return out.str();
}

namespace {
sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}
}  // namespace

int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

bool accepts(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    const bool ok = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return ok;
}

Broker::Broker(const TempDir& dir, const std::string& extra) : dir_(dir), port_(free_port()) {
    dir_.write("mosquitto.conf", "listener " + std::to_string(port_) + " 127.0.0.1\nuser root\n" + extra);
}

void Broker::start() {
    child_ = std::make_unique<Child>(
        std::vector<std::string>{"/usr/sbin/mosquitto", "-v", "-c", dir_.file("mosquitto.conf")},
        dir_.path() / "mosquitto.log");
    for (int i = 0; i < 200; ++i) {
        if (accepts(port_)) return;
        ::poll(nullptr, 0, 25);
    }
    throw std::runtime_error{"mosquitto did not start: " + dir_.read("mosquitto.log")};
}

void Broker::kill() {
    child_.reset();
}

TimerId RealReactor::after(std::chrono::milliseconds delay, std::function<void()> task) {
    const auto id = next_++;
    auto& timer = timers_[id] = std::make_unique<boost::asio::steady_timer>(io_, delay);
    timer->async_wait([this, id, task = std::move(task)](const boost::system::error_code& error) {
        if (error) return;
        timers_.erase(id);
        task();
    });
    return id;
}

void RealReactor::post(std::function<void()> task) {
    boost::asio::post(io_, std::move(task));
}

bool RealReactor::until(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
    const auto end = now() + patience;
    while (!condition()) {
        if (now() >= end) return false;
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds{20});
    }
    return true;
}

int run(const std::vector<std::string>& arguments, const fs::path& output) {
    return Child{arguments, output}.wait();
}

namespace {

void openssl(const TempDir& dir, const std::string& arguments) {
    std::istringstream words{arguments};
    std::vector<std::string> argv{"/usr/bin/openssl"};
    for (std::string word; words >> word;)
        argv.push_back(word.starts_with('@') ? dir.file(word.substr(1)) : word);
    if (run(argv, dir.path() / "openssl.log") != 0)
        throw std::runtime_error{"openssl failed: " + dir.read("openssl.log")};
}

void issue(const TempDir& dir, const std::string& name, const std::string& common_name,
           const std::string& san, const std::string& dates) {
    openssl(dir, "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @" + name + ".key -out @" +
                     name + ".csr -subj /CN=" + common_name);
    dir.write(name + ".ext", san.empty() ? "basicConstraints=CA:FALSE\n" : "subjectAltName=" + san + "\n");
    openssl(dir, "x509 -req -in @" + name + ".csr -CA @ca.crt -CAkey @ca.key -CAcreateserial -out @" + name +
                     ".crt -extfile @" + name + ".ext " + dates);
}

}  // namespace

void make_certificates(const TempDir& dir) {
    openssl(dir,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @ca.key -out @ca.crt -subj "
            "/CN=test-ca -days 30");
    issue(dir, "server", "localhost", "DNS:localhost,IP:127.0.0.1", "-days 10");
    issue(dir, "elsewhere", "elsewhere.example", "DNS:elsewhere.example", "-days 10");
    issue(dir, "client", "JZ-0237", {}, "-days 10");
    issue(dir, "old", "localhost", "DNS:localhost,IP:127.0.0.1", "-days -1");
    issue(dir, "oldclient", "JZ-0237", {}, "-days -1");
}

}  // namespace sl::northbound::test
