#include "gateway/platform/zone.hpp"
#include "tests/control/cabinet.hpp"

#include <random>

#include <gtest/gtest.h>

namespace sl::test {
namespace {

SiteTime utc(int y, int m, int d, int hour) {
    return SiteTime{std::chrono::sys_days{std::chrono::year{y} / m / d}.time_since_epoch() +
                    std::chrono::hours{hour}};
}

struct CabinetTest : testing::Test {
    site::Config config = cabinet_config(6);
    std::unique_ptr<site::Zone> zone = platform::load_zone("Asia/Shanghai");
    Street street = street_of(config);

    static void run(Gateway& gateway, Street& s, SiteTime& t, std::chrono::seconds length,
                    std::chrono::seconds pace = 5s) {
        for (const SiteTime end = t + length; t < end; t += pace)
            gateway.step(t, s);
    }
};

TEST_F(CabinetTest, goes_through_a_night_with_feeders_closed_one_by_one_and_broadcasts) {
    SiteTime t = utc(2026, 11, 23, 6);  // 14:00
    Gateway gateway{config, *zone, t, 4s};
    run(gateway, street, t, 3h);
    EXPECT_FALSE(street.relays[0].closed);
    EXPECT_EQ(gateway.frames().writes + gateway.frames().broadcasts, 0);
    run(gateway, street, t, 2h);  // 19:00
    EXPECT_TRUE(street.relays[0].closed);
    EXPECT_TRUE(street.relays[1].closed);
    EXPECT_GE(std::chrono::abs(street.relays[0].changed - street.relays[1].changed), 2s);
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(street.burning(i), 100);
    const int before = gateway.frames().broadcasts;
    run(gateway, street, t, 5h);  // midnight
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(street.burning(i), 60);
    EXPECT_EQ(gateway.frames().broadcasts, before + 1);
    EXPECT_EQ(gateway.frames().writes, 0);
    run(gateway, street, t, 9h);  // 09:00
    EXPECT_FALSE(street.relays[0].closed);
    EXPECT_FALSE(street.relays[1].closed);
    EXPECT_EQ(gateway.frames().opens, 2);
    for (const auto& lamp : street.lamps)
        EXPECT_EQ(lamp.level, 0);  // dark before the power went
}

TEST_F(CabinetTest, makes_no_frame_at_all_on_a_restart_at_midnight) {
    SiteTime t = utc(2026, 11, 23, 9);
    Gateway gateway{config, *zone, t, 0s};
    run(gateway, street, t, 8h);
    Gateway again{config, *zone, t, 8s};
    run(again, street, t, 1h);
    const Frames& frames = again.frames();
    EXPECT_EQ(frames.writes + frames.broadcasts + frames.closes + frames.opens, 0);
    EXPECT_EQ(frames.reads, 6);  // one read-back a lamp
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(street.burning(i), 60);
        EXPECT_EQ(again.reconcile().progress(i).confirmed, 2);
    }
}

// At about every twenty minutes of a week a second gateway takes over a copy of the street from nothing but
// its read-back; ten minutes later both streets burn alike, and nothing was switched off in between that the
// uninterrupted one did not switch off.
TEST_F(CabinetTest, ends_at_the_same_level_whenever_it_is_interrupted) {
    std::mt19937 random{7};
    SiteTime t = utc(2026, 11, 20, 4);
    const SiteTime end = t + std::chrono::days{7};
    Gateway gateway{config, *zone, t, 0s};
    std::vector<std::pair<std::string, std::string>> saved;
    int compared = 0;
    while (t < end) {
        run(gateway, street, t, std::chrono::seconds{10 * (1 + random() % 120)}, 10s);
        for (auto& pair : gateway.persisted()) {
            std::erase_if(saved, [&](const auto& old) { return old.first == pair.first; });
            saved.push_back(pair);
        }
        Street copy = street;
        SiteTime there = t;
        Gateway fresh{config, *zone, t, std::chrono::seconds{random() % 11}};
        fresh.restore(saved);
        const Frames before = gateway.frames();
        bool lit_throughout = true, dipped = false;
        for (int i = 0; i < 60; ++i) {
            run(gateway, street, t, 10s, 10s);
            run(fresh, copy, there, 10s, 10s);
            for (std::size_t lamp = 0; lamp < 6; ++lamp) {
                lit_throughout = lit_throughout && street.burning(lamp) > 0;
                dipped = dipped || copy.burning(lamp) == 0;
            }
        }
        ASSERT_FALSE(lit_throughout && dipped) << "a flash at " << site::to_ms(t);
        if (gateway.frames().off_writes == before.off_writes && lit_throughout) {
            ASSERT_EQ(fresh.frames().off_writes, 0) << site::to_ms(t);
        }
        for (std::size_t lamp = 0; lamp < 6; ++lamp) {
            ASSERT_EQ(copy.burning(lamp), street.burning(lamp))
                << "lamp " << lamp << " at " << site::to_ms(t);
        }
        ++compared;
    }
    EXPECT_GT(compared, 300);
}

TEST_F(CabinetTest, keeps_a_held_feeder_dead_through_the_night_and_lights_it_after_release) {
    SiteTime t = utc(2026, 11, 23, 9);
    Gateway gateway{config, *zone, t, 0s};
    gateway.arbitration().hold_feeder(0, false, site::HoldFor{600s}, "H", "wang", t);
    run(gateway, street, t, 8h);
    EXPECT_FALSE(street.relays[0].closed);
    EXPECT_TRUE(street.relays[1].closed);
    gateway.arbitration().release_feeder(0);
    run(gateway, street, t, 5min);
    EXPECT_EQ(street.burning(0), 60);
}

TEST_F(CabinetTest, does_not_reswitch_when_the_clock_goes_back_two_hours_at_night) {
    SiteTime t = utc(2026, 11, 23, 9);
    Gateway gateway{config, *zone, t, 0s};
    run(gateway, street, t, 8h);  // 01:00
    const Frames before = gateway.frames();
    t -= 90min;  // 23:30 again
    for (auto& relay : street.relays)
        relay.changed -= 90min;
    for (auto& lamp : street.lamps)
        lamp.powered_at -= 90min;
    run(gateway, street, t, 3h);
    EXPECT_EQ(gateway.frames().writes + gateway.frames().broadcasts, before.writes + before.broadcasts);
    EXPECT_EQ(gateway.frames().opens + gateway.frames().closes, before.opens + before.closes);
    t += std::chrono::days{180} + 12h;  // first NTP: half a year forward, noon
    run(gateway, street, t, 10min);
    EXPECT_LE(gateway.frames().broadcasts, before.broadcasts + 2);  // only the state now due
    EXPECT_FALSE(street.relays[0].closed);
}

}  // namespace
}  // namespace sl::test
