#include "gateway/schedule/arbitration.hpp"

#include <array>
#include <random>

#include <gtest/gtest.h>

namespace sl::schedule {
namespace {

using namespace std::chrono_literals;
using site::SiteTime;
using site::Source;

constexpr SiteTime t0 = site::site_ms(1'795'000'000'000);

site::Plant plant(int lamps) {
    site::Plant p;
    p.feeders.resize(2);
    p.feeders[0].id = "F1";
    p.feeders[1].id = "F2";
    for (int i = 0; i < lamps; ++i) {
        site::Lamp lamp;
        lamp.id = "灯 " + std::to_string(i);
        lamp.feeder = i % 2 == 0 ? "F1" : "F2";
        p.lamps.push_back(lamp);
    }
    return p;
}

Decision program(int level) {
    Decision d;
    d.level = site::Level{level};
    d.valid_until = t0 + 24h;
    return d;
}

OverrideRequest request(std::vector<std::size_t> lamps, int level, std::string id,
                        Source layer = Source::override_, site::Hold hold = site::HoldFor{}) {
    OverrideRequest r;
    r.lamps = std::move(lamps);
    r.level = site::Level{level};
    r.layer = layer;
    r.hold = hold;
    r.command = std::move(id);
    r.principal = "operator-2";
    return r;
}

struct ArbitrationTest : testing::Test {
    site::Plant site_plant = plant(6);
    Arbitration arb{site_plant};
    Wanted want(std::size_t lamp, SiteTime t, const Arbitration::Facts& facts = {}) const {
        return arb.resolve(lamp, t, program(60), "everyday", facts);
    }
};

TEST_F(ArbitrationTest, follows_the_program_when_nobody_says_otherwise) {
    const Wanted w = want(0, t0);
    EXPECT_EQ(w.level.percent(), 60);
    EXPECT_EQ(w.source, Source::program);
    EXPECT_EQ(w.ref, "everyday");
    EXPECT_EQ(w.valid_until, t0 + 24h);
}

TEST_F(ArbitrationTest, ends_an_override_after_two_hours_by_default_with_a_warning_ten_minutes_before) {
    arb.set(request({0, 1}, 100, "C1"), t0, nullptr);
    EXPECT_EQ(want(0, t0).level.percent(), 100);
    EXPECT_EQ(want(0, t0).ref, "C1");
    EXPECT_EQ(arb.next_edge(t0), t0 + 110min);
    EXPECT_TRUE(arb.tick(t0 + 110min - 1ms).empty());
    const auto warning = arb.tick(t0 + 110min);
    ASSERT_EQ(warning.size(), 1U);
    EXPECT_EQ(warning[0].kind, ArbitrationEvent::Kind::override_ending);
    EXPECT_EQ(warning[0].lamps, (std::vector<std::size_t>{0, 1}));
    EXPECT_TRUE(arb.tick(t0 + 111min).empty());
    EXPECT_EQ(want(0, t0 + 2h - 1ms).level.percent(), 100);
    EXPECT_EQ(want(0, t0 + 2h).level.percent(), 60);  // also before anybody ticked
    EXPECT_EQ(arb.tick(t0 + 2h).at(0).kind, ArbitrationEvent::Kind::override_ended);
    EXPECT_EQ(arb.next_edge(t0 + 2h), far_future);
}

TEST_F(ArbitrationTest, replaces_the_former_override_of_the_same_lamp_and_ranks_emergency_above) {
    arb.set(request({0, 1}, 100, "C1"), t0, nullptr);
    EXPECT_EQ(arb.set(request({1, 2}, 30, "C2"), t0 + 1s, nullptr), std::vector<std::string>{"C1"});
    EXPECT_EQ(want(0, t0 + 1s).level.percent(), 100);
    EXPECT_EQ(want(1, t0 + 1s).level.percent(), 30);
    arb.set(request({1}, 90, "C3", Source::emergency), t0 + 2s, nullptr);
    arb.set(request({1}, 10, "C4"), t0 + 3s, nullptr);
    EXPECT_EQ(want(1, t0 + 3s).level.percent(), 90);
    EXPECT_EQ(want(1, t0 + 3s).source, Source::emergency);
    const std::vector<std::size_t> lamps{1};
    EXPECT_EQ(arb.release(lamps), 2U);
    EXPECT_EQ(want(1, t0 + 3s).level.percent(), 60);
}

TEST_F(ArbitrationTest, ends_next_switch_at_the_switch_point_of_each_lamp) {
    const auto next = [](std::size_t lamp, SiteTime t) -> std::optional<SiteTime> {
        if (lamp == 0) return t + 30min;
        return std::nullopt;
    };
    arb.set(request({0, 1}, 100, "C1", Source::override_, site::HoldNextSwitch{}), t0, next);
    EXPECT_EQ(want(0, t0 + 30min).level.percent(), 60);
    EXPECT_EQ(want(1, t0 + 30min).level.percent(), 100);
    EXPECT_EQ(want(1, t0 + 2h).level.percent(), 60);
}

TEST_F(ArbitrationTest, keeps_what_was_set_until_released) {
    arb.set(request({0}, 100, "C1", Source::override_, site::HoldReleased{}), t0, nullptr);
    EXPECT_TRUE(arb.tick(t0 + std::chrono::days{400}).empty());
    EXPECT_EQ(want(0, t0 + std::chrono::days{400}).level.percent(), 100);
}

TEST_F(ArbitrationTest, ranks_manual_above_a_hold_and_a_hold_above_lamp_set) {
    arb.set(request({0}, 100, "C1", Source::emergency), t0, nullptr);
    arb.hold_feeder(0, false, site::HoldFor{3'600s}, "H1", "wang", t0);
    EXPECT_EQ(want(0, t0).level.percent(), 0);
    EXPECT_EQ(want(0, t0).source, Source::maintenance);
    EXPECT_EQ(want(1, t0).level.percent(), 60);  // the other feeder
    EXPECT_EQ(want(0, t0, {true, std::nullopt}).level.percent(), 100);
    EXPECT_EQ(want(0, t0, {true, std::nullopt}).source, Source::local);
    EXPECT_EQ(want(0, t0, {true, site::Level{40}}).source, Source::safety);
}

TEST_F(ArbitrationTest, never_ends_an_off_hold_but_reminds_every_hour_once_overdue) {
    arb.hold_feeder(0, false, site::HoldFor{3'600s}, "H1", "wang", t0);
    EXPECT_TRUE(arb.tick(t0 + 59min).empty());
    int reminders = 0;
    for (SiteTime t = t0 + 1h; t < t0 + 24h; t += 1min) {
        for (const auto& e : arb.tick(t)) {
            EXPECT_EQ(e.kind, ArbitrationEvent::Kind::hold_overdue);
            ++reminders;
        }
    }
    EXPECT_EQ(reminders, 23);
    EXPECT_TRUE(arb.held_off(0));
    EXPECT_TRUE(arb.release_feeder(0));
    EXPECT_FALSE(arb.held_off(0));
}

TEST_F(ArbitrationTest, ends_an_override_at_its_time_also_if_the_gateway_was_off) {
    arb.set(request({0, 3}, 100, "C 1"), t0, nullptr);
    arb.set(request({3}, 20, "C2", Source::emergency, site::HoldReleased{}), t0, nullptr);
    arb.hold_feeder(1, false, site::HoldFor{3'600s}, "H1", "王", t0);
    const auto pairs = arb.changes();
    ASSERT_EQ(pairs.size(), 3U);
    EXPECT_TRUE(arb.changes().empty());

    Arbitration after{site_plant};
    EXPECT_EQ(after.restore(pairs), 0U);
    EXPECT_TRUE(after.changes().empty());
    EXPECT_EQ(*after.find(0, Source::override_, t0), *arb.find(0, Source::override_, t0));
    EXPECT_EQ(*after.hold(1), *arb.hold(1));
    EXPECT_EQ(after.resolve(0, t0 + 3h, program(60), "r", {}).level.percent(), 60);
    EXPECT_EQ(after.tick(t0 + 3h).size(), 2U);  // the end, and the hold that is overdue
    EXPECT_TRUE(after.held_off(1));
    const auto gone = after.changes();
    ASSERT_EQ(gone.size(), 2U);  // the hold noted its reminder; the override is gone
    EXPECT_EQ(gone[1].first, "arb.override.C 1.override");
    EXPECT_TRUE(gone[1].second.empty());
}

TEST_F(ArbitrationTest, leaves_out_lamps_that_exist_no_more_and_refuses_nonsense) {
    arb.set(request({0, 5}, 100, "C1"), t0, nullptr);
    const auto pairs = arb.changes();
    const site::Plant smaller = plant(3);
    Arbitration after{smaller};
    EXPECT_EQ(after.restore(pairs), 0U);
    EXPECT_NE(after.find(0, Source::override_, t0), nullptr);
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(after.restore(Pairs{{"arb.override.X.override", "level 900\nlamp - 0 灯 1\n"}}), 1U);
    EXPECT_EQ(after.restore(Pairs{{"arb.override.X.override", "level 90\nlamp soon 0 灯 1\n"}}), 1U);
    EXPECT_EQ(after.find(1, Source::override_, t0), nullptr);
    // A damaged hold still holds: the careful reading.
    EXPECT_EQ(after.restore(Pairs{{"arb.hold.F1", "on 0\nend never\n"}}), 1U);
    EXPECT_TRUE(after.held_off(0));
}

TEST(ArbitrationProperty, has_one_winner_by_rank_and_every_timed_override_ends) {
    const site::Plant site_plant = plant(4);
    for (unsigned seed = 1; seed <= 60; ++seed) {
        std::mt19937 random{seed};
        const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
        Arbitration arb{site_plant};
        struct Model {
            std::optional<std::pair<int, SiteTime>> emergency, override_;
        };
        std::array<Model, 4> model;
        std::array<bool, 2> held{};
        SiteTime t = t0;
        for (int i = 0; i < 300; ++i) {
            t += std::chrono::seconds{pick(900)};
            const auto lamp = static_cast<std::size_t>(pick(4));
            const auto feeder = static_cast<std::size_t>(pick(2));
            switch (pick(6)) {
                case 0:
                case 1: {
                    const bool emergency = pick(3) == 0;
                    const int level = pick(101);
                    const std::chrono::seconds length{1 + pick(9'000)};
                    arb.set(request({lamp}, level, "C" + std::to_string(i),
                                    emergency ? Source::emergency : Source::override_, site::HoldFor{length}),
                            t, nullptr);
                    auto& slot = emergency ? model[lamp].emergency : model[lamp].override_;
                    slot.emplace(level, t + length);
                    break;
                }
                case 2:
                    arb.release(std::vector<std::size_t>{lamp});
                    model[lamp] = {};
                    break;
                case 3:
                    arb.hold_feeder(feeder, false, site::HoldFor{60s}, "H", "p", t);
                    held[feeder] = true;
                    break;
                case 4:
                    if (pick(3) == 0) {
                        arb.release_feeder(feeder);
                        held[feeder] = false;
                    }
                    break;
                default:
                    arb.tick(t);
            }
            for (std::size_t l = 0; l < 4; ++l) {
                const bool manual = pick(8) == 0;
                int level = 60;
                Source source = Source::program;
                const Model& m = model[l];
                if (m.override_ && t < m.override_->second) {
                    level = m.override_->first;
                    source = Source::override_;
                }
                if (m.emergency && t < m.emergency->second) {
                    level = m.emergency->first;
                    source = Source::emergency;
                }
                if (held[l % 2]) {
                    level = 0;
                    source = Source::maintenance;
                }
                if (manual) {
                    level = 100;
                    source = Source::local;
                }
                const Wanted w = arb.resolve(l, t, program(60), "r", {manual, std::nullopt});
                ASSERT_EQ(w.level.percent(), level) << "seed " << seed << " step " << i;
                ASSERT_EQ(w.source, source) << "seed " << seed << " step " << i;
            }
        }
        arb.tick(t + 3h);
        for (std::size_t l = 0; l < 4; ++l) {
            EXPECT_EQ(arb.find(l, Source::override_, t), nullptr);
            EXPECT_EQ(arb.find(l, Source::emergency, t), nullptr);
        }
        EXPECT_EQ(arb.held_off(0), held[0]);
        EXPECT_EQ(arb.held_off(1), held[1]);
    }
}

}  // namespace
}  // namespace sl::schedule
