// The envelope of every upstream message and the status message: contract sections 3 and 4.
#pragma once

#include "gateway/northbound/reactor.hpp"
#include "gateway/site/outbox.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sl::northbound {

class Envelope {
  public:
    Envelope(const std::string& site, const std::string& gateway, const std::string& epoch);
    // One record, byte for byte the same whenever it is sent on the same topic.
    std::string render(const site::Record& record, bool hist) const;
    // Messages outside the streams (status, meta, diag): no stream, no seq.
    std::string render(std::uint32_t boot, const Stamp& stamp, std::string_view body) const;

  private:
    std::string head_;  // {"v":1,...,"boot":
};

// What the application knows and status tells.
struct StatusInfo {
    std::string firmware, config_revision;
    std::string mode = "auto";  // auto, manual, failsafe
};

struct Status {
    bool online = true;
    std::uint32_t conn = 0;
    std::string reason;    // power_on, reconnect, restart, update, shutdown, lost; or why the epoch is new
    std::string replaces;  // epoch before this one, only in the first status of an epoch
    StatusInfo info;
    std::array<std::int64_t, site::stream_count> next{};
    std::vector<site::Backlog> backlog;
    std::vector<site::LostRange> lost;
};
std::string status_body(const Status& status, const Stamp& stamp);

}  // namespace sl::northbound
