// The one MQTT session of the gateway: connects for ever, tells its status first, sends live before history
// and takes a record off the outbox only after the broker's acknowledgement. A state machine on the reactor;
// it reads no clock and draws no random number of its own.
#pragma once

#include "gateway/northbound/backoff.hpp"
#include "gateway/northbound/envelope.hpp"
#include "gateway/northbound/lanes.hpp"
#include "gateway/northbound/link.hpp"
#include "gateway/northbound/topics.hpp"
#include "gateway/site/config.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sl::northbound {

struct SessionOptions {
    std::string site, gateway;
    site::Mqtt mqtt;
    std::string start_reason = "power_on";  // power_on, restart, update
    bool spread_start = true;               // false after a manual restart
    bool pacing = true;                     // shift telemetry and energy by hash(gw) mod 60 s
};

struct SessionHooks {
    std::function<Stamp()> stamp;
    std::function<StatusInfo()> status;
    std::function<void()> ready;                                  // connected and subscribed: send snapshots
    std::function<void(const std::string&)> down;                 // why there is no connection now
    std::function<void(Incoming, Topics::CommandTopic)> command;  // a message on a command topic
};

struct SessionStats {
    bool connected = false;
    site::MonoTime since;    // of the present connection, or of its loss
    std::string last_error;  // empty while all is well
    std::uint32_t conn = 0;
    std::uint64_t connects = 0, attempts = 0, published = 0, acknowledged = 0, refused = 0;
    std::uint64_t bytes_out = 0, bytes_in = 0;  // of topics and payloads, not of the socket
    std::size_t in_flight = 0;
};

class Session final : private LinkHandler {
  public:
    Session(SessionOptions options, site::Outbox& outbox, Link& link, Reactor& reactor, Random random,
            SessionHooks hooks);
    ~Session();

    void start();
    // Says offline, waits at most 2 s for the broker, lets go; then `done`.
    void stop(std::function<void()> done);

    // Retained meta pages (bodies); published when they changed or the broker forgot. Pages that vanished are
    // cleared.
    void set_meta(std::vector<std::string> pages);
    // Says the status again, for instance after a change of mode.
    void publish_status();
    // QoS 0, dropped when not connected.
    void publish_diag(const std::string& body);
    // Sends stored records once more on hist; done(records) when the last of them was handed out.
    void replay(site::Stream stream, site::SeqRange range, std::function<void(std::size_t)> done);

    SessionStats stats() const;
    const Topics& topics() const noexcept { return topics_; }

  private:
    enum class State : std::uint8_t { stopped, waiting, preparing, connecting, greeting, up, stopping };
    enum class Kind : std::uint8_t { record, copy, status, meta, clear };
    struct InFlight {
        Kind kind = Kind::record;
        Outgoing out;
        std::size_t page = 0;
        site::MonoTime sent;
    };
    struct Page {
        std::string body;
        bool sent = false;
    };

    void on_connected(const Connack& connack) override;
    void on_connect_failed(const LinkError& error) override;
    void on_lost(const LinkError& error) override;
    void on_published(PublishToken token, int reason) override;
    void on_subscribed(const std::vector<int>& reasons) override;
    void on_message(Incoming message) override;

    void retry(const LinkError& error, bool stood);
    void schedule(std::chrono::milliseconds delay);
    void prepare();
    void attempt();
    ConnectOptions connect_options() const;
    void adopt(const Connack& connack);
    void subscribe();
    void let_go(const std::string& why);
    void follow_epoch();

    Status make_status(bool online) const;
    void send_status(bool online);
    void status_dirty(bool at_once);
    void send_meta();
    bool send(Publication publication, InFlight entry);
    bool send_record(Outgoing out);
    void send_copy(const Outgoing& out);
    void pump();
    void pump_history();
    bool history_allowed() const;
    bool spend_history();
    void refused(InFlight entry, int reason);
    void abandon(const site::Record& record, const std::string& why);
    void suspect_poison();
    void lost(std::span<const site::LostRange> ranges);
    void arm_tick();
    void tick();
    std::size_t window() const noexcept;
    std::size_t history_window() const noexcept;
    bool retain() const noexcept { return options_.mqtt.retain && retain_available_; }

    SessionOptions options_;
    site::Outbox& outbox_;
    Link& link_;
    Reactor& reactor_;
    Random random_;
    SessionHooks hooks_;
    Topics topics_;
    std::string epoch_;  // of envelope_
    Envelope envelope_;
    Backoff backoff_;
    Lanes lanes_;

    State state_ = State::stopped;
    TimerId wait_timer_ = 0, tick_timer_ = 0;
    std::function<void()> stopped_;
    Connack connack_;
    bool retain_available_ = true, subscribed_ = false, conn_used_ = true, ever_connected_ = false;
    std::chrono::seconds keepalive_;
    std::uint32_t conn_ = 0;
    site::MonoTime connected_at_, takeover_at_, status_sent_, hist_refilled_, hist_hold_;
    bool taken_over_ = false;
    PublishToken next_token_ = 1;
    std::map<PublishToken, InFlight> in_flight_;  // by token, that is in order of sending
    std::size_t hist_in_flight_ = 0, urgent_in_flight_ = 0;
    bool status_now_ = false, backlog_changed_ = false, fresh_told_ = false, pumping_ = false;
    bool history_was_waiting_ = false, careful_ = false;
    double hist_messages_ = 0, hist_bytes_ = 0;  // token buckets of the history lane
    std::vector<Page> pages_;
    SessionStats stats_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Where in the minute a gateway sends its periodic records: FNV-1a of its name, mod 60 s.
std::chrono::milliseconds pacing_shift(std::string_view gateway) noexcept;

}  // namespace sl::northbound
