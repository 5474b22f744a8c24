// The books of the running gateway, fed with readings as a field brings them.
#include "gateway/app/accounts.hpp"

#include "gateway/platform/zone.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace sl::app {
namespace {

using namespace std::chrono_literals;
using site::Quality;
using site::Quantity;

class AccountsTest : public ::testing::Test {
  protected:
    AccountsTest() {
        site::DeviceModel model;
        site::Point energy;
        energy.quantity = Quantity::energy_wh;
        model.points.push_back(energy);
        config.models["m"] = model;
        config.plant.meters.resize(1);
        config.plant.meters[0].id = "M1";
        config.plant.meters[0].model = "m";
        config.plant.feeders.resize(1);
        config.plant.feeders[0].id = "F1";
        config.plant.lamps.resize(1);
        config.plant.lamps[0].id = "L1";
        config.plant.lamps[0].model = "m";
        config.plant.lamps[0].feeder = "F1";
        state.meters.resize(1);
        state.lamps.resize(1);
        accounts = std::make_unique<Accounts>(config, state, *zone);
    }
    // A turn of the poller; a slow register is not part of every turn.
    void turn(std::int64_t wh, bool with_register) {
        site::LampState& lamp = state.lamps[0];
        lamp.last_answer = now;
        if (with_register) {
            lamp[Quantity::energy_wh] = site::Value{static_cast<double>(wh), now, Quality::ok};
            state.meters[0].at(Quantity::energy_wh) = lamp[Quantity::energy_wh];
        }
        accounts->lamp_read(0);
        accounts->meter_read(0);
    }
    std::unique_ptr<site::Zone> zone = platform::load_zone("Asia/Shanghai");
    site::Config config;
    site::SiteState state;
    std::unique_ptr<Accounts> accounts;
    site::SiteTime now = site::site_ms(1'795'000'500'000);  // a full quarter hour
};

TEST_F(AccountsTest, ARegisterReadEveryFourthTurnIsCutAtTheQuarterHourByTheTimesItWasRead) {
    ASSERT_EQ(site::to_ms(now) % 900'000, 0);
    // 600 W, read every 2 min, with turns between that bring no register: 150 Wh a quarter hour.
    for (int i = 0; i <= 40; ++i) {
        turn(i * 5, i % 4 == 0);
        now += 30s;
    }
    const auto history = accounts->take_history();
    const auto of = [&](const std::string& object) {
        return std::find_if(history.begin(), history.end(),
                            [&](const auto& h) { return h.object == object; });
    };
    ASSERT_NE(of("M1"), history.end());
    EXPECT_EQ(of("M1")->wh, 150);
    EXPECT_EQ(of("M1")->coverage_pct, 100);
    EXPECT_EQ(of("M1")->flags, 0U);
    ASSERT_NE(of("F1"), history.end());
    EXPECT_EQ(of("F1")->wh, 150);
    EXPECT_EQ(of("F1")->flags, 0U);
}

TEST_F(AccountsTest, RowsGatherAndThoseThatStillDoAreHandedOutAtAStop) {
    for (int i = 0; i <= 31; ++i) {
        turn(i * 5, true);
        EXPECT_TRUE(accounts->tick(now).empty());
        now += 30s;
    }
    const auto rows = accounts->drain();
    EXPECT_EQ(rows.size(), 2U);  // the meter and the feeder
    EXPECT_TRUE(accounts->drain().empty());
    EXPECT_TRUE(accounts->tick(now + 1h).empty());
}

}  // namespace
}  // namespace sl::app
