// Why a connection cannot be made, in words. Paho tells only that it failed: a wrong name in the broker's
// certificate or a client certificate of yesterday look to it like a broken cable.
#pragma once

#include "gateway/northbound/link.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace sl::northbound {

struct BrokerAddress {
    bool tls = false;
    std::string host, port;
};
// mqtt://host[:1883], mqtts://host[:8883]; IPv6 in brackets. Empty when it is none of these.
std::optional<BrokerAddress> broker_address(const std::string& url);
// Said by the address alone; a name such as 127.evil.example is not loopback.
bool is_loopback(const std::string& host);

// Looks at the files before anything is sent: readable, parsable, valid at `now`, key fits certificate. Empty
// when nothing is wrong.
std::string preflight(const ConnectOptions& options, site::WallTime now);

// Walks the way once more, slowly: name, TCP, TLS. Blocks at most about `patience` (plus the resolver's own
// time), so it belongs on a thread of its own. Never empty.
std::string diagnose(const ConnectOptions& options, std::chrono::milliseconds patience);

}  // namespace sl::northbound
