// Session: what is sent, in which order, and what becomes of it.
#include "gateway/json/writer.hpp"
#include "gateway/northbound/session.hpp"
#include "gateway/site/log.hpp"

#include <algorithm>
#include <utility>

namespace sl::northbound {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds ack_overdue{30};
constexpr seconds status_every{60};  // after a change of backlog
constexpr milliseconds tick_every{1'000};
constexpr int max_tries = 3;
constexpr int max_drops = 5;           // sendings that ended with the connection before a record is suspected
constexpr seconds drop_suspicion{10};  // a broker that closes because of a record does so at once
constexpr std::size_t packet_overhead = 64;  // fixed header, packet id, properties
constexpr int reason_not_authorised = 0x87, reason_too_big = 0x95, reason_quota = 0x97;

const char* const key_meta_pages = "northbound.meta_pages";

}  // namespace

Status Session::make_status(bool online) const {
    const auto& identity = outbox_.identity();
    Status s;
    s.online = online;
    s.conn = conn_;
    s.reason = ever_connected_ ? "reconnect" : options_.start_reason;
    if (online && identity.fresh_epoch) {
        s.replaces = identity.replaces;
        if (!identity.reason.empty()) s.reason = identity.reason;
    }
    s.info = hooks_.status();
    for (std::size_t i = 0; i < site::stream_count; ++i)
        s.next[i] = outbox_.next_seq(static_cast<site::Stream>(i));
    if (online || state_ == State::stopping) {
        s.backlog = outbox_.backlog();
        s.lost = outbox_.lost();
    }
    return s;
}

void Session::send_status(bool online) {
    const auto stamp = hooks_.stamp();
    auto status = make_status(online);
    if (!online) status.reason = "shutdown";
    fresh_told_ = online && outbox_.identity().fresh_epoch;
    Publication p;
    p.topic = topics_.status();
    p.payload = envelope_.render(outbox_.identity().boot, stamp, status_body(status, stamp));
    p.retain = retain();
    status_now_ = backlog_changed_ = false;
    status_sent_ = reactor_.now();
    InFlight entry;
    entry.kind = Kind::status;
    send(std::move(p), std::move(entry));
}

void Session::status_dirty(bool at_once) {
    (at_once ? status_now_ : backlog_changed_) = true;
    arm_tick();
}

void Session::publish_status() {
    follow_epoch();
    status_now_ = true;
    pump();
}

void Session::publish_diag(const std::string& body) {
    if (state_ != State::up) return;
    Publication p;
    p.topic = topics_.diag();
    p.payload = envelope_.render(outbox_.identity().boot, hooks_.stamp(), body);
    p.qos = 0;
    stats_.bytes_out += p.topic.size() + p.payload.size();
    link_.publish(std::move(p), 0);
}

void Session::set_meta(std::vector<std::string> pages) {
    pages_.resize(std::max(pages_.size(), pages.size()));
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        std::string body = i < pages.size() ? std::move(pages[i]) : std::string{};
        if (pages_[i].body != body) pages_[i] = Page{std::move(body), false};
    }
    // Pages that an earlier start published and nobody fills now.
    const auto known = outbox_.state(key_meta_pages).value_or("0");
    const auto before = static_cast<std::size_t>(std::strtoul(known.c_str(), nullptr, 10));
    while (pages_.size() < std::min<std::size_t>(before, 1'000))
        pages_.emplace_back();
    if (std::to_string(pages.size()) != known)
        outbox_.put_state(key_meta_pages, std::to_string(pages.size()));
    pump();
}

void Session::send_meta() {
    for (std::size_t i = 0; i < pages_.size() && in_flight_.size() < window(); ++i) {
        auto& page = pages_[i];
        if (page.sent) continue;
        page.sent = true;
        const bool clear = page.body.empty();
        if (clear && !retain()) continue;
        Publication p;
        p.topic = topics_.meta(i + 1);
        if (!clear) p.payload = envelope_.render(outbox_.identity().boot, hooks_.stamp(), page.body);
        p.retain = retain();
        InFlight entry;
        entry.kind = Kind::meta;
        entry.page = i;
        if (!send(std::move(p), std::move(entry))) {
            page.sent = false;
            return;
        }
    }
}

bool Session::send(Publication publication, InFlight entry) {
    const auto token = next_token_++;
    const auto bytes = publication.topic.size() + publication.payload.size();
    if (!link_.publish(std::move(publication), token)) return false;
    ++stats_.published;
    stats_.bytes_out += bytes;
    entry.sent = reactor_.now();
    in_flight_.emplace_hint(in_flight_.end(), token, std::move(entry));
    return true;
}

bool Session::send_record(Outgoing out) {
    const auto& record = *out.record;
    Publication p;
    p.topic = topics_.of(record, out.hist);
    p.payload = envelope_.render(record, out.hist);
    const auto size = p.topic.size() + p.payload.size() + packet_overhead;
    if (connack_.maximum_packet_size > 0 && size > connack_.maximum_packet_size) {
        abandon(record, "too_big");
        return true;
    }
    ++out.tries;
    if (out.hist) {
        hist_messages_ -= 1;
        hist_bytes_ -= static_cast<double>(size);
    }
    InFlight entry;
    entry.out = out;
    if (!send(std::move(p), std::move(entry))) {
        lanes_.again(std::move(out));
        return false;
    }
    if (out.hist) ++hist_in_flight_;
    if (!out.hist && record.stream <= site::Stream::reply) ++urgent_in_flight_;
    if (!out.hist && !record.response_topic.empty()) send_copy(out);
    return true;
}

// The same reply to whoever asked for it by response topic; not owed to the outbox.
void Session::send_copy(const Outgoing& out) {
    Publication p;
    p.topic = out.record->response_topic;
    p.payload = envelope_.render(*out.record, false);
    p.correlation = out.record->correlation;
    InFlight entry;
    entry.kind = Kind::copy;
    send(std::move(p), std::move(entry));
}

std::size_t Session::window() const noexcept {
    if (careful_) return 1;
    const auto own = static_cast<std::size_t>(std::max(1, options_.mqtt.max_in_flight));
    return std::min<std::size_t>(own, std::max<std::uint16_t>(1, connack_.receive_maximum));
}

// One message of history at a time keeps the line free; with the limit lifted it may fill the window.
std::size_t Session::history_window() const noexcept {
    const bool lifted = options_.mqtt.hist_per_s == 0 && options_.mqtt.hist_bytes_per_s == 0;
    return lifted ? std::max<std::size_t>(1, window() - 1) : 1;
}

void Session::pump() {
    if (state_ != State::up || pumping_) return;
    pumping_ = true;
    if (status_now_) send_status(true);
    send_meta();
    const auto stamp = hooks_.stamp();
    while (in_flight_.size() < window()) {
        auto next = lanes_.next_live(stamp);
        if (!next || !send_record(std::move(*next))) break;
    }
    pump_history();
    pumping_ = false;
    arm_tick();
}

bool Session::history_allowed() const {
    return urgent_in_flight_ == 0 && reactor_.now() >= hist_hold_ && hist_in_flight_ < history_window() &&
           in_flight_.size() < window();
}

// Both buckets hold one second and may go into debt by one message, so the mean keeps the limit.
bool Session::spend_history() {
    const auto now = reactor_.now();
    const double passed = std::chrono::duration<double>(now - hist_refilled_).count();
    hist_refilled_ = now;
    const double per_s = options_.mqtt.hist_per_s, bytes_per_s = options_.mqtt.hist_bytes_per_s;
    hist_messages_ = std::min(per_s, hist_messages_ + passed * per_s);
    hist_bytes_ = std::min(bytes_per_s, hist_bytes_ + passed * bytes_per_s);
    return (per_s <= 0 || hist_messages_ >= 1) && (bytes_per_s <= 0 || hist_bytes_ > 0);
}

void Session::pump_history() {
    while (lanes_.history_waiting() && history_allowed() && spend_history()) {
        auto next = lanes_.next_history();
        if (!next) break;
        backlog_changed_ = true;
        if (!send_record(std::move(*next))) return;
    }
    const bool waiting = lanes_.history_waiting() || hist_in_flight_ > 0;
    if (history_was_waiting_ && !waiting) status_now_ = true;  // the backlog is gone
    history_was_waiting_ = waiting;
}

void Session::on_published(PublishToken token, int reason) {
    const auto it = in_flight_.find(token);
    if (it == in_flight_.end()) return;
    InFlight entry = std::move(it->second);
    in_flight_.erase(it);
    if (entry.kind == Kind::record) {
        if (entry.out.hist) --hist_in_flight_;
        if (!entry.out.hist && entry.out.record->stream <= site::Stream::reply) --urgent_in_flight_;
    }
    if (reason >= 0x80) {
        refused(std::move(entry), reason);
    } else {
        ++stats_.acknowledged;
        if (entry.kind == Kind::record) {
            careful_ = careful_ && lanes_.resending();
            if (entry.out.record->seq > 0)
                outbox_.acknowledge(entry.out.record->stream, entry.out.record->seq);
        }
        if (entry.kind == Kind::status && fresh_told_) {
            fresh_told_ = false;
            outbox_.epoch_announced();
        }
    }
    if (state_ == State::stopping) {
        if (entry.kind == Kind::status) {
            if (auto done = std::exchange(stopped_, {})) done();
        }
        return;
    }
    pump();
}

void Session::refused(InFlight entry, int reason) {
    ++stats_.refused;
    if (entry.kind != Kind::record) {
        site::log(site::LogLevel::error, "mqtt",
                  "the broker refused a message with reason " + std::to_string(reason) +
                      "; check its access list for this gateway");
        return;
    }
    auto out = std::move(entry.out);
    if (out.tries >= max_tries && reason != reason_quota) {
        const auto* why = reason == reason_too_big          ? "too_big"
                          : reason == reason_not_authorised ? "not_authorised"
                                                            : "refused";
        return abandon(*out.record, why);
    }
    const auto connects = stats_.connects;
    const auto wait = seconds{std::min(out.tries, 30)};
    reactor_.after(wait, [this, alive = alive_, out = std::move(out), connects]() mutable {
        if (!*alive || connects != stats_.connects || state_ != State::up) return;  // history brings it
        lanes_.again(std::move(out));
        pump();
    });
}

void Session::abandon(const site::Record& record, const std::string& why) {
    site::log(site::LogLevel::error, "mqtt",
              "gave up " + std::string{name(record.stream)} + " " + std::to_string(record.seq) + ": " + why);
    if (record.seq > 0) outbox_.give_up(record.stream, record.seq, why);
    status_dirty(true);
}

// Some brokers close the connection instead of refusing a message. Called before the records in flight go
// back to their lanes: after such a loss they are sent one by one, and one that ends the connection again
// and again is set aside.
void Session::suspect_poison() {
    const auto now = reactor_.now();
    const bool quick = now - connected_at_ < drop_suspicion;
    auto* only = static_cast<InFlight*>(nullptr);
    std::size_t records = 0;
    for (auto& [token, entry] : in_flight_) {
        if (entry.kind != Kind::record) continue;
        ++records;
        only = &entry;
        careful_ = careful_ || (quick && entry.out.tries >= max_tries);
    }
    if (!quick || records != 1 || only->out.tries < max_drops || now - only->sent > drop_suspicion) return;
    abandon(*only->out.record, "refused");
    std::erase_if(in_flight_, [](const auto& item) { return item.second.kind == Kind::record; });
}

void Session::lost(std::span<const site::LostRange> ranges) {
    status_now_ = true;
    const auto stamp = hooks_.stamp();
    for (const auto& l : ranges) {
        if (l.stream == site::Stream::event) continue;  // an event about it could be the next one dropped
        site::Record record;
        record.stream = site::Stream::event;
        record.boot = outbox_.identity().boot;
        record.ts = stamp.ts;
        record.tq = stamp.tq;
        record.up_ms = stamp.up_ms;
        record.meta_rev = stamp.meta_rev;
        json::Writer w{record.body};
        w.member("kind", "data_lost").member("of", name(l.stream)).member("from", l.range.from);
        w.member("to", l.range.to).member("why", l.why);
        outbox_.append(std::move(record), site::Urgency::now);
    }
    pump();
}

void Session::replay(site::Stream stream, site::SeqRange range, std::function<void(std::size_t)> done) {
    lanes_.replay(stream, range, std::move(done));
}

// The second hand runs only while something waits for time to pass.
void Session::arm_tick() {
    const bool standing = state_ == State::up || state_ == State::greeting;
    const bool waiting = !in_flight_.empty() || status_now_ || backlog_changed_ || lanes_.live_waiting() ||
                         lanes_.history_waiting() || state_ == State::greeting;
    if (tick_timer_ != 0 || !standing || !waiting) return;
    tick_timer_ = reactor_.after(tick_every, [this] {
        tick_timer_ = 0;
        tick();
    });
}

void Session::tick() {
    if (state_ != State::up && state_ != State::greeting) return;
    const auto now = reactor_.now();
    if (!in_flight_.empty() && now - in_flight_.begin()->second.sent > ack_overdue)
        return let_go("the broker has not acknowledged for 30 s");
    if (state_ == State::greeting && now - connected_at_ > ack_overdue)
        return let_go("the broker has not answered the subscription for 30 s");
    if (backlog_changed_ && now - status_sent_ >= status_every - seconds{5}) status_now_ = true;
    pump();
    arm_tick();
}

}  // namespace sl::northbound
