#include "gateway/local/peer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sl::local {

bool peer_of(int socket, Peer& peer) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
    peer.uid = credentials.uid;
    peer.groups.assign(1, credentials.gid);
    // Asked with no room first: the answer says how much it needs.
    std::array<gid_t, 1> none{};
    size = 0;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, none.data(), &size) == 0) return true;
    if (errno != ERANGE) return errno == ENOPROTOOPT || errno == ENODATA;
    std::vector<gid_t> groups(size / sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
    groups.resize(size / sizeof(gid_t));
    peer.groups.insert(peer.groups.end(), groups.begin(), groups.end());
    return true;
}

Roles::Gid Roles::lookup(const std::string& group) {
    std::vector<char> buffer(16'384);
    ::group entry{};
    ::group* found = nullptr;
    if (::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return {};
    return {true, found->gr_gid};
}

Roles::Roles(const std::string& view_group, const std::string& operator_group, const std::string& admin_group)
    : view_(lookup(view_group)),
      operator_(lookup(operator_group)),
      admin_(lookup(admin_group)),
      own_uid_(::geteuid()) {}

Role Roles::of(const Peer& peer) const {
    const auto member = [&peer](const Gid& gid) {
        return gid.known && std::find(peer.groups.begin(), peer.groups.end(), gid.id) != peer.groups.end();
    };
    if (peer.uid == 0 || peer.uid == own_uid_ || member(admin_)) return Role::admin;
    if (member(operator_)) return Role::operator_;
    return member(view_) ? Role::view : Role::none;
}

std::string user_name(std::uint32_t uid) {
    std::vector<char> buffer(16'384);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return found->pw_name;
    return "uid-" + std::to_string(uid);
}

}  // namespace sl::local
