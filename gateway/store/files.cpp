#include "gateway/store/files.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace sl::store {

namespace fs = std::filesystem;

DirLock::~DirLock() {
    if (fd_ >= 0) ::close(fd_);
}

bool DirLock::take(const std::string& directory, std::string& why) {
    if (fd_ >= 0) return true;
    std::error_code ignored;
    fs::create_directories(directory, ignored);
    const std::string path = directory + "/lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        why = path + ": " + std::strerror(errno);
        return false;
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        why = directory + " is in use by another streetlightd";
        ::close(fd);
        return false;
    }
    fd_ = fd;
    return true;
}

// "streetlight-floor 1 <epoch> <boot> <next of each stream>"
std::optional<Floor> read_floor(const std::string& directory) {
    std::ifstream in{directory + "/floor"};
    std::string word;
    int version = 0;
    Floor floor;
    if (!(in >> word >> version >> floor.epoch >> floor.boot)) return std::nullopt;
    if (word != "streetlight-floor" || version != 1 || floor.epoch.size() != 26) return std::nullopt;
    for (std::int64_t& next : floor.next)
        if (!(in >> next)) return std::nullopt;
    return floor;
}

static bool write_synced(const std::string& path, const std::string& text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return false;
    const auto written = ::write(fd, text.data(), text.size());
    const bool ok = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    ::close(fd);
    return ok;
}

bool write_floor(const std::string& directory, const Floor& floor) {
    std::ostringstream text;
    text << "streetlight-floor 1 " << floor.epoch << ' ' << floor.boot;
    for (const std::int64_t next : floor.next)
        text << ' ' << next;
    text << '\n';
    const std::string path = directory + "/floor";
    if (!write_synced(path + ".new", text.str())) return false;
    if (::rename((path + ".new").c_str(), path.c_str()) != 0) return false;
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool ok = ::fsync(fd) == 0;
    ::close(fd);
    return ok;
}

void quarantine(const std::string& directory, const std::string& name) {
    const std::string path = directory + "/" + name;
    const std::string first = path + ".corrupt-1";
    const std::string second = path + ".corrupt-2";
    for (const char* tail : {"", "-wal"}) {
        ::rename((first + tail).c_str(), (second + tail).c_str());
        ::rename((path + tail).c_str(), (first + tail).c_str());
    }
    ::unlink((path + "-shm").c_str());
}

std::int64_t directory_bytes(const std::string& directory) noexcept {
    std::int64_t sum = 0;
    std::error_code error;
    for (fs::directory_iterator it{directory, error}, end; !error && it != end; it.increment(error))
        sum += file_bytes(it->path().string());
    return sum;
}

void trim_quarantine(const std::string& directory, std::int64_t max_bytes) {
    for (const char* number : {"2", "1"}) {
        for (const char* name : {"/queue.db", "/history.db"}) {
            if (directory_bytes(directory) <= max_bytes) return;
            const std::string path = directory + name + ".corrupt-" + number;
            ::unlink(path.c_str());
            ::unlink((path + "-wal").c_str());
        }
    }
}

void warm_log(const std::string& path, std::int64_t bytes) {
    const std::int64_t from = file_bytes(path);
    if (from >= bytes || !exists(path.substr(0, path.size() - 4))) return;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return;
    const std::string zeros(static_cast<std::size_t>(bytes - from), '\0');
    const auto written = ::pwrite(fd, zeros.data(), zeros.size(), static_cast<off_t>(from));
    // On a full disk a part of it may stand: zeros harm nothing wherever they end.
    if (written > 0) ::fdatasync(fd);
    ::close(fd);
}

bool make_ballast(const std::string& directory, std::uint64_t bytes) {
    const std::string path = directory + "/ballast";
    if (bytes == 0 || file_bytes(path) >= static_cast<std::int64_t>(bytes)) return true;
    struct statvfs space {};
    if (::statvfs(directory.c_str(), &space) != 0) return false;
    if (static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize < 2 * bytes) return false;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return false;
    const bool ok = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0;
    ::close(fd);
    if (!ok) ::unlink(path.c_str());
    return ok;
}

bool drop_ballast(const std::string& directory) {
    return ::unlink((directory + "/ballast").c_str()) == 0;
}

std::int64_t file_bytes(const std::string& path) noexcept {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_size) : 0;
}
bool exists(const std::string& path) noexcept {
    return ::access(path.c_str(), F_OK) == 0;
}

std::string make_ulid(std::int64_t unix_ms) {
    static constexpr std::string_view letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::random_device random;
    std::string text(26, '0');
    auto time = static_cast<std::uint64_t>(unix_ms);
    for (std::size_t i = 10; i-- > 0; time >>= 5U)
        text[i] = letters[time & 31U];
    for (std::size_t i = 10; i < text.size(); ++i)
        text[i] = letters[random() & 31U];
    return text;
}

}  // namespace sl::store
