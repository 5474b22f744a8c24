// The store as the rest of the gateway sees it: the outbox of the contract, the history of the cabinet. Lives
// on the reactor's thread; disks are touched on two threads of its own. When the disk refuses, everything
// goes on in RAM: records pass uncommitted with seq 0, commands are volatile, and the store tries again.
#pragma once

#include "gateway/site/outbox.hpp"
#include "gateway/store/history.hpp"
#include "gateway/store/options.hpp"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sl::store {

class Engine;
class Ranges;
struct Snapshot;

class Store final : public site::Outbox {
  public:
    // Opens at once; a store that cannot be opened is not an error here but ok() == false.
    Store(const Options& options, Post post, After after);
    ~Store() override;  // commits what waits

    using HealthListener = std::function<void(bool ok, std::string why)>;
    // After a change; `ok` may come with another identity() than before (a broken file was replaced): then a
    // new status is due, and next_seq, backlog and lost begin anew.
    void on_health(HealthListener listener) { on_health_ = std::move(listener); }
    bool ok() const noexcept { return ok_; }
    const std::string& why() const noexcept { return why_; }  // empty when ok

    const site::StoreIdentity& identity() const override { return identity_; }
    void append(site::Record record, site::Urgency urgency) override;
    void flush(std::function<void(bool)> done) override;
    void on_commit(CommitListener listener) override { on_commit_ = std::move(listener); }
    void on_loss(std::function<void(std::span<const site::LostRange>)> listener) override {
        on_loss_ = std::move(listener);
    }
    void acknowledge(site::Stream stream, std::int64_t seq) override;
    void give_up(site::Stream stream, std::int64_t seq, std::string why) override;
    void read_pending(site::Stream stream, std::int64_t from, std::size_t max_records, std::size_t max_bytes,
                      ReadDone done) override;
    void read_range(site::Stream stream, site::SeqRange range, std::size_t max_records, std::size_t max_bytes,
                    ReadDone done) override;
    std::int64_t next_seq(site::Stream stream) const override;
    std::vector<site::Backlog> backlog() const override;
    std::vector<site::LostRange> lost() const override { return lost_; }
    // Records lost since this process started, told or not.
    std::int64_t lost_records(site::Stream stream) const {
        return lost_records_[static_cast<std::size_t>(stream)];
    }
    // All files of the store together, as they stand on the disk now.
    std::int64_t bytes() const;
    void lost_told(std::span<const site::LostRange> told) override;
    void next_conn(std::function<void(std::uint32_t)> done) override;
    void epoch_announced() override;
    std::size_t smallest_packet_size() const override { return packet_size_; }
    void note_packet_size(std::size_t bytes) override;
    const CommandRecord* find_command(std::string_view id) const override;
    void store_command(CommandRecord command, std::function<void(bool durable)> done) override;
    void finish_command(std::string_view id, std::string done_body) override;
    std::vector<CommandRecord> unfinished_commands() const override;
    void put_state(std::string key, std::string value) override;  // an empty value deletes
    std::optional<std::string> state(std::string_view key) const override;
    std::vector<std::pair<std::string, std::string>> states(std::string_view prefix) const override;

    // History: written with the next commit or after commit_every; a kill may cost the last of it.
    void append_history(std::vector<HistoryReading> readings);
    void append_intervals(std::vector<HistoryInterval> intervals);
    void append_journal(JournalEntry entry);
    void query_history(HistoryQuery query, std::function<void(std::vector<HistoryReading>)> done);
    void query_intervals(HistoryQuery query, std::function<void(std::vector<HistoryInterval>)> done);
    void query_journal(HistoryQuery query, std::function<void(std::vector<JournalEntry>)> done);

  private:
    using Done = std::function<void(bool)>;
    void load(const Snapshot& snapshot);
    void start_in_ram();
    void take_committed(const std::vector<site::RecordPtr>& records, bool committed);
    void take_lost(const std::vector<site::LostRange>& lost);
    void add_lost(const site::LostRange& lost);
    void take_opened(const Snapshot& snapshot);
    void take_failure(const std::string& why);
    void resync(bool same_epoch);
    void pass_uncommitted(const std::shared_ptr<site::Record>& record);
    void arm_commit();
    void arm_retry();
    void arm_maintenance();
    void put_meta(std::string key, std::string value, Done done = {});
    void evict_commands(site::WallTime newest);
    void read(site::Stream stream, std::vector<site::SeqRange> ranges, std::size_t max_records,
              std::size_t max_bytes, bool only_pending, ReadDone done);

    const Options options_;
    const Post post_;
    const After after_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
    CommitListener on_commit_;
    std::function<void(std::span<const site::LostRange>)> on_loss_;
    HealthListener on_health_;

    bool ok_ = false;
    std::string why_;
    site::StoreIdentity identity_;
    std::array<std::int64_t, site::stream_count> next_{};
    std::unique_ptr<std::array<Ranges, site::stream_count>> pending_;  // committed, not acknowledged
    std::vector<site::LostRange> lost_;
    std::array<std::int64_t, site::stream_count> lost_records_{};
    std::size_t packet_size_ = 0;
    std::map<std::string, CommandRecord, std::less<>> commands_;
    std::deque<std::string> command_order_;  // oldest first
    std::map<std::string, std::string, std::less<>> states_;
    std::set<std::string, std::less<>> erased_;  // states whose deletion is not yet on disk
    std::int64_t newest_ts_ = 0;                 // of trusted records; retention counts back from it
    int maintenances_ = 0;
    bool commit_armed_ = false, retry_armed_ = false;
    std::unique_ptr<Engine> engine_;  // last: its threads end first
};

}  // namespace sl::store
