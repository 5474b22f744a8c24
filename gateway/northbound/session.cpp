// Session: the connection. What is sent over it is in session_send.cpp.
#include "gateway/northbound/session.hpp"

#include "gateway/site/log.hpp"

#include <algorithm>
#include <utility>

namespace sl::northbound {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds stable_after{60};  // a connection shorter than this does not reset the backoff
constexpr seconds stop_patience{2};
constexpr int reason_retain_unsupported = 0x9A;
constexpr int reason_taken_over = 0x8E;
constexpr seconds takeover_hold_off{60};  // two gateways of one name must not throw each other out for ever

}  // namespace

milliseconds pacing_shift(std::string_view gateway) noexcept {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : gateway) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 1099511628211ULL;
    }
    return milliseconds{static_cast<std::int64_t>((hash ^ (hash >> 32U)) % 60'000)};
}

Session::Session(SessionOptions options, site::Outbox& outbox, Link& link, Reactor& reactor, Random random,
                 SessionHooks hooks)
    : options_(std::move(options)),
      outbox_(outbox),
      link_(link),
      reactor_(reactor),
      random_(std::move(random)),
      hooks_(std::move(hooks)),
      topics_(options_.mqtt.root, options_.site, options_.gateway),
      epoch_(outbox.identity().epoch),
      envelope_(options_.site, options_.gateway, epoch_),
      backoff_(options_.mqtt.first_retry_max, options_.mqtt.retry_cap),
      lanes_(outbox, options_.pacing ? pacing_shift(options_.gateway) : milliseconds{0}, [this] { pump(); }),
      keepalive_(options_.mqtt.keepalive) {
    link_.set_handler(this);
    outbox_.on_commit([this](std::span<const site::RecordPtr> records) {
        lanes_.committed(records);
        pump();
    });
    outbox_.on_loss([this](std::span<const site::LostRange> ranges) { lost(ranges); });
}

Session::~Session() {
    *alive_ = false;
    reactor_.cancel(wait_timer_);
    reactor_.cancel(tick_timer_);
    outbox_.on_commit({});
    outbox_.on_loss({});
    link_.drop(false);
    link_.set_handler(nullptr);
}

void Session::start() {
    lanes_.preload();
    milliseconds delay{0};
    if (options_.spread_start) {
        const auto range = static_cast<double>(options_.mqtt.start_spread.count());
        delay = milliseconds{static_cast<milliseconds::rep>(range * random_())};
    }
    stats_.since = reactor_.now();
    schedule(delay);
}

void Session::schedule(milliseconds delay) {
    state_ = State::waiting;
    wait_timer_ = reactor_.after(delay, [this] {
        wait_timer_ = 0;
        prepare();
    });
}

// The will and the status of a connection carry its counter, so it is committed first. It is used again while
// no broker has answered: such an attempt left nothing behind that could be taken for a newer status.
void Session::prepare() {
    state_ = State::preparing;
    if (!conn_used_) return attempt();
    outbox_.next_conn([this, alive = alive_](std::uint32_t conn) {
        if (!*alive) return;
        conn_ = conn;
        conn_used_ = false;
        if (state_ == State::preparing) attempt();
    });
}

ConnectOptions Session::connect_options() const {
    const auto& m = options_.mqtt;
    ConnectOptions o;
    o.url = m.url;
    o.client_id = m.client_id.empty() ? options_.site + "-" + options_.gateway : m.client_id;
    o.version = m.version;
    o.clean_start = m.version < 5;
    o.keepalive = keepalive_;
    o.receive_maximum = static_cast<std::uint16_t>(std::clamp(m.receive_maximum, 1, 65'535));
    o.username = m.username;
    o.password_file = m.password_file;
    o.ca_file = m.ca_file;
    o.cert_file = m.cert_file;
    o.key_file = m.key_file;
    const auto stamp = hooks_.stamp();
    auto offline = make_status(false);
    offline.reason = "lost";
    o.will.topic = topics_.status();
    o.will.payload = envelope_.render(outbox_.identity().boot, stamp, status_body(offline, stamp));
    o.will.retain = retain();
    return o;
}

void Session::attempt() {
    state_ = State::connecting;
    ++stats_.attempts;
    link_.connect(connect_options());
}

void Session::adopt(const Connack& connack) {
    connack_ = connack;
    retain_available_ = connack.retain_available;
    conn_used_ = true;
    connected_at_ = reactor_.now();
    stats_.connected = true;
    stats_.since = connected_at_;
    stats_.last_error.clear();
    ++stats_.connects;
    if (!connack.session_present) subscribed_ = false;
    const bool keep_pages = connack.session_present && retain();
    for (auto& page : pages_)
        page.sent = page.sent && keep_pages;
    const auto limit = connack.maximum_packet_size;
    const auto known = outbox_.smallest_packet_size();
    if (limit > 0 && (known == 0 || limit < known)) outbox_.note_packet_size(limit);
}

void Session::on_connected(const Connack& connack) {
    if (state_ != State::connecting) return;
    if (connack.server_keep_alive && *connack.server_keep_alive < keepalive_) {
        // The transport goes on pinging at our pace, so the broker would drop us: come again at its pace.
        keepalive_ = std::max(*connack.server_keep_alive, seconds{5});
        conn_used_ = true;
        link_.drop(true);
        return schedule(milliseconds{0});
    }
    adopt(connack);
    site::log(site::LogLevel::info, "mqtt", "connected to " + options_.mqtt.url);
    state_ = State::greeting;
    hist_refilled_ = connected_at_;
    hist_messages_ = hist_bytes_ = 1;
    lanes_.connected(hooks_.stamp());
    history_was_waiting_ = lanes_.history_waiting();
    send_status(true);
    if (state_ != State::greeting) return;
    if (subscribed_) return on_subscribed({});
    subscribe();
    arm_tick();
}

void Session::subscribe() {
    std::vector<Subscription> filters{
        {topics_.own_commands(), true}, {topics_.site_commands(), true}, {topics_.status(), false}};
    if (!link_.subscribe(std::move(filters))) let_go("the subscription could not be sent");
}

void Session::on_subscribed(const std::vector<int>& reasons) {
    if (state_ != State::greeting) return;
    const auto bad = std::count_if(reasons.begin(), reasons.end(), [](int r) { return r >= 0x80; });
    if (bad > 0)
        site::log(site::LogLevel::error, "mqtt",
                  std::to_string(bad) + " of " + std::to_string(reasons.size()) +
                      " subscriptions refused: no commands will arrive; check the broker's access list for " +
                      topics_.own_commands());
    subscribed_ = bad == 0;
    state_ = State::up;
    ever_connected_ = true;
    if (hooks_.ready) hooks_.ready();
    pump();
}

void Session::on_connect_failed(const LinkError& error) {
    if (state_ != State::connecting) return;
    if (error.reason == reason_retain_unsupported) retain_available_ = false;
    retry(error, false);
}

void Session::on_lost(const LinkError& error) {
    if (state_ == State::stopping) {
        if (auto done = std::exchange(stopped_, {})) done();
        return;
    }
    if (state_ == State::greeting || state_ == State::up) retry(error, true);
}

void Session::let_go(const std::string& why) {
    link_.drop(false);
    retry(LinkError{0, why}, true);
}

// A broken store was replaced while we run: its numbers begin anew, so nothing may go out under the old
// epoch. The will of the present connection carries that one too, hence a new connection.
void Session::follow_epoch() {
    if (outbox_.identity().epoch == epoch_) return;
    epoch_ = outbox_.identity().epoch;
    envelope_ = Envelope(options_.site, options_.gateway, epoch_);
    conn_used_ = true;
    const std::string why = "the store began a new epoch";
    if (state_ == State::up || state_ == State::greeting) {
        let_go(why);
    } else if (state_ == State::connecting) {
        link_.drop(false);
        schedule(milliseconds{0});
    }
    lanes_.restart();
    for (auto& page : pages_)
        page.sent = false;
}

void Session::retry(const LinkError& error, bool stood) {
    const auto now = reactor_.now();
    if (stood) {
        suspect_poison();
        std::vector<Outgoing> again;
        for (auto& [token, entry] : in_flight_) {
            if (entry.kind == Kind::record) again.push_back(std::move(entry.out));
        }
        in_flight_.clear();
        hist_in_flight_ = urgent_in_flight_ = 0;
        lanes_.disconnected(std::move(again));
        if (now - connected_at_ >= stable_after) backoff_.reset();
        stats_.connected = false;
        stats_.since = now;
    }
    auto delay = backoff_.next(random_);
    if (stood && error.reason == reason_taken_over) {
        if (std::exchange(taken_over_, true) && now - takeover_at_ < 2 * takeover_hold_off)
            delay = std::max<milliseconds>(delay, takeover_hold_off);
        takeover_at_ = now;
    }
    if (stood || error.text != stats_.last_error)
        site::log(site::LogLevel::warning, "mqtt",
                  (stood ? "connection lost: " : "cannot connect: ") + error.text);
    stats_.last_error = error.text;
    schedule(delay);
    if (stood && hooks_.down) hooks_.down(error.text);
}

void Session::stop(std::function<void()> done) {
    reactor_.cancel(wait_timer_);
    const bool talk = state_ == State::up || state_ == State::greeting;
    state_ = State::stopping;
    stopped_ = [this, done = std::move(done)] {
        reactor_.cancel(wait_timer_);
        reactor_.cancel(tick_timer_);
        link_.drop(true);
        state_ = State::stopped;
        stats_.connected = false;
        if (done) done();
    };
    const auto finish = [this] {
        if (auto stopped = std::exchange(stopped_, {})) stopped();
    };
    if (talk) send_status(false);
    wait_timer_ = reactor_.after(talk ? milliseconds{stop_patience} : milliseconds{0}, finish);
}

void Session::on_message(Incoming message) {
    stats_.bytes_in += message.topic.size() + message.payload.size();
    if (message.topic == topics_.status()) {
        // Our own will of an earlier connection, or of a twin: say again that we are here.
        const bool offline = message.payload.find("\"online\":0") != std::string::npos;
        const bool ours = state_ == State::up || state_ == State::greeting;
        if (offline && ours && reactor_.now() - status_sent_ >= seconds{1}) return send_status(true);
        if (offline && ours) status_dirty(true);
        return;
    }
    auto where = topics_.command(message.topic);
    if (!where || !hooks_.command || state_ == State::stopping) return;
    hist_hold_ = reactor_.now() + seconds{1};
    hooks_.command(std::move(message), std::move(*where));
}

SessionStats Session::stats() const {
    auto s = stats_;
    s.conn = conn_;
    s.in_flight = in_flight_.size();
    return s;
}

}  // namespace sl::northbound
