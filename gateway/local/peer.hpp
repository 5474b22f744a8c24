// Who is at the other end of a Unix socket, as the kernel knows it.
#pragma once

#include "gateway/local/request.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sl::local {

struct Peer {
    std::uint32_t uid = 0;
    std::vector<std::uint32_t> groups;  // primary and supplementary, as of the peer's connect()
};

// SO_PEERCRED and SO_PEERGROUPS of a connected Unix socket; false when the kernel will not tell.
bool peer_of(int socket, Peer& peer);

// Group names of the three roles. A group that does not exist on this system gives nobody that role.
class Roles {
  public:
    Roles(const std::string& view_group, const std::string& operator_group, const std::string& admin_group);
    // root and the daemon's own user are admin.
    Role of(const Peer& peer) const;

  private:
    struct Gid {
        bool known = false;
        std::uint32_t id = 0;
    };
    static Gid lookup(const std::string& group);

    Gid view_, operator_, admin_;
    std::uint32_t own_uid_ = 0;
};

std::string user_name(std::uint32_t uid);

}  // namespace sl::local
