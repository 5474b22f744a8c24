#include "harness.hpp"

#include <fstream>

#include <gtest/gtest.h>

namespace sl::testing {

using site::SeqRange;
using site::Stream;
using site::Urgency;

TEST(Store, ANewFolderIsANewGatewayAndKeepsItsEpochAcrossStarts) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    const std::string epoch = rig.store->identity().epoch;
    EXPECT_EQ(26U, epoch.size());
    EXPECT_EQ("new_gateway", rig.store->identity().reason);
    EXPECT_TRUE(rig.store->identity().fresh_epoch);
    EXPECT_EQ(1U, rig.store->identity().boot);
    rig.open(options_for(dir.path()));
    EXPECT_EQ(epoch, rig.store->identity().epoch);
    EXPECT_EQ(2U, rig.store->identity().boot);
    EXPECT_TRUE(rig.store->identity().fresh_epoch) << "not announced yet";
    rig.store->epoch_announced();
    rig.open(options_for(dir.path()));
    EXPECT_FALSE(rig.store->identity().fresh_epoch);
    EXPECT_EQ("", rig.store->identity().reason);
}

TEST(Store, SequencesArePerStreamGaplessAndContinueAfterARestart) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    for (int i = 0; i < 3; ++i)
        rig.store->append(record(Stream::event, "e" + std::to_string(i)), Urgency::now);
    rig.store->append(record(Stream::telemetry, "t"), Urgency::batched);
    ASSERT_TRUE(rig.flush());
    ASSERT_EQ(4U, rig.committed.size());
    EXPECT_EQ(4, rig.store->next_seq(Stream::event));
    EXPECT_EQ(2, rig.store->next_seq(Stream::telemetry));
    rig.open(options_for(dir.path()));
    EXPECT_EQ(4, rig.store->next_seq(Stream::event));
    rig.store->append(record(Stream::event, "e3"), Urgency::now);
    ASSERT_TRUE(rig.flush());
    const auto pending = rig.pending(Stream::event);
    ASSERT_EQ(4U, pending.size());
    for (std::size_t i = 0; i < pending.size(); ++i) {
        EXPECT_EQ(static_cast<std::int64_t>(i) + 1, pending[i]->seq);
        EXPECT_EQ("e" + std::to_string(i), pending[i]->body);
    }
}

TEST(Store, ARecordComesBackFromDiskWithEveryField) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    site::Record made = record(Stream::reply, "\"id\":\"x\"");
    made.boot = 7;
    made.tq = site::TimeQuality::rtc;
    made.up_ms = 86'400'123;
    made.meta_rev = 12;
    made.topic_suffix = "reported";
    made.response_topic = "streetlight/v1/JZ/_reply/a";
    made.correlation = std::string("\0\xff\x01", 3);
    rig.store->append(made, Urgency::now);
    ASSERT_TRUE(rig.flush());
    const auto back = rig.pending(Stream::reply);
    ASSERT_EQ(1U, back.size());
    EXPECT_EQ(1, back[0]->seq);
    EXPECT_EQ(made.boot, back[0]->boot);
    EXPECT_EQ(made.ts, back[0]->ts);
    EXPECT_EQ(made.tq, back[0]->tq);
    EXPECT_EQ(made.up_ms, back[0]->up_ms);
    EXPECT_EQ(made.meta_rev, back[0]->meta_rev);
    EXPECT_EQ(made.topic_suffix, back[0]->topic_suffix);
    EXPECT_EQ(made.body, back[0]->body);
    EXPECT_EQ(made.response_topic, back[0]->response_topic);
    EXPECT_EQ(made.correlation, back[0]->correlation);
}

