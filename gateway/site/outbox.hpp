// The seam between those who produce upstream records, the store that keeps them and the session that sends
// them. A record is one MQTT message is one sequence number. Everything here runs on the reactor thread; an
// implementation may work on a thread of its own behind it, and calls back on the reactor.
#pragma once

#include "gateway/site/time.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sl::site {

enum class Stream : std::uint8_t { event, reply, state, energy, telemetry };  // also the order of history
inline constexpr std::size_t stream_count = 5;
std::string_view name(Stream stream) noexcept;
std::optional<Stream> stream_from(std::string_view name) noexcept;

// How soon a record must be durable: `now` within 1 s at most (commands, replies, events, state), `batched`
// after commit_every or commit_bytes (telemetry, energy).
enum class Urgency : std::uint8_t { now, batched };

// The neutral record. `body` is the JSON text of the message's own members without the outer braces and
// without the envelope, e.g.  "kind":"lamp","cs":"lamp.1","cols":[...],"rows":[...] JSON text, not a struct,
// because a re-sent record must be equal byte for byte and must be cut to size when committed.
struct Record {
    Stream stream = Stream::event;
    std::int64_t seq = 0;  // assigned at commit, from 1; 0 = not committed (written as null)
    std::uint32_t boot = 0;
    SiteTime ts;  // capture time
    TimeQuality tq = TimeQuality::none;
    std::int64_t up_ms = 0;  // monotonic since process start
    std::uint32_t meta_rev = 0;
    std::string topic_suffix;  // empty = the stream's own topic; "reported" for R/reported
    std::string body;
    std::string response_topic;  // replies: where else to send it (already checked); else empty
    std::string correlation;     // bytes
};
using RecordPtr = std::shared_ptr<const Record>;

struct SeqRange {
    std::int64_t from = 0, to = 0;  // inclusive
    friend bool operator==(const SeqRange&, const SeqRange&) = default;
};
struct LostRange {
    Stream stream = Stream::event;
    SeqRange range;
    std::string why;  // "quota", "too_big", "corrupt", "retention"
};
struct Backlog {
    Stream stream = Stream::event;
    SeqRange range;
    std::int64_t records = 0;
};

// What the envelope and status need to know of the store.
struct StoreIdentity {
    std::string epoch;         // ULID minted when the store was created
    std::uint32_t boot = 0;    // this process start
    std::uint32_t conn = 0;    // last connection counter used
    std::string replaces;      // epoch before this one when known, else empty
    std::string reason;        // "new_gateway", "new_store", "restored"; empty when the epoch is old
    bool fresh_epoch = false;  // the first status of this epoch has not been acknowledged yet
};

class Outbox {
  public:
    Outbox() = default;
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    virtual ~Outbox() = default;

    virtual const StoreIdentity& identity() const = 0;

    // Takes a record over; returns at once. It is handed to the listener after its commit with seq set, or
    // with seq 0 when the store cannot commit.
    virtual void append(Record record, Urgency urgency) = 0;
    // Commits everything waiting without regard to commit_every; `done(ok)` runs afterwards.
    virtual void flush(std::function<void(bool)> done) = 0;

    // Called once per commit with the records in order of seq per stream.
    using CommitListener = std::function<void(std::span<const RecordPtr>)>;
    virtual void on_commit(CommitListener listener) = 0;
    // Called when backlog or lost changed for a reason that is not an append or an acknowledgement.
    virtual void on_loss(std::function<void(std::span<const LostRange>)> listener) = 0;

    // Broker acknowledged these (any order). The cursor is durable within commit_every.
    virtual void acknowledge(Stream stream, std::int64_t seq) = 0;
    // A record that can never be sent: it leaves the backlog and becomes lost.
    virtual void give_up(Stream stream, std::int64_t seq, std::string why) = 0;

    // Unacknowledged records of `stream` with seq >= from, in order, at most max_records and about max_bytes
    // of body.
    using ReadDone = std::function<void(std::vector<RecordPtr>)>;
    virtual void read_pending(Stream stream, std::int64_t from, std::size_t max_records,
                              std::size_t max_bytes, ReadDone done) = 0;
    // Records of `stream` in [range], acknowledged or not, as far as they are kept (replay).
    virtual void read_range(Stream stream, SeqRange range, std::size_t max_records, std::size_t max_bytes,
                            ReadDone done) = 0;

    virtual std::int64_t next_seq(Stream stream) const = 0;
    virtual std::vector<Backlog> backlog() const = 0;  // committed and not acknowledged, by stream
    virtual std::vector<LostRange> lost() const = 0;   // still to be told in status
    // A status that named these was acknowledged: they are told and leave lost().
    virtual void lost_told(std::span<const LostRange>) {}

    // Persisted counters. next_conn is committed before it returns through `done`.
    virtual void next_conn(std::function<void(std::uint32_t)> done) = 0;
    virtual void epoch_announced() = 0;  // clears fresh_epoch
    // The smallest Maximum Packet Size ever seen; persisted. 0 = none.
    virtual std::size_t smallest_packet_size() const = 0;
    virtual void note_packet_size(std::size_t bytes) = 0;

    // Commands: the last 1,000 ids (48 h). A handler first asks, then stores before anything reaches a lamp.
    struct CommandRecord {
        std::string id;
        WallTime received;
        std::string accepted_body;  // body of the stored accepted reply; empty = none sent
        std::string done_body;      // body of the stored done; empty = still running
        std::string request;        // the command as received, to resume after a restart
    };
    virtual const CommandRecord* find_command(std::string_view id) const = 0;
    // done(durable): durable is false when the disk refuses; the id is then kept in RAM only
    // ("volatile":true).
    virtual void store_command(CommandRecord command, std::function<void(bool durable)> done) = 0;
    virtual void finish_command(std::string_view id, std::string done_body) = 0;
    virtual std::vector<CommandRecord> unfinished_commands() const = 0;

    // State that outlives a restart: overrides, holds. Small values, last writer wins.
    virtual void put_state(std::string key, std::string value) = 0;
    virtual std::optional<std::string> state(std::string_view key) const = 0;
    virtual std::vector<std::pair<std::string, std::string>> states(std::string_view prefix) const = 0;
};

}  // namespace sl::site
