// Broken files, full and read-only disks.
#include "fault_vfs.hpp"
#include "gateway/store/files.hpp"
#include "harness.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace sl::testing {

using site::SeqRange;
using site::Stream;
using site::Urgency;

static void overwrite(const std::string& path, std::streamoff offset, const std::string& bytes) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(offset);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

static std::string filled(const store::Options& options, int records) {
    Rig rig{options};
    rig.store->put_state("hold/F1", "off");
    for (int i = 0; i < records; ++i)
        rig.store->append(record(Stream::event, std::string(300, 'e')), Urgency::now);
    EXPECT_TRUE(rig.flush());
    return rig.store->identity().epoch;
}

static void expect_replaced(const store::Options& options, const std::string& old_epoch) {
    Rig rig{options};
    EXPECT_TRUE(rig.store->ok()) << rig.store->why();
    EXPECT_NE(old_epoch, rig.store->identity().epoch);
    EXPECT_EQ(old_epoch, rig.store->identity().replaces);
    EXPECT_EQ("new_store", rig.store->identity().reason);
    EXPECT_EQ(1, rig.store->next_seq(Stream::event));
    EXPECT_EQ("off", rig.store->state("hold/F1")) << "a hold must outlive the file it was kept in";
    EXPECT_TRUE(store::exists(options.directory + "/queue.db.corrupt-1"));
    rig.store->append(record(Stream::event, "new"), Urgency::now);
    EXPECT_TRUE(rig.flush());
}

TEST(BrokenStore, ABrokenHeaderIsMovedAsideAndTheNewEpochNamesTheOld) {
    const TempDir dir;
    const std::string epoch = filled(options_for(dir.path()), 50);
    overwrite(dir.file("queue.db"), 0, "this is not a database");
    expect_replaced(options_for(dir.path()), epoch);
}

TEST(BrokenStore, ATruncatedFileIsMovedAside) {
    const TempDir dir;
    const std::string epoch = filled(options_for(dir.path()), 200);
    std::filesystem::resize_file(dir.file("queue.db"), 20'000);
    expect_replaced(options_for(dir.path()), epoch);
}

TEST(BrokenStore, TrashedPagesInTheMiddleAreFoundAtTheStart) {
    const TempDir dir;
    const std::string epoch = filled(options_for(dir.path()), 400);
    overwrite(dir.file("queue.db"), 80'000, std::string(12'288, '\x5a'));
    expect_replaced(options_for(dir.path()), epoch);
}

TEST(BrokenStore, AtMostTwoBrokenFilesAreKept) {
    const TempDir dir;
    for (int i = 0; i < 4; ++i) {
        filled(options_for(dir.path()), 5);
        overwrite(dir.file("queue.db"), 0, "broken once more");
    }
    Rig rig{options_for(dir.path())};
    std::size_t kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator{dir.path()})
        kept += entry.path().filename().string().find(".db.corrupt-") != std::string::npos ? 1U : 0U;
    EXPECT_EQ(2U, kept);
}

TEST(BrokenStore, AVanishedFileIsANewStoreAndAnOldCopyPutBackIsRestored) {
    const TempDir dir;
    const std::string first = filled(options_for(dir.path()), 5);
    std::filesystem::copy_file(dir.file("queue.db"), dir.file("backup"));
    filled(options_for(dir.path()), 5);
    std::filesystem::copy_file(dir.file("backup"), dir.file("queue.db"),
                               std::filesystem::copy_options::overwrite_existing);
    {
        Rig rig{options_for(dir.path())};
        EXPECT_EQ("restored", rig.store->identity().reason);
        EXPECT_EQ(first, rig.store->identity().replaces);
        EXPECT_EQ(1, rig.store->next_seq(Stream::event)) << "the old numbers were used by other records";
        EXPECT_EQ("off", rig.store->state("hold/F1"));
    }
    std::filesystem::remove(dir.file("queue.db"));
    Rig rig{options_for(dir.path())};
    EXPECT_EQ("new_store", rig.store->identity().reason);
}

TEST(BrokenStore, ABrokenHistoryCostsNoEpoch) {
    const TempDir dir;
    const std::string epoch = filled(options_for(dir.path()), 5);
    overwrite(dir.file("history.db"), 0, "this is not a database");
    Rig rig{options_for(dir.path())};
    EXPECT_TRUE(rig.store->ok());
    EXPECT_EQ(epoch, rig.store->identity().epoch);
    EXPECT_TRUE(store::exists(dir.file("history.db.corrupt-1")));
}

TEST(BrokenStore, AFileOfANewerVersionIsRefusedAndLeftAlone) {
    const TempDir dir;
    filled(options_for(dir.path()), 5);
    sqlite3* raw = nullptr;
    ASSERT_EQ(SQLITE_OK, sqlite3_open(dir.file("queue.db").c_str(), &raw));
    ASSERT_EQ(SQLITE_OK, sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr));
    sqlite3_close(raw);
    Rig rig{options_for(dir.path())};
    EXPECT_FALSE(rig.store->ok());
    EXPECT_NE(std::string::npos, rig.store->why().find("schema 99")) << rig.store->why();
    EXPECT_FALSE(store::exists(dir.file("queue.db.corrupt-1")));
}

