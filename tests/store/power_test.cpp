// Power cuts at every step of writing, kills at random instants, and the bytes a day costs the flash.
#include "fault_vfs.hpp"
#include "harness.hpp"

#include <csignal>
#include <map>
#include <random>
#include <sys/wait.h>

#include <gtest/gtest.h>

namespace sl::testing {

using site::SeqRange;
using site::Stream;
using site::Urgency;

// What the world outside was promised before the power went.
struct Promises {
    std::map<std::pair<Stream, std::int64_t>, std::string> records;
    std::vector<std::string> commands;
    std::string epoch;
};

static void work(Rig& rig, Promises& promises, int rounds) {
    static int serial = 0;
    for (int round = 0; round < rounds && rig.store->ok(); ++round) {
        site::Outbox::CommandRecord command;
        command.id = "C" + std::to_string(++serial);
        rig.store->store_command(command, [&promises, id = command.id](bool durable) {
            if (durable) promises.commands.push_back(id);
        });
        rig.store->append(record(Stream::reply, "accepted " + command.id), Urgency::now);
        rig.store->append(record(Stream::telemetry, std::string(5'000, static_cast<char>('a' + serial % 26))),
                          Urgency::batched);
        if (rig.store->next_seq(Stream::reply) > 2)
            rig.store->acknowledge(Stream::reply, rig.store->next_seq(Stream::reply) - 2);
        rig.flush();
    }
    for (const auto& record : rig.committed)
        if (record->seq > 0) promises.records[{record->stream, record->seq}] = record->body;
    rig.committed.clear();
}

static void expect_kept(Rig& rig, const Promises& promises, const std::string& what) {
    ASSERT_TRUE(rig.store->ok()) << what << rig.store->why();
    ASSERT_EQ(promises.epoch, rig.store->identity().epoch) << what;
    for (const std::string& id : promises.commands)
        ASSERT_NE(nullptr, rig.store->find_command(id)) << what << id;
    for (const Stream stream : {Stream::reply, Stream::telemetry}) {
        const std::int64_t next = rig.store->next_seq(stream);
        const auto kept = rig.range(stream, SeqRange{1, next});
        ASSERT_EQ(next - 1, static_cast<std::int64_t>(kept.size())) << what << "gapless";
        for (const auto& [key, body] : promises.records) {
            if (key.first != stream) continue;
            ASSERT_LT(key.second, next) << what << "a number given out must never be used again";
            ASSERT_EQ(body, kept[static_cast<std::size_t>(key.second) - 1]->body) << what;
        }
    }
}

TEST(PowerCut, AtAnyStepOfWritingNothingPromisedIsLostAndSequencesStayGapless) {
    unsigned cuts = 0;
    for (const unsigned keep_percent : {0U, 50U, 100U}) {
        for (std::uint64_t step = 1; step < 160; step += 3) {
            const TempDir dir;
            FaultVfs vfs{"power"};
            store::Options options = options_for(dir.path());
            options.vfs = vfs.name();
            options.max_bytes = 1U << 20U;  // a short log: checkpoints are cut as well
            Promises promises;
            {
                Rig rig{options};
                promises.epoch = rig.store->identity().epoch;
                work(rig, promises, 2);
                vfs.cut_power_after(step);
                work(rig, promises, 14);
                rig.store.reset();
                rig.loop.run_ready();
            }
            if (!vfs.power_is_cut()) continue;
            ++cuts;
            vfs.restore(static_cast<unsigned>(step), keep_percent);
            const std::string what =
                "step " + std::to_string(step) + ", " + std::to_string(keep_percent) + " % kept: ";
            Rig rig{options};
            expect_kept(rig, promises, what);
            work(rig, promises, 1);
            rig.open(options);
            expect_kept(rig, promises, what + "again, ");
            if (::testing::Test::HasFatalFailure()) return;
        }
    }
    EXPECT_GT(cuts, 100U);
}

TEST(PowerCut, DuringTheVeryFirstOpeningLeavesAFolderThatOpens) {
    for (std::uint64_t step = 1; step < 60; ++step) {
        const TempDir dir;
        FaultVfs vfs{"power"};
        store::Options options = options_for(dir.path());
        options.vfs = vfs.name();
        vfs.cut_power_after(step);
        { const Rig rig{options}; }
        vfs.restore(static_cast<unsigned>(step), 50);
        Rig rig{options};
        ASSERT_TRUE(rig.store->ok()) << "step " << step << ": " << rig.store->why();
        rig.store->append(record(Stream::event, "x"), Urgency::now);
        ASSERT_TRUE(rig.flush());
        ASSERT_EQ(1, rig.committed.back()->seq);
    }
}

// The child writes every committed number into a pipe before it goes on, as a broker would have seen it.
[[noreturn]] static void child(const std::string& directory, int out) {
    store::Options options = options_for(directory);
    Rig rig{options};
    if (!rig.store->ok()) ::_exit(3);
    for (int i = 0;; ++i) {
        rig.store->append(record(Stream::event, "event"), Urgency::now);
        rig.store->append(record(Stream::telemetry, std::string(900, 't')), Urgency::batched);
        rig.flush();
        const std::int64_t seen = rig.store->next_seq(Stream::event) - 1;
        if (::write(out, &seen, sizeof seen) != sizeof seen) ::_exit(4);
    }
}

TEST(Kill, AtRandomInstantsNoNumberIsMissingOrUsedTwice) {
    const TempDir dir;
    std::mt19937 random{11};
    std::string epoch;
    std::int64_t published = 0;
    for (int round = 0; round < 12; ++round) {
        int ends[2] = {-1, -1};
        ASSERT_EQ(0, ::pipe(ends));
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            ::close(ends[0]);
            child(dir.path(), ends[1]);
        }
        ::close(ends[1]);
        const auto reports = 1 + random() % 30;
        std::int64_t seen = 0;
        for (unsigned i = 0; i < reports; ++i)
            ASSERT_EQ(static_cast<ssize_t>(sizeof seen), ::read(ends[0], &seen, sizeof seen));
        for (auto spin = random() % 20'000; spin > 0; --spin)
            ::getppid();  // lands anywhere in a commit
        ::kill(pid, SIGKILL);
        int status = 0;
        ASSERT_EQ(pid, ::waitpid(pid, &status, 0));
        while (::read(ends[0], &seen, sizeof seen) == sizeof seen) {
        }
        ::close(ends[0]);
        ASSERT_GT(seen, published);
        Rig rig{options_for(dir.path())};
        ASSERT_TRUE(rig.store->ok()) << rig.store->why();
        if (epoch.empty()) epoch = rig.store->identity().epoch;
        EXPECT_EQ(epoch, rig.store->identity().epoch);
        const std::int64_t next = rig.store->next_seq(Stream::event);
        EXPECT_GT(next, seen) << "a published number must never be given again";
        EXPECT_EQ(next - 1, static_cast<std::int64_t>(rig.pending(Stream::event).size()));
        published = seen;
    }
}

// A day of a 70-lamp cabinet with the default profile. Site time runs by argument; the timer of commit_every
// fires where it would.
static void a_day(Rig& rig, const store::Options& options) {
    const std::string row = R"(["L001",1200,"ok",71.2,228.1,0.33,0.96,182310,35.1,4100,812],)";
    std::string rows;
    for (int lamp = 0; lamp < 70; ++lamp)
        rows += row;
    const std::string meter = R"("kind":"meter","cs":"meter.1","rows":[)" + row + row + row + "]";
    const auto settle = [&] {
        rig.loop.fire(options.commit_every);
        rig.flush();
        for (const auto& record : rig.committed)
            rig.store->acknowledge(record->stream, record->seq);
        rig.committed.clear();
        rig.loop.fire(options.commit_every);
        rig.flush();
    };
    for (int minute = 0; minute < 24 * 60; minute += 5) {
        const std::int64_t ts = 1'764'000'000'000 + minute * 60'000LL;
        const bool night = minute < 7 * 60 || minute >= 17 * 60;
        rig.store->append(record(Stream::telemetry, meter, ts), Urgency::batched);
        if (night && minute % 30 == 0) {
            rig.store->append(record(Stream::telemetry, rows, ts), Urgency::batched);
            std::vector<store::HistoryReading> readings;
            for (int lamp = 0; lamp < 70; ++lamp)
                readings.push_back({site::site_ms(ts), "L" + std::to_string(100 + lamp),
                                    site::Quantity::power_w, 71.2, site::Quality::ok});
            rig.store->append_history(std::move(readings));
        }
        if (minute % 15 == 0) {
            rig.store->append(record(Stream::energy, std::string(600, 'i'), ts), Urgency::batched);
            std::vector<store::HistoryInterval> intervals(
                4, {site::site_ms(ts - 900'000), site::site_ms(ts), "", 1'250, "182310", "183560", "metered",
                    100, 0});
            for (std::size_t i = 0; i < intervals.size(); ++i)
                intervals[i].object = "F" + std::to_string(i);
            rig.store->append_intervals(std::move(intervals));
        }
        if (minute % 360 == 0) {
            rig.store->append(record(Stream::state, rows, ts), Urgency::now);  // the snapshot of every 6 h
            rig.loop.fire(options.maintain_every);
        }
        if (minute % 60 == 0) {  // dusk, steps of dimming, a lamp that fails: two dozen changes a day
            rig.store->append(record(Stream::state, std::string(200, 's'), ts), Urgency::now);
            rig.store->append(record(Stream::event, std::string(300, 'e'), ts), Urgency::now);
            rig.store->append_journal({site::site_ms(ts), "decision", "F1", "program: 60 % until 23:30"});
        }
        settle();
    }
}

TEST(Flash, ADayOfSeventyLampsWritesLessThanTenMegabytes) {
    const TempDir dir;
    FaultVfs vfs{"flash"};
    store::Options options = options_for(dir.path());
    options.vfs = vfs.name();
    Rig rig{options};
    a_day(rig, options);  // the first day fills the log; the second is a day like any other
    const VfsCounters before = vfs.counters();
    a_day(rig, options);
    rig.store.reset();
    vfs.settle();
    const VfsCounters after = vfs.counters();
    const auto bytes = after.bytes - before.bytes;
    const auto flash = after.flash_bytes - before.flash_bytes;
    RecordProperty("bytes_written", std::to_string(bytes));
    RecordProperty("flash_bytes", std::to_string(flash));
    std::printf("a day: %.2f MB handed to the file system, %.2f MB in 4 KB blocks, %llu syncs\n",
                static_cast<double>(bytes) / 1e6, static_cast<double>(flash) / 1e6,
                static_cast<unsigned long long>(after.syncs - before.syncs));
    EXPECT_LT(bytes, 10'000'000U);
    EXPECT_LT(flash, 20'000'000U);
}

}  // namespace sl::testing
