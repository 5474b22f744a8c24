#include "gateway/local/socket_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sl::local {
namespace {

std::optional<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
    std::copy(path.begin(), path.end(), static_cast<char*>(address.sun_path));
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

std::string error_text(int code) {
    return std::strerror(code);
}

// Makes room for a new socket file: removes one nobody listens on, refuses everything else.
bool make_room(const std::string& path, std::string& why) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return true;
        why = path + ": " + error_text(errno);
        return false;
    }
    if (!S_ISSOCK(info.st_mode)) {
        why = path + " exists and is not a socket; remove it or set another [api] socket";
        return false;
    }
    const int probe = connect_to(path);
    if (probe >= 0) {
        ::close(probe);
        why = path + ": another process listens there already (a second streetlightd?)";
        return false;
    }
    if (errno != ECONNREFUSED) {
        why = path + ": cannot tell whether it is in use: " + error_text(errno);
        return false;
    }
    if (::unlink(path.c_str()) == 0) return true;
    why = path + ": cannot remove the socket of a dead process: " + error_text(errno);
    return false;
}

}  // namespace

int connect_to(const std::string& path) {
    const auto address = address_of(path);
    if (!address) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return -1;
    if (::connect(handle, generic(*address), sizeof *address) == 0) return handle;
    const int error = errno;
    ::close(handle);
    errno = error;
    return -1;
}

int listen_on(const std::string& path, std::string& why) {
    const auto address = address_of(path);
    if (!address) {
        why = "'" + path + "' cannot be a socket path: 1 to 107 bytes are possible";
        return -1;
    }
    if (!make_room(path, why)) return -1;
    const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // The mask gives the file its mode at birth; a chmod afterwards would leave a gap. No other thread
    // creates files while the daemon starts.
    const mode_t mask = ::umask(0117);
    const bool bound = handle >= 0 && ::bind(handle, generic(*address), sizeof *address) == 0;
    const int bind_error = errno;
    ::umask(mask);
    if (bound && ::listen(handle, SOMAXCONN) == 0) return handle;
    why = path + ": " + error_text(bound ? errno : bind_error);
    if (handle >= 0) ::close(handle);
    return -1;
}

}  // namespace sl::local