TEST(BrokenStore, ASecondDaemonOnTheSameFolderGoesOnWithoutADisk) {
    const TempDir dir;
    Rig first{options_for(dir.path())};
    Rig second{options_for(dir.path())};
    EXPECT_FALSE(second.store->ok());
    EXPECT_NE(std::string::npos, second.store->why().find("in use"));
    EXPECT_TRUE(first.store->ok());
}

TEST(NoDisk, RecordsPassWithoutANumberAndCommandsAreVolatileUntilTheDiskIsBack) {
    const TempDir dir;
    const FaultVfs unused{"unused"};
    FaultVfs vfs{"readonly"};
    store::Options options = options_for(dir.path());
    options.vfs = vfs.name();
    Rig rig{options};
    rig.store->append(record(Stream::event, "before"), Urgency::now);
    ASSERT_TRUE(rig.flush());
    rig.store->put_state("hold/F1", "off");
    ASSERT_TRUE(rig.flush());
    vfs.refuse_writes(SQLITE_READONLY);
    rig.store->append(record(Stream::event, "during"), Urgency::now);
    EXPECT_FALSE(rig.flush());
    ASSERT_EQ(2U, rig.committed.size());
    EXPECT_EQ(0, rig.committed[1]->seq);
    EXPECT_EQ("during", rig.committed[1]->body);
    EXPECT_FALSE(rig.store->ok());
    std::optional<bool> durable;
    site::Outbox::CommandRecord command;
    command.id = "01A";
    rig.store->store_command(command, [&](bool ok) { durable = ok; });
    rig.store->put_state("hold/F1", "");
    rig.loop.until([&] { return durable.has_value(); });
    EXPECT_FALSE(*durable);
    EXPECT_NE(nullptr, rig.store->find_command("01A"));
    EXPECT_EQ(1U, rig.loop.fire(options.retry_every));
    rig.loop.until([&] { return rig.loop.armed(options.retry_every) > 0; });
    EXPECT_FALSE(rig.store->ok()) << "still refused";
    vfs.refuse_writes(0);
    rig.loop.fire(options.retry_every);
    rig.loop.until([&] { return rig.store->ok(); });
    rig.store->append(record(Stream::event, "after"), Urgency::now);
    ASSERT_TRUE(rig.flush());
    EXPECT_EQ(2, rig.committed.back()->seq) << "what passed uncommitted stands outside the gap rule";
    rig.open(options);
    EXPECT_NE(nullptr, rig.store->find_command("01A")) << "written once the disk was back";
    EXPECT_EQ(std::nullopt, rig.store->state("hold/F1")) << "released while there was no disk";
    EXPECT_EQ("ok", rig.health.back());
}

TEST(NoDisk, AStoreThatNeverOpenedStartsInRamAndRecovers) {
    const TempDir dir;
    store::Options options = options_for(dir.path() + "/blocked/store");
    std::ofstream{dir.file("blocked")} << "a file where the folder should be";
    Rig rig{options};
    EXPECT_FALSE(rig.store->ok());
    EXPECT_EQ(26U, rig.store->identity().epoch.size());
    rig.store->append(record(Stream::event, "x"), Urgency::now);
    rig.loop.until([&] { return rig.committed.size() == 1; });
    EXPECT_EQ(0, rig.committed[0]->seq);
    std::filesystem::remove(dir.file("blocked"));
    rig.loop.fire(options.retry_every);
    rig.loop.until([&] { return rig.store->ok(); });
    rig.store->append(record(Stream::event, "y"), Urgency::now);
    ASSERT_TRUE(rig.flush());
    EXPECT_EQ(1, rig.committed[1]->seq);
}

TEST(FullDisk, TheBallastMakesRoomAndTheOldestTelemetryGoesWithNotice) {
    const TempDir dir;
    FaultVfs vfs{"full"};
    store::Options options = options_for(dir.path());
    options.vfs = vfs.name();
    options.ballast_bytes = 1U << 20U;
    Rig rig{options};
    ASSERT_TRUE(store::exists(dir.file("ballast")));
    vfs.limit_growth(600'000, dir.file("ballast"), 1 << 20);
    std::int64_t produced = 0;
    bool ballast_used = false;
    for (int batch = 0; batch < 60; ++batch) {
        for (int i = 0; i < 20; ++i, ++produced)
            rig.store->append(record(Stream::telemetry, std::string(2'000, 't')), Urgency::batched);
        rig.store->append(record(Stream::energy, "register"), Urgency::batched);
        rig.flush();
        ballast_used = ballast_used || !store::exists(dir.file("ballast"));
    }
    EXPECT_TRUE(ballast_used);
    EXPECT_TRUE(rig.store->ok()) << rig.store->why();
    ASSERT_FALSE(rig.lost.empty());
    std::int64_t lost = 0;
    for (const auto& range : rig.lost) {
        EXPECT_EQ(Stream::telemetry, range.stream);
        lost += range.range.to - range.range.from + 1;
    }
    const auto kept = static_cast<std::int64_t>(rig.pending(Stream::telemetry).size());
    EXPECT_EQ(produced, kept + lost);
    EXPECT_EQ(60U, rig.pending(Stream::energy).size());
    vfs.limit_growth(-1);
    rig.store->append(record(Stream::event, "x"), Urgency::now);
    rig.loop.fire(options.maintain_every);
    ASSERT_TRUE(rig.flush());
    ASSERT_TRUE(rig.flush());
    EXPECT_TRUE(store::exists(dir.file("ballast"))) << "made again when there is space";
}

}  // namespace sl::testing
