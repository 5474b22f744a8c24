#include "gateway/store/files.hpp"
#include "harness.hpp"

#include <set>

#include <gtest/gtest.h>

namespace sl::testing {

using site::SeqRange;
using site::Stream;
using site::Urgency;

TEST(Quota, FilesStayBelowTheLimitAndKeptPlusLostIsProduced) {
    const TempDir dir;
    store::Options options = options_for(dir.path());
    options.max_bytes = 2U << 20U;
    Rig rig{options};
    std::array<std::int64_t, site::stream_count> produced{};
    std::int64_t largest = 0;
    for (int batch = 0; batch < 150; ++batch) {
        for (int i = 0; i < 40; ++i) {
            rig.store->append(record(Stream::telemetry, std::string(400, 't')), Urgency::batched);
            ++produced[static_cast<std::size_t>(Stream::telemetry)];
        }
        rig.store->append(record(Stream::state, std::string(2'000, 's')), Urgency::now);
        rig.store->append(record(Stream::event, std::string(100, 'e')), Urgency::now);
        rig.store->append(record(Stream::energy, std::string(100, 'w')), Urgency::batched);
        for (const Stream stream : {Stream::state, Stream::event, Stream::energy})
            ++produced[static_cast<std::size_t>(stream)];
        ASSERT_TRUE(rig.flush());
        largest = std::max(largest, store::directory_bytes(dir.path()));
    }
    EXPECT_LE(largest, static_cast<std::int64_t>(options.max_bytes) * 11 / 10);
    EXPECT_GT(largest, static_cast<std::int64_t>(options.max_bytes) / 2) << "the quota is there to be used";
    std::array<std::int64_t, site::stream_count> lost{};
    for (const auto& range : rig.lost)
        lost[static_cast<std::size_t>(range.stream)] += range.range.to - range.range.from + 1;
    EXPECT_GT(lost[static_cast<std::size_t>(Stream::telemetry)], 0);
    EXPECT_EQ(0, lost[static_cast<std::size_t>(Stream::event)]);
    EXPECT_EQ(0, lost[static_cast<std::size_t>(Stream::energy)]);
    rig.open(options);
    for (const Stream stream : {Stream::telemetry, Stream::state, Stream::event, Stream::energy}) {
        const auto i = static_cast<std::size_t>(stream);
        const auto pending = rig.pending(stream);
        EXPECT_EQ(produced[i], static_cast<std::int64_t>(pending.size()) + lost[i]) << site::name(stream);
        if (!pending.empty()) {
            EXPECT_EQ(produced[i], pending.back()->seq) << "the oldest go first";
        }
    }
    std::int64_t told = 0;
    for (const auto& range : rig.store->lost())
        told += range.range.to - range.range.from + 1;
    std::int64_t all = 0;
    for (const std::int64_t count : lost)
        all += count;
    EXPECT_EQ(all, told) << "the lost ranges survive a restart until they are told";
}

TEST(Quota, SentRecordsGoBeforeAnythingIsLost) {
    const TempDir dir;
    store::Options options = options_for(dir.path());
    options.max_bytes = 2U << 20U;
    Rig rig{options};
    for (int batch = 0; batch < 150; ++batch) {
        for (int i = 0; i < 40; ++i)
            rig.store->append(record(Stream::event, std::string(400, 'e')), Urgency::now);
        if (batch < 5) rig.store->append(record(Stream::telemetry, "unsent"), Urgency::now);
        ASSERT_TRUE(rig.flush());
        for (const auto& record : rig.committed)
            if (record->stream == Stream::event) rig.store->acknowledge(Stream::event, record->seq);
        rig.committed.clear();
    }
    EXPECT_TRUE(rig.lost.empty());
    EXPECT_EQ(5U, rig.pending(Stream::telemetry).size());
    EXPECT_EQ(6'001, rig.store->next_seq(Stream::event));
    rig.open(options);
    EXPECT_EQ(6'001, rig.store->next_seq(Stream::event)) << "counters outlive the rows they counted";
}

TEST(Quota, SentRecordsAreKeptForReplayAsLongAsConfigured) {
    const TempDir dir;
    const store::Options options = options_for(dir.path());
    Rig rig{options};
    constexpr std::int64_t day = 86'400'000;
    constexpr std::int64_t start = 1'764'000'000'000;
    for (std::int64_t i = 0; i < 12; ++i) {
        rig.store->append(record(Stream::state, "s", start + i * day), Urgency::now);
        rig.store->append(record(Stream::energy, "w", start + i * day), Urgency::now);
    }
    ASSERT_TRUE(rig.flush());
    for (std::int64_t seq = 1; seq <= 12; ++seq) {
        if (seq != 2) rig.store->acknowledge(Stream::state, seq);
        rig.store->acknowledge(Stream::energy, seq);
    }
    ASSERT_TRUE(rig.flush());
    rig.loop.fire(options.maintain_every);
    ASSERT_TRUE(rig.flush());
    ASSERT_TRUE(rig.flush());
    std::set<std::int64_t> kept;
    for (const auto& record : rig.range(Stream::state, SeqRange{1, 12}))
        kept.insert(record->seq);
    EXPECT_EQ((std::set<std::int64_t>{2, 5, 6, 7, 8, 9, 10, 11, 12}), kept)
        << "seven days, and what was not sent";
    EXPECT_EQ(12U, rig.range(Stream::energy, SeqRange{1, 12}).size()) << "energy is kept for 400 days";
    EXPECT_TRUE(rig.lost.empty());
}

}  // namespace sl::testing
