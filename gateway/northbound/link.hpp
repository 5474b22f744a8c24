// The MQTT connection as the session sees it: one attempt, one connection, no memory. Everything is called on
// the reactor thread, and calls back on the reactor thread; never from inside connect(), publish() or
// subscribe(). Retrying, queueing and re-sending belong to the session alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sl::northbound {

struct Will {
    std::string topic, payload;  // QoS 1
    bool retain = true;
    std::chrono::seconds delay{60};  // MQTT 5 only
};

struct ConnectOptions {
    std::string url;  // mqtts://host:8883 or mqtt://host:1883
    std::string client_id;
    int version = 5;           // 5 or 4 (3.1.1)
    bool clean_start = false;  // 3.1.1: clean session
    std::chrono::seconds session_expiry{300}, keepalive{120}, connect_timeout{20};
    std::uint16_t receive_maximum = 20;
    std::uint32_t maximum_packet_size = 65'536;
    std::string username, password_file, ca_file, cert_file, key_file;
    Will will;
};

// What the broker granted. Absent properties are written as their default in the standard.
struct Connack {
    bool session_present = false;
    std::uint16_t receive_maximum = 65'535;
    std::size_t maximum_packet_size = 0;  // 0 = no limit
    std::optional<std::chrono::seconds> server_keep_alive;
    bool retain_available = true;
};

struct LinkError {
    int reason = 0;    // MQTT reason code when the broker named one (>= 0x80), else 0
    std::string text;  // for a person: what is wrong and where to look
};

struct Publication {
    std::string topic, payload;
    int qos = 1;
    bool retain = false;
    std::string correlation;  // MQTT 5 correlation data, bytes; empty = none
};

struct Subscription {
    std::string filter;
    bool retain_as_published = false;
};

struct Incoming {
    std::string topic, payload;
    bool retain = false;
    std::string response_topic, correlation;  // MQTT 5, else empty
    bool broker_expiry = false;               // it carried a Message Expiry Interval
};

// Names one publish from the call to its acknowledgement.
using PublishToken = std::uint64_t;

class LinkHandler {
  public:
    virtual void on_connected(const Connack& connack) = 0;
    virtual void on_connect_failed(const LinkError& error) = 0;
    virtual void on_lost(const LinkError& error) = 0;  // a connection that stood is gone
    // The broker took it (reason < 0x80, also 0x10 no matching subscribers) or refused it (>= 0x80).
    virtual void on_published(PublishToken token, int reason) = 0;
    virtual void on_subscribed(const std::vector<int>& reasons) = 0;  // one per filter, >= 0x80 refused
    virtual void on_message(Incoming message) = 0;

  protected:
    ~LinkHandler() = default;
};

class Link {
  public:
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    virtual ~Link() = default;

    virtual void set_handler(LinkHandler* handler) = 0;
    // Ends in exactly one of on_connected and on_connect_failed unless dropped before.
    virtual void connect(ConnectOptions options) = 0;
    // Lets go of the connection or the attempt: nothing of it is called back any more. With `politely` the
    // broker is told (DISCONNECT, the will stays silent) and given the time to hear it.
    virtual void drop(bool politely) = 0;
    // QoS 0 is never acknowledged. False: not connected, or the transport refused; nothing will follow.
    virtual bool publish(Publication publication, PublishToken token) = 0;
    virtual bool subscribe(std::vector<Subscription> subscriptions) = 0;
};

}  // namespace sl::northbound
