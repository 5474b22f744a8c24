// The world of a session in virtual time: a loop, a broker's end of the link, and an outbox in memory.
#pragma once

#include "gateway/northbound/link.hpp"
#include "gateway/northbound/reactor.hpp"
#include "gateway/site/outbox.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sl::northbound::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class VirtualReactor final : public Reactor {
  public:
    site::MonoTime now() const override { return now_; }
    TimerId after(milliseconds delay, std::function<void()> task) override {
        const auto id = next_++;
        tasks_.emplace(std::pair{now_ + delay, id}, std::move(task));
        return id;
    }
    void cancel(TimerId id) override {
        std::erase_if(tasks_, [id](const auto& item) { return item.first.second == id; });
    }
    void run(milliseconds time) {
        const auto end = now_ + time;
        while (!tasks_.empty() && tasks_.begin()->first.first <= end) {
            auto first = tasks_.extract(tasks_.begin());
            now_ = std::max(now_, first.key().first);
            first.mapped()();
        }
        now_ = end;
    }
    void settle() { run(milliseconds{0}); }
    std::int64_t up_ms() const {
        return std::chrono::duration_cast<milliseconds>(now_ - site::MonoTime{}).count();
    }

  private:
    site::MonoTime now_{seconds{1'000}};
    TimerId next_ = 1;
    std::map<std::pair<site::MonoTime, TimerId>, std::function<void()>> tasks_;
};

class FakeLink final : public Link {
  public:
    struct Sent {
        Publication message;
        PublishToken token = 0;
        site::MonoTime at;
    };
    explicit FakeLink(VirtualReactor& reactor) : reactor_(reactor) {}

    void set_handler(LinkHandler* h) override { handler = h; }
    void connect(ConnectOptions o) override {
        options.push_back(std::move(o));
        attempts.push_back(reactor_.now());
        connecting = true;
    }
    void drop(bool politely) override {
        if (connecting || connected) drops.push_back(politely);
        connecting = connected = false;
    }
    bool publish(Publication p, PublishToken token) override {
        if (!connected) return false;
        sent.push_back(Sent{std::move(p), token, reactor_.now()});
        if (sent.back().message.qos > 0) {
            waiting.push_back(token);
            most_waiting = std::max(most_waiting, waiting.size());
            if (automatic) reactor_.after(delay, [this, token] { ack(token); });
        }
        return true;
    }
    bool subscribe(std::vector<Subscription> s) override {
        if (!connected) return false;
        subscriptions.push_back(s);
        if (automatic)
            reactor_.after(delay, [this, n = s.size()] { handler->on_subscribed(std::vector<int>(n, 1)); });
        return true;
    }

    // The broker's side.
    void accept(Connack connack = {}) {
        connecting = false;
        connected = true;
        handler->on_connected(connack);
    }
    void refuse(int reason = 0, const std::string& why = "refused") {
        connecting = false;
        handler->on_connect_failed(LinkError{reason, why});
    }
    void lose(int reason = 0) {
        connected = false;
        waiting.clear();
        handler->on_lost(LinkError{reason, "lost"});
    }
    void ack(PublishToken token, int reason = 0) {
        const auto it = std::find(waiting.begin(), waiting.end(), token);
        if (it == waiting.end()) return;
        waiting.erase(it);
        for (const auto& s : sent) {
            if (s.token == token && verdict) reason = verdict(s.message);
        }
        handler->on_published(token, reason);
    }
    std::vector<std::string> topics() const {
        std::vector<std::string> out;
        for (const auto& s : sent)
            out.push_back(s.message.topic);
        return out;
    }
    std::vector<Publication> on(const std::string& topic) const {
        std::vector<Publication> out;
        for (const auto& s : sent) {
            if (s.message.topic == topic) out.push_back(s.message);
        }
        return out;
    }

    LinkHandler* handler = nullptr;
    std::vector<ConnectOptions> options;
    std::vector<site::MonoTime> attempts;
    std::vector<bool> drops;
    std::vector<std::vector<Subscription>> subscriptions;
    std::vector<Sent> sent;
    std::vector<PublishToken> waiting;
    std::size_t most_waiting = 0;
    std::function<int(const Publication&)> verdict;
    bool connecting = false, connected = false, automatic = true;
    milliseconds delay{5};

  private:
    VirtualReactor& reactor_;
};

class FakeOutbox final : public site::Outbox {
  public:
    explicit FakeOutbox(VirtualReactor& reactor) : reactor_(reactor) {
        identity_.epoch = "01JD0000000000000000000000";
        identity_.boot = 57;
    }
    const site::StoreIdentity& identity() const override { return identity_; }
    void append(site::Record record, site::Urgency) override {
        if (can_commit) record.seq = ++last_[index(record.stream)];
        auto shared = std::make_shared<const site::Record>(std::move(record));
        if (shared->seq > 0) records[shared->stream][shared->seq] = Row{shared, false};
        reactor_.after(milliseconds{0}, [this, shared] {
            if (listener_) listener_(std::span{&shared, 1});
        });
    }
    void flush(std::function<void(bool)> done) override { done(can_commit); }
    void on_commit(CommitListener l) override { listener_ = std::move(l); }
    void on_loss(std::function<void(std::span<const site::LostRange>)> l) override { loss_ = std::move(l); }
    void acknowledge(site::Stream s, std::int64_t seq) override { records[s].at(seq).acked = true; }
    void give_up(site::Stream s, std::int64_t seq, std::string why) override {
        records[s].erase(seq);
        lose(site::LostRange{s, {seq, seq}, std::move(why)});
    }
    void read_pending(site::Stream s, std::int64_t from, std::size_t max, std::size_t bytes,
                      ReadDone done) override {
        read(s, {from, INT64_MAX}, max, bytes, true, std::move(done));
    }
    void read_range(site::Stream s, site::SeqRange range, std::size_t max, std::size_t bytes,
                    ReadDone done) override {
        read(s, range, max, bytes, false, std::move(done));
    }
    std::int64_t next_seq(site::Stream s) const override { return last_[index(s)] + 1; }
    std::vector<site::Backlog> backlog() const override {
        std::vector<site::Backlog> out;
        for (const auto& [stream, rows] : records) {
            site::Backlog b{stream, {0, 0}, 0};
            for (const auto& [seq, row] : rows) {
                if (row.acked) continue;
                if (b.records++ == 0) b.range.from = seq;
                b.range.to = seq;
            }
            if (b.records > 0) out.push_back(b);
        }
        return out;
    }
    std::vector<site::LostRange> lost() const override { return lost_; }
    void next_conn(std::function<void(std::uint32_t)> done) override {
        reactor_.after(milliseconds{1}, [this, done = std::move(done)] { done(++identity_.conn); });
    }
    void epoch_announced() override { identity_.fresh_epoch = false; }
    std::size_t smallest_packet_size() const override { return packet_size; }
    void note_packet_size(std::size_t bytes) override { packet_size = bytes; }

    const CommandRecord* find_command(std::string_view id) const override {
        const auto it = commands.find(std::string{id});
        return it == commands.end() ? nullptr : &it->second;
    }
    void store_command(CommandRecord command, std::function<void(bool)> done) override {
        auto id = command.id;
        commands[id] = std::move(command);
        reactor_.after(milliseconds{1}, [this, done = std::move(done)] { done(can_commit); });
    }
    void finish_command(std::string_view id, std::string body) override {
        commands.at(std::string{id}).done_body = std::move(body);
    }
    std::vector<CommandRecord> unfinished_commands() const override {
        std::vector<CommandRecord> out;
        for (const auto& [id, c] : commands) {
            if (c.done_body.empty()) out.push_back(c);
        }
        return out;
    }
    void put_state(std::string key, std::string value) override {
        states_[std::move(key)] = std::move(value);
    }
    std::optional<std::string> state(std::string_view key) const override {
        const auto it = states_.find(std::string{key});
        return it == states_.end() ? std::nullopt : std::optional{it->second};
    }
    std::vector<std::pair<std::string, std::string>> states(std::string_view) const override { return {}; }

    // For tests.
    void lose(site::LostRange range) {
        lost_.push_back(range);
        if (loss_) loss_(std::span{&range, 1});
    }
    // A broken file was replaced: nothing of before is there any more.
    void begin_epoch(const std::string& epoch) {
        identity_.replaces = std::exchange(identity_.epoch, epoch);
        identity_.reason = "new_store";
        identity_.fresh_epoch = true;
        identity_.conn = 0;
        records.clear();
        last_ = {};
    }
    std::size_t pending() const {
        std::size_t n = 0;
        for (const auto& b : backlog())
            n += static_cast<std::size_t>(b.records);
        return n;
    }
    struct Row {
        site::RecordPtr record;
        bool acked = false;
    };
    std::map<site::Stream, std::map<std::int64_t, Row>> records;
    std::map<std::string, CommandRecord> commands;
    site::StoreIdentity identity_;
    std::size_t packet_size = 0, largest_read = 0;
    bool can_commit = true;

  private:
    static std::size_t index(site::Stream s) { return static_cast<std::size_t>(s); }
    void read(site::Stream s, site::SeqRange range, std::size_t max, std::size_t bytes, bool pending,
              ReadDone done) {
        std::vector<site::RecordPtr> out;
        std::size_t size = 0;
        for (const auto& [seq, row] : records[s]) {
            if (seq < range.from || seq > range.to || (pending && row.acked)) continue;
            if (out.size() >= max || (size > 0 && size + row.record->body.size() > bytes)) break;
            size += row.record->body.size();
            out.push_back(row.record);
        }
        largest_read = std::max(largest_read, out.size());
        reactor_.after(milliseconds{1},
                       [done = std::move(done), out = std::move(out)]() mutable { done(std::move(out)); });
    }
    VirtualReactor& reactor_;
    CommitListener listener_;
    std::function<void(std::span<const site::LostRange>)> loss_;
    std::array<std::int64_t, site::stream_count> last_{};
    std::vector<site::LostRange> lost_;
    std::map<std::string, std::string> states_;
};

}  // namespace sl::northbound::test