TEST(Store, BatchedRecordsWaitForCommitEveryOrTheirBytes) {
    const TempDir dir;
    store::Options options = options_for(dir.path());
    options.commit_bytes = 10'000;
    Rig rig{options};
    rig.store->append(record(Stream::telemetry, "a"), Urgency::batched);
    EXPECT_EQ(1U, rig.loop.armed(options.commit_every));
    rig.loop.run_ready();
    EXPECT_TRUE(rig.committed.empty());
    rig.loop.fire(options.commit_every);
    rig.loop.until([&] { return rig.committed.size() == 1; });
    rig.store->append(record(Stream::telemetry, std::string(11'000, 'x')), Urgency::batched);
    rig.loop.until([&] { return rig.committed.size() == 2; });
    EXPECT_EQ(2, rig.committed.back()->seq);
}

TEST(Store, AcknowledgedRecordsLeaveTheBacklogForGoodAndStayForReplay) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    for (int i = 0; i < 10; ++i)
        rig.store->append(record(Stream::state, "s"), Urgency::now);
    ASSERT_TRUE(rig.flush());
    for (const std::int64_t seq : {1, 2, 3, 7})
        rig.store->acknowledge(Stream::state, seq);
    ASSERT_EQ(1U, rig.store->backlog().size());
    EXPECT_EQ((SeqRange{4, 10}), rig.store->backlog()[0].range);
    EXPECT_EQ(6, rig.store->backlog()[0].records);
    rig.open(options_for(dir.path()));
    EXPECT_EQ(6, rig.store->backlog()[0].records);
    const auto pending = rig.pending(Stream::state, 5, 3);
    ASSERT_EQ(3U, pending.size());
    EXPECT_EQ(5, pending[0]->seq);
    EXPECT_EQ(8, pending[2]->seq);
    EXPECT_EQ(10U, rig.range(Stream::state, SeqRange{1, 10}).size());
}

TEST(Store, ARecordThatCannotBeSentBecomesLostUntilItIsTold) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    rig.store->append(record(Stream::event, "huge"), Urgency::now);
    ASSERT_TRUE(rig.flush());
    rig.store->give_up(Stream::event, 1, "too_big");
    ASSERT_EQ(1U, rig.lost.size());
    EXPECT_TRUE(rig.store->backlog().empty());
    rig.open(options_for(dir.path()));
    EXPECT_TRUE(rig.store->backlog().empty());
    ASSERT_EQ(1U, rig.store->lost().size());
    EXPECT_EQ("too_big", rig.store->lost()[0].why);
    rig.store->lost_told(rig.store->lost());
    EXPECT_TRUE(rig.store->lost().empty());
    rig.open(options_for(dir.path()));
    EXPECT_TRUE(rig.store->lost().empty());
}

TEST(Store, CommandsAreFoundAtOnceAndAfterARestartAndTheLastThousandStay) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    std::optional<bool> durable;
    site::Outbox::CommandRecord command;
    command.id = "01A";
    command.received = site::WallTime{std::chrono::milliseconds{1'764'000'000'000}};
    command.accepted_body = "acc";
    command.request = "req";
    rig.store->store_command(command, [&](bool ok) { durable = ok; });
    ASSERT_NE(nullptr, rig.store->find_command("01A"));
    rig.loop.until([&] { return durable.has_value(); });
    EXPECT_TRUE(*durable);
    rig.open(options_for(dir.path()));
    ASSERT_EQ(1U, rig.store->unfinished_commands().size());
    EXPECT_EQ("req", rig.store->unfinished_commands()[0].request);
    rig.store->finish_command("01A", "done");
    for (int i = 0; i < 999; ++i) {
        command.id = "02" + std::to_string(i);
        rig.store->store_command(command, {});
    }
    rig.open(options_for(dir.path()));
    ASSERT_NE(nullptr, rig.store->find_command("01A"));
    EXPECT_EQ("done", rig.store->find_command("01A")->done_body);
    command.id = "03";
    rig.store->store_command(command, {});
    rig.open(options_for(dir.path()));
    EXPECT_EQ(nullptr, rig.store->find_command("01A")) << "the 1,001st pushes out the first";
    command.id = "04";
    command.received += std::chrono::hours{49};
    rig.store->store_command(command, {});
    rig.open(options_for(dir.path()));
    EXPECT_EQ(nullptr, rig.store->find_command("03")) << "older than 48 h";
    EXPECT_NE(nullptr, rig.store->find_command("04"));
}

TEST(Store, SmallStateAndCountersOutliveARestart) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    rig.store->put_state("hold/F1", "off");
    rig.store->put_state("hold/F2", "off");
    rig.store->put_state("override/L1", "60");
    rig.store->put_state("hold/F2", "");
    rig.store->note_packet_size(8'192);
    rig.store->note_packet_size(9'000);
    std::uint32_t conn = 0;
    rig.store->next_conn([&](std::uint32_t value) { conn = value; });
    rig.loop.until([&] { return conn != 0; });
    EXPECT_EQ(1U, conn);
    rig.open(options_for(dir.path()));
    EXPECT_EQ("off", rig.store->state("hold/F1"));
    EXPECT_EQ(std::nullopt, rig.store->state("hold/F2"));
    EXPECT_EQ(1U, rig.store->states("hold/").size());
    EXPECT_EQ(8'192U, rig.store->smallest_packet_size());
    EXPECT_EQ(1U, rig.store->identity().conn);
}

TEST(Store, HistoryIsReadBackByTimeAndObject) {
    const TempDir dir;
    Rig rig{options_for(dir.path())};
    std::vector<store::HistoryInterval> intervals;
    for (int i = 0; i < 8; ++i) {
        store::HistoryInterval interval;
        interval.from = site::site_ms(i * 900'000);
        interval.to = site::site_ms((i + 1) * 900'000);
        interval.object = i % 2 == 0 ? "M1" : "F1";
        interval.wh = 100 + i;
        interval.method = "metered";
        intervals.push_back(interval);
    }
    rig.store->append_intervals(intervals);
    rig.store->append_journal({site::site_ms(5), "input", "door", "open"});
    rig.store->append_history(
        {{site::site_ms(9), "L001", site::Quantity::power_w, 71.25, site::Quality::ok}});
    ASSERT_TRUE(rig.flush());
    std::optional<std::vector<store::HistoryInterval>> found;
    std::optional<std::vector<store::JournalEntry>> journal;
    std::optional<std::vector<store::HistoryReading>> readings;
    const auto all = site::site_ms(1'000'000'000);
    rig.store->query_intervals({site::site_ms(0), all, "M1", 10},
                               [&](auto rows) { found = std::move(rows); });
    rig.store->query_journal({site::site_ms(0), all, "", 10}, [&](auto rows) { journal = std::move(rows); });
    rig.store->query_history({site::site_ms(0), all, "L001", 10},
                             [&](auto rows) { readings = std::move(rows); });
    rig.loop.until([&] { return found && journal && readings; });
    ASSERT_EQ(4U, found->size());
    EXPECT_EQ(102, (*found)[1].wh);
    ASSERT_EQ(1U, journal->size());
    EXPECT_EQ("open", (*journal)[0].text);
    ASSERT_EQ(1U, readings->size());
    EXPECT_EQ(71.25, (*readings)[0].value);
}

}  // namespace sl::testing
