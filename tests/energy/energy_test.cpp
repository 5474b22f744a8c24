#include "gateway/energy/interval.hpp"
#include "gateway/energy/lamp_energy.hpp"
#include "gateway/energy/mul_div.hpp"

#include <random>

#include <gtest/gtest.h>

namespace sl::energy {
namespace {

using site::site_ms;
using site::SiteTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t quarter = 15 * minute;
constexpr std::int64_t start = 1'764'000'000'000 / quarter * quarter;

// An offset that changes once: enough of a zone for boundaries.
class FixedZone : public site::Zone {
  public:
    FixedZone() = default;
    FixedZone(seconds before, SiteTime change, seconds after)
        : before_(before), after_(after), change_(change) {}
    seconds offset(SiteTime t) const override { return t < change_ ? before_ : after_; }
    SiteTime to_utc(std::chrono::local_time<milliseconds> local) const override {
        return SiteTime{local.time_since_epoch() - before_};
    }
    std::string_view name() const override { return "test"; }

  private:
    seconds before_{8 * 3'600}, after_{8 * 3'600};
    SiteTime change_;
};

RegisterReading reading(std::int64_t at_ms, std::int64_t wh) {
    return RegisterReading{site_ms(at_ms), Register{wh, register_text(wh)}, false, false, false};
}

std::int64_t sum_of(const std::vector<Interval>& intervals) {
    std::int64_t sum = 0;
    for (const Interval& interval : intervals)
        sum += interval.wh;
    return sum;
}

void feed(IntervalMeter& meter, std::vector<Interval>& into, const RegisterReading& reading) {
    for (Interval& interval : meter.step(reading))
        into.push_back(std::move(interval));
}

TEST(MulDiv, RoundsHalfToEvenAndIsExactWhereSixtyFourBitsAreNot) {
    EXPECT_EQ(2, mul_div(5, 1, 2));
    EXPECT_EQ(4, mul_div(7, 1, 2));
    EXPECT_EQ(-2, mul_div(-5, 1, 2));
    EXPECT_EQ(0, mul_div(1, 1, 2));
    EXPECT_EQ(INT64_MAX, mul_div(INT64_MAX, INT64_MAX, INT64_MAX));
    EXPECT_EQ(INT64_MIN, mul_div(INT64_MIN, 7, 7));
    EXPECT_EQ(4'611'686'018'427'387'904, mul_div(INT64_MAX, INT64_MAX / 2, INT64_MAX - 1));
#ifdef __SIZEOF_INT128__
    std::mt19937_64 random{3};
    __extension__ using Wide = __int128;
    for (int i = 0; i < 20'000; ++i) {
        const auto d = static_cast<std::int64_t>(random() >> (1 + random() % 60)) + 1;
        const auto b = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(d));
        const auto a = static_cast<std::int64_t>(random() >> (random() % 60));
        const Wide product = static_cast<Wide>(a) * b;
        Wide quotient = product / d;
        Wide rest = product % d;
        if (rest < 0) {
            rest += d;
            --quotient;
        }
        if (rest * 2 > d || (rest * 2 == d && quotient % 2 != 0)) ++quotient;
        ASSERT_EQ(static_cast<std::int64_t>(quotient), mul_div(a, b, d)) << a << " * " << b << " / " << d;
    }
#endif
}

TEST(Intervals, AreCutAtLocalQuarterHoursByInterpolation) {
    const FixedZone zone;
    IntervalMeter meter{zone, {}};
    std::vector<Interval> got;
    feed(meter, got, reading(start, 1'000));
    feed(meter, got, reading(start + 10 * minute, 1'100));
    feed(meter, got, reading(start + 20 * minute, 1'205));
    ASSERT_EQ(1U, got.size());
    EXPECT_EQ(start, to_ms(got[0].from));
    EXPECT_EQ(start + quarter, to_ms(got[0].to));
    EXPECT_EQ(152, got[0].wh) << "52.5 of 105 rounds half to even";
    EXPECT_EQ(100, got[0].coverage_pct);
    EXPECT_EQ(0U, got[0].flags);
    EXPECT_EQ("1.000", got[0].register_from.text);
    EXPECT_EQ("1.152", got[0].register_to.text);
}

TEST(Intervals, AddUpToWhatTheRegisterCountedHoweverItWasSampled) {
    std::mt19937 random{5};
    for (int round = 0; round < 200; ++round) {
        const FixedZone zone;
        IntervalMeter meter{zone, {}};
        std::vector<Interval> got;
        std::int64_t at = start + static_cast<std::int64_t>(random() % quarter);
        std::int64_t wh = static_cast<std::int64_t>(random() % 100'000'000);
        const std::int64_t first = wh;
        feed(meter, got, reading(at, wh));
        for (int i = 0; i < 200; ++i) {
            at += 1 + static_cast<std::int64_t>(random() % quarter);
            wh += static_cast<std::int64_t>(random() % 900);
            feed(meter, got, reading(at, wh));
        }
        ASSERT_EQ(wh - first, sum_of(got) + meter.running()->wh);
        ASSERT_EQ(0, meter.unassigned_wh());
        for (std::size_t i = 1; i < got.size(); ++i) {
            ASSERT_EQ(got[i - 1].to, got[i].from) << "no quarter hour is missing";
            ASSERT_EQ(got[i - 1].register_to, got[i].register_from);
            ASSERT_EQ(got[i].wh, got[i].register_to.wh - got[i].register_from.wh);
            ASSERT_EQ(100, got[i].coverage_pct);
        }
    }
}

TEST(Intervals, ARegisterThatRollsOverLosesNothingAndSaysSo) {
    const FixedZone zone;
    IntervalOptions options;
    options.rollover_wh = 10'000'000;  // 9999.99 kWh and on
    IntervalMeter meter{zone, options};
    std::vector<Interval> got;
    std::int64_t wh = 9'999'500;
    for (std::int64_t i = 0; i <= 9; ++i, wh += 200)
        feed(meter, got, reading(start + i * 5 * minute, wh % 10'000'000));
    ASSERT_EQ(3U, got.size());
    EXPECT_EQ(600, got[0].wh);
    EXPECT_EQ(flag_rollover, got[0].flags);
    EXPECT_EQ("0.100", got[0].register_to.text);
    EXPECT_EQ(0U, got[1].flags);
    EXPECT_EQ(1'800, sum_of(got));
}

TEST(Intervals, ARolloverBetweenReadingsThatSpanABoundaryIsCutInTheRightPlace) {
    const FixedZone zone;
    IntervalOptions options;
    options.rollover_wh = 1'000'000;
    IntervalMeter meter{zone, options};
    std::vector<Interval> got;
    feed(meter, got, reading(start + 10 * minute, 999'900));
    feed(meter, got, reading(start + 20 * minute, 100));
    ASSERT_EQ(1U, got.size());
    EXPECT_EQ(100, got[0].wh);
    EXPECT_EQ(0, got[0].register_to.wh);
    EXPECT_EQ(flag_rollover | flag_gap, got[0].flags) << "its first ten minutes were not seen";
    EXPECT_EQ(33, got[0].coverage_pct);
    EXPECT_EQ(100, meter.running()->wh);
}

TEST(Intervals, AMeterThatWasReplacedLeavesItsIntervalOpen) {
    const FixedZone zone;
    IntervalMeter meter{zone, {}};
    std::vector<Interval> got;
    feed(meter, got, reading(start, 5'000'000));
    feed(meter, got, reading(start + 5 * minute, 5'000'100));
    feed(meter, got, reading(start + 10 * minute, 12));  // the new meter
    feed(meter, got, reading(start + 15 * minute, 112));
    ASSERT_EQ(1U, got.size());
    EXPECT_EQ(200, got[0].wh) << "what both counted; the time between is not known";
    EXPECT_EQ(66, got[0].coverage_pct);
    EXPECT_EQ(flag_replaced, got[0].flags);
    RegisterReading other = reading(start + 20 * minute, 900'000'000);
    feed(meter, got, other);  // a jump no cable can carry
    feed(meter, got, reading(start + 30 * minute, 900'000'050));
    EXPECT_EQ(flag_replaced, got.back().flags);
    EXPECT_EQ(50, got.back().wh);
    other = reading(start + 35 * minute, 900'000'060);
    other.new_device = true;
    feed(meter, got, other);
    EXPECT_EQ(flag_replaced, meter.running()->flags);
}

TEST(Intervals, AGapLongerThanTheLimitIsLeftOpenAndItsEnergyIsNotGuessed) {
    const FixedZone zone;
    IntervalMeter meter{zone, {}};
    std::vector<Interval> got;
    feed(meter, got, reading(start, 1'000));
    feed(meter, got, reading(start + 5 * minute, 1'050));
    feed(meter, got, reading(start + 50 * minute, 1'500));
    feed(meter, got, reading(start + 60 * minute, 1'600));
    ASSERT_EQ(2U, got.size());
    EXPECT_EQ(50, got[0].wh);
    EXPECT_EQ(33, got[0].coverage_pct);
    EXPECT_EQ(flag_gap, got[0].flags);
    EXPECT_EQ("1.050", got[0].register_to.text);
    EXPECT_EQ(start + 3 * quarter, to_ms(got[1].from)) << "nothing is known of the two between";
    EXPECT_EQ(100, got[1].wh);
    EXPECT_EQ(66, got[1].coverage_pct);
    EXPECT_EQ(flag_gap, got[1].flags);
    EXPECT_EQ(450, meter.unassigned_wh());
    EXPECT_EQ(600, sum_of(got) + meter.unassigned_wh());
}

TEST(Intervals, AGapExactlyAtTheLimitIsStillBridged) {
    const FixedZone zone;
    IntervalMeter meter{zone, {}};
    std::vector<Interval> got;
    feed(meter, got, reading(start + 7 * minute, 1'000));
    feed(meter, got, reading(start + 22 * minute, 1'150));
    ASSERT_EQ(1U, got.size());
    EXPECT_EQ(80, got[0].wh);
    feed(meter, got, reading(start + 37 * minute + 1, 1'300));
    EXPECT_EQ(flag_gap, got.back().flags);
}

TEST(Intervals, AClockPutBackReportsNoQuarterTwiceAndLosesNoEnergy) {
    const FixedZone zone;
    IntervalMeter meter{zone, {}};
    std::vector<Interval> got;
    std::int64_t wh = 1'000;
    for (std::int64_t i = 0; i <= 7; ++i, wh += 10)
        feed(meter, got, reading(start + i * 5 * minute, wh));
    for (std::int64_t i = 1; i <= 12; ++i, wh += 10)  // an hour back
        feed(meter, got, reading(start - 25 * minute + i * 5 * minute, wh));
    for (std::size_t i = 1; i < got.size(); ++i)
        EXPECT_GE(got[i].from, got[i - 1].to) << "told once";
    EXPECT_EQ(wh - 10 - 1'000, sum_of(got) + meter.running()->wh + meter.unassigned_wh());
    EXPECT_NE(0U, got[2].flags & flag_clock_step);
}

TEST(Intervals, ASmallCorrectionOfTheClockCostsNothing) {
    const FixedZone zone;
    for (const std::int64_t step : {-3'000, 3'000}) {
        IntervalMeter meter{zone, {}};
        std::vector<Interval> got;
        feed(meter, got, reading(start, 1'000));
        feed(meter, got, reading(start + 5 * minute, 1'100));
        RegisterReading stepped = reading(start + 5 * minute + step, 1'101);
        stepped.clock_step = true;
        feed(meter, got, stepped);
        feed(meter, got, reading(start + 15 * minute, 1'300));
        ASSERT_EQ(1U, got.size());
        EXPECT_EQ(300, got[0].wh);
        EXPECT_EQ(flag_clock_step, got[0].flags);
        EXPECT_EQ(100, got[0].coverage_pct);
    }
}

TEST(Intervals, ReverseAndEstimatedAreSaid) {
    const FixedZone zone;
    IntervalMeter meter{zone, {}};
    std::vector<Interval> got;
    feed(meter, got, reading(start, 100'000));
    RegisterReading guess = reading(start + 5 * minute, 100'100);
    guess.estimated = true;
    feed(meter, got, guess);
    feed(meter, got, reading(start + 10 * minute, 100'090));
    feed(meter, got, reading(start + 15 * minute, 100'200));
    ASSERT_EQ(1U, got.size());
    EXPECT_EQ(200, got[0].wh);
    EXPECT_EQ(flag_estimated | flag_reverse, got[0].flags);
    EXPECT_EQ((std::vector<std::string_view>{"estimated", "reverse"}), flag_names(got[0].flags));
}

TEST(Intervals, FollowTheLocalClockThroughAChangeOfItsOffset) {
    // An hour's interval in a zone of +10:30 that goes to +11:00 in the middle of one.
    const std::int64_t change = 1'764'000'000'000 / (60 * minute) * (60 * minute);
    const FixedZone zone{seconds{37'800}, site_ms(change), seconds{39'600}};
    IntervalOptions options;
    options.length = std::chrono::minutes{60};
    IntervalMeter meter{zone, options};
    std::vector<Interval> got;
    std::int64_t wh = 0;
    for (std::int64_t at = change - 90 * minute; at <= change + 150 * minute; at += 5 * minute, wh += 7)
        feed(meter, got, reading(at, wh));
    for (std::size_t i = 1; i < got.size(); ++i)
        EXPECT_EQ(got[i - 1].to, got[i].from);
    EXPECT_EQ(wh - 7, sum_of(got) + meter.running()->wh);
    EXPECT_EQ(change + 120 * minute, to_ms(got.back().to)) << "full hours of the new offset";
}

TEST(LampEnergy, WithoutARegisterPowerIsIntegratedAndCalledModelled) {
    const FixedZone zone;
    LampEnergy lamp{zone, {}, false};
    std::vector<Interval> got;
    for (std::int64_t i = 0; i <= 12; ++i) {
        const auto at = site_ms(start + i * 5 * minute);
        for (Interval& interval : lamp.step(LampSample{at, std::nullopt, i < 6 ? 120.0 : 60.0, false}))
            got.push_back(std::move(interval));
    }
    ASSERT_EQ(4U, got.size());
    EXPECT_EQ(Method::modelled, got[0].method);
    EXPECT_EQ(30, got[0].wh);
    EXPECT_EQ(87, sum_of(got)) << "25 minutes at 120 W, 5 between, 30 at 60 W: 87.5 Wh";
    EXPECT_EQ("", got[0].register_to.text);
    EXPECT_EQ(sum_of(got), lamp.total_wh());
    lamp.step(LampSample{site_ms(start + 100 * minute), std::nullopt, 60.0, false});
    EXPECT_EQ(87, lamp.total_wh()) << "nothing is integrated over a gap";
    lamp.step(LampSample{site_ms(start + 101 * minute), std::nullopt, -5.0, false});
    lamp.step(LampSample{site_ms(start + 101 * minute), std::nullopt, 1e300, false});
    EXPECT_EQ(87, lamp.total_wh()) << "no power of a lamp";
}

TEST(LampEnergy, ARegisterIsPreferredToPower) {
    const FixedZone zone;
    LampEnergy lamp{zone, {}, true};
    lamp.step(LampSample{site_ms(start), Register{5'000, "5.00"}, 120.0, false});
    const auto got = lamp.step(LampSample{site_ms(start + quarter), Register{5'030, "5.03"}, 500.0, false});
    ASSERT_EQ(1U, got.size());
    EXPECT_EQ(30, got[0].wh);
    EXPECT_EQ(Method::metered, got[0].method);
    EXPECT_EQ("5.03", got[0].register_to.text) << "digits as the meter shows them";
}

TEST(GroupSums, AreCompleteWhenEveryMemberHasComeElseFlagged) {
    GroupSums sums{{{"F1", 2}, {"F2", 2}}};
    Interval part;
    part.from = site_ms(start);
    part.to = site_ms(start + quarter);
    part.wh = 20;
    EXPECT_FALSE(sums.add("F1", part));
    EXPECT_FALSE(sums.add("F2", part));
    part.coverage_pct = 50;
    part.flags = flag_rollover;
    const auto whole = sums.add("F1", part);
    ASSERT_TRUE(whole);
    EXPECT_EQ(40, whole->interval.wh);
    EXPECT_EQ(75, whole->interval.coverage_pct);
    EXPECT_EQ(Method::summed, whole->interval.method);
    EXPECT_EQ(flag_rollover, whole->interval.flags);
    EXPECT_TRUE(sums.close(site_ms(start + quarter - 1)).empty());
    const auto late = sums.close(site_ms(start + quarter));
    ASSERT_EQ(1U, late.size());
    EXPECT_EQ("F2", late[0].group);
    EXPECT_EQ(flag_gap, late[0].interval.flags);
    EXPECT_EQ(50, late[0].interval.coverage_pct);
    EXPECT_FALSE(sums.add("unknown", part));
}

TEST(Saving, IsTheHeadHoursOfTheOldLampsLessWhatWasUsed) {
    Saving saving{250.0};
    saving.lit(site_ms(start), 60);
    saving.lit(site_ms(start + 60 * minute), 30);
    saving.used(9'000);
    saving.stop(site_ms(start + 120 * minute));
    EXPECT_EQ(90 * 3'600, saving.head_seconds());
    EXPECT_EQ(22'500, saving.baseline_wh());
    EXPECT_EQ(13'500, saving.saved_wh());
    EXPECT_EQ(6'000, saving.saved_pct100());
    EXPECT_EQ(std::nullopt, Saving{0.0}.saved_pct100());
}

}  // namespace
}  // namespace sl::energy
