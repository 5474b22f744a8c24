// Which record is sent next. Live records wait here in a bounded queue per stream; what does not fit, and all
// history, is read back from the store when its turn comes, so a backlog of any length costs no memory.
#pragma once

#include "gateway/northbound/reactor.hpp"
#include "gateway/site/outbox.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace sl::northbound {

struct Outgoing {
    site::RecordPtr record;
    bool hist = false;
    int tries = 0;  // sendings so far
};

class Lanes {
  public:
    // `wake` runs when a read from the store has brought something to send. `shift` delays telemetry and
    // energy after their capture (contract section 1, pacing).
    Lanes(site::Outbox& outbox, std::chrono::milliseconds shift, std::function<void()> wake);

    // The store began a new epoch: what is known of the old one's numbers is forgotten.
    void restart();
    // Looks for what was captured shortly before a restart, so that it still counts as live.
    void preload();
    void committed(std::span<const site::RecordPtr> records);
    void connected(const Stamp& now);
    // `in_flight`: sent, not acknowledged, in order of sending; they are sent first next time.
    void disconnected(std::vector<Outgoing> in_flight);
    // A refused record is tried again in its lane.
    void again(Outgoing outgoing);

    std::optional<Outgoing> next_live(const Stamp& now);
    // Empty also while a read from the store is under way; `wake` follows.
    std::optional<Outgoing> next_history();
    bool history_waiting() const noexcept;
    bool live_waiting() const noexcept;
    bool resending() const noexcept { return !resend_.empty(); }

    // Sends [range] on hist once more, acknowledged or not; `done(records)` when the last was handed out.
    void replay(site::Stream stream, site::SeqRange range, std::function<void(std::size_t)> done);

    static constexpr std::size_t live_records = 256, live_bytes = 768 * 1'024;
    static constexpr std::size_t offline_records = 64, offline_bytes = 96 * 1'024;
    static constexpr std::size_t read_records = 64, read_bytes = 192 * 1'024;
    static constexpr std::int64_t live_window_ms = 60'000;

  private:
    struct Lane {
        std::deque<site::RecordPtr> live;
        std::size_t bytes = 0;
        std::int64_t committed = 0;                // highest seq known to be committed
        std::int64_t spill_from = 0;               // first seq that found no room; 0 = none
        std::int64_t hist_next = 1, hist_end = 1;  // pending history: [next, end)
        std::set<std::int64_t> skip;               // sent again out of order, history passes them over
        void push(const site::RecordPtr& record);
        site::RecordPtr pop_front();
        void pop_back();
    };
    struct Replay {
        site::Stream stream = site::Stream::event;
        std::int64_t next = 0, to = 0;
        std::size_t count = 0;
        std::function<void(std::size_t)> done;
    };
    Lane& lane(site::Stream stream) { return lanes_[static_cast<std::size_t>(stream)]; }
    bool is_live(const site::Record& record, const Stamp& now) const;
    bool is_due(const site::Record& record, const Stamp& now) const;
    std::optional<Outgoing> next_of(Lane& lane, const Stamp& now);
    void unspill(site::Stream stream);
    void take_spilled(site::Stream stream, std::int64_t asked_to,
                      const std::vector<site::RecordPtr>& records);
    void read_history();
    void take_history(site::Stream stream, const std::vector<site::RecordPtr>& records);
    void read_replay();
    void take_replay(const std::vector<site::RecordPtr>& records);

    site::Outbox& outbox_;
    std::chrono::milliseconds shift_;
    std::function<void()> wake_;
    std::array<Lane, site::stream_count> lanes_;
    std::deque<Outgoing> resend_, hist_;
    std::deque<site::RecordPtr> loose_;  // seq 0: the store could not commit them
    std::deque<Replay> replays_;
    bool connected_ = false;
    bool reading_ = false, unspilling_ = false;
    std::int64_t connected_up_ = 0;
    std::uint64_t generation_ = 0;  // of the connection; outdates reads under way
};

}  // namespace sl::northbound
