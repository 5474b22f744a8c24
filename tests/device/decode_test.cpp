#include "gateway/device/decode.hpp"

#include "models.hpp"
#include "vectors.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace sl::device {
namespace {

using site::Point;
using site::PointType;
using site::Quality;
using site::Quantity;
using test::from_hex;
using test::point;
using test::scaled;
using test::text_of;
using test::to_hex;

const DecodeContext context{site::site_ms(1000)};

site::Reading decode(const Point& p, std::string_view hex, std::uint16_t offset = 0, int ct_ratio = 1) {
    return decode_point(p, offset, from_hex(hex), DecodeContext{site::site_ms(1000), ct_ratio});
}

site::WordOrder order_of(const std::string& text) {
    if (text == "CDAB") return site::WordOrder::cdab;
    if (text == "BADC" || text == "BA") return site::WordOrder::badc;
    if (text == "DCBA") return site::WordOrder::dcba;
    return site::WordOrder::abcd;
}

PointType type_of(const std::string& text) {
    if (text == "uint16") return PointType::u16;
    if (text == "int16") return PointType::i16;
    if (text == "uint32") return PointType::u32;
    if (text == "int32") return PointType::i32;
    if (text == "uint64") return PointType::u64;
    if (text == "int64") return PointType::i64;
    EXPECT_EQ(text, "float32");
    return PointType::f32;
}

TEST(Decode, EveryPublishedRegisterValueComesOutAsPublished) {
    for (const auto& entry : test::load_vectors("modbus_values.json")) {
        const auto& o = entry.as_object();
        const auto& meaning = o.at("meaning").as_object();
        SCOPED_TRACE(text_of(o, "id"));
        auto p = point("x", Quantity::power_w, 3, 0, type_of(text_of(meaning, "type")));
        p.order = order_of(text_of(meaning, "word_order"));
        const auto reading = decode(p, text_of(o, "hex"));
        const auto wanted = meaning.at("value").to_number<double>();
        EXPECT_EQ(reading.quality, Quality::ok);
        EXPECT_NEAR(reading.value, wanted, std::abs(wanted) * 1e-7);
    }
}

TEST(Decode, AllFourByteOrdersOfThirtyTwoBits) {
    auto p = point("x", Quantity::power_w, 3, 0, PointType::u32);
    for (const auto& [order, hex] :
         std::vector<std::pair<site::WordOrder, std::string>>{{site::WordOrder::abcd, "01020304"},
                                                              {site::WordOrder::cdab, "03040102"},
                                                              {site::WordOrder::badc, "02010403"},
                                                              {site::WordOrder::dcba, "04030201"}}) {
        p.order = order;
        EXPECT_EQ(decode(p, hex).value, 0x01020304) << hex;
    }
}

TEST(Decode, SixtyFourBitsKeepTheirWordOrder) {
    auto p = point("x", Quantity::energy_wh, 3, 0, PointType::u64);
    EXPECT_EQ(decode(p, "0000000100000002").value, 4294967298.0);
    p.order = site::WordOrder::cdab;
    EXPECT_EQ(decode(p, "0002000000010000").value, 4294967298.0);
    p.order = site::WordOrder::abcd;
    p.invalid = -1;
    EXPECT_EQ(decode(p, "ffffffffffffffff").quality, Quality::unsupported);
    p.type = PointType::i64;
    p.invalid = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(decode(p, "7fffffffffffffff").quality, Quality::unsupported);
    EXPECT_EQ(decode(p, "fffffffffffffffe").value, -2);
}

TEST(Decode, AScaleOfATenthGivesTheNearestDoubleAndNotAnApproximation) {
    const auto p = scaled(point("x", Quantity::voltage_v, 4, 0, PointType::u16), 1, 10);
    for (int raw = 0; raw <= 0xFFFF; raw += 7) {
        const std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(raw >> 8),
                                              static_cast<std::uint8_t>(raw)};
        EXPECT_EQ(decode_point(p, 0, bytes, context).value, raw / 10.0);
    }
}

TEST(Decode, EnergyIsWholeWattHours) {
    // 0.01 kWh digits, with a current transformer, up to the last digit of a full register.
    auto bcd = scaled(point("e", Quantity::energy_wh, 0, 0x00010000, PointType::bcd), 10);
    bcd.bytes = 4;
    EXPECT_EQ(decode(bcd, "99999999").value, 999999990.0);
    EXPECT_EQ(decode(bcd, "99999999", 0, 40).value, 39999999600.0);
    const auto real = scaled(point("e", Quantity::energy_wh, 4, 0, PointType::f32), 1000);
    EXPECT_EQ(decode(real, "4640e6ae").value, 12345670.0);
    const auto fine = scaled(point("e", Quantity::energy_wh, 4, 0, PointType::u32), 1, 10);
    EXPECT_EQ(decode(fine, "0000000f").value, 2.0);
}

TEST(Decode, TheTransformerRatioMultipliesCurrentPowerAndEnergyOnly) {
    const auto ratio_of = [](Quantity q) {
        return decode(point("x", q, 3, 0, PointType::u16), "0064", 0, 20).value / 100.0;
    };
    EXPECT_EQ(ratio_of(Quantity::current_a), 20);
    EXPECT_EQ(ratio_of(Quantity::power_w), 20);
    EXPECT_EQ(ratio_of(Quantity::reactive_var), 20);
    EXPECT_EQ(ratio_of(Quantity::energy_wh), 20);
    EXPECT_EQ(ratio_of(Quantity::voltage_v), 1);
    EXPECT_EQ(ratio_of(Quantity::frequency_hz), 1);
    EXPECT_EQ(ratio_of(Quantity::power_factor), 1);
}

TEST(Decode, WhatIsNotAvailableIsNeverANumber) {
    auto p = point("x", Quantity::power_w, 3, 0, PointType::u16);
    p.invalid = 0xFFFF;
    EXPECT_EQ(decode(p, "ffff").quality, Quality::unsupported);
    EXPECT_EQ(decode(p, "ffff").value, 0.0);
    EXPECT_EQ(decode(p, "fffe").value, 65534);
    p.type = PointType::i16;
    p.invalid = 0x7FFF;
    EXPECT_EQ(decode(p, "7fff").quality, Quality::unsupported);
    EXPECT_EQ(decode(p, "fff6").value, -10);
    const auto real = point("x", Quantity::power_w, 3, 0, PointType::f32);
    for (const std::string hex : {"7fc00000", "7f800000", "ff800000", "ffffffff"}) {
        EXPECT_EQ(decode(real, hex).quality, Quality::unsupported) << hex;
    }
    auto bcd = point("x", Quantity::current_a, 0, 0x02020100, PointType::bcd);
    bcd.bytes = 3;
    bcd.is_signed = true;
    EXPECT_EQ(decode(bcd, "ffffff").quality, Quality::unsupported);
    EXPECT_EQ(decode(bcd, "0a0000").quality, Quality::unsupported);
    EXPECT_EQ(decode(bcd, "341280").value, -1234);
}

TEST(Decode, AnAnswerThatIsTooShortGivesNoValueAndReadsNothingBeyondIt) {
    for (const auto type : {PointType::bit, PointType::u8, PointType::u16, PointType::i16, PointType::u32,
                            PointType::i32, PointType::u64, PointType::i64, PointType::f32, PointType::bcd,
                            PointType::bits, PointType::dali_level}) {
        for (const std::uint32_t table : {0U, 1U, 3U}) {
            auto p = point("x", Quantity::power_w, table, 0, type);
            p.bytes = 4;
            EXPECT_EQ(decode(p, "").quality, Quality::unsupported);
            EXPECT_EQ(decode(p, "00", 8).quality, Quality::unsupported);
            EXPECT_EQ(decode(p, "00", 65535).quality, Quality::unsupported);
        }
    }
}

TEST(Decode, FaultBitsAreTranslatedAndUnknownOnesIgnored) {
    auto p = point("f", Quantity::faults, 4, 0, PointType::bits);
    p.bits = {{0, site::FaultBit::over_temperature}, {9, site::FaultBit::relay}};
    const auto over = 1U << static_cast<unsigned>(site::FaultBit::over_temperature);
    const auto relay = 1U << static_cast<unsigned>(site::FaultBit::relay);
    EXPECT_EQ(decode(p, "0001").value, over);
    EXPECT_EQ(decode(p, "0201").value, over | relay);
    EXPECT_EQ(decode(p, "00f0").value, 0);
    // DL/T 645 status words come low byte first.
    p.table = 0;
    EXPECT_EQ(decode(p, "0002").value, relay);
}

TEST(Decode, BitsOfCoilsRegistersAndBytesAreFoundAtTheirPlace) {
    auto p = point("b", Quantity::output, 1, 0, PointType::bit);
    EXPECT_EQ(decode(p, "0008", 11).value, 1);
    EXPECT_EQ(decode(p, "0008", 10).value, 0);
    p.table = 3;
    p.bit = 9;
    EXPECT_EQ(decode(p, "0200").value, 1);
    EXPECT_EQ(decode(p, "fdff").value, 0);
    p.table = 0;
    p.bit = 2;
    EXPECT_EQ(decode(p, "04").value, 1);
    p.bit = 9;
    EXPECT_EQ(decode(p, "0002").value, 1);
}

TEST(Decode, ADaliLevelIsAPercentOfTheLogarithmicCurve) {
    const auto p = point("l", Quantity::level_pct, 0, 0xA0, PointType::dali_level);
    EXPECT_EQ(decode(p, "fe").value, 100.0);
    EXPECT_EQ(decode(p, "00").value, 0.0);
    EXPECT_NEAR(decode(p, "e5").value, 50.53, 0.005);
    EXPECT_EQ(decode(p, "ff").quality, Quality::unsupported);
}

TEST(Encode, AValueOutsideTheModelsLimitsIsRefused) {
    auto p = point("level", Quantity::level_pct, 3, 0, PointType::u16);
    EXPECT_FALSE(encode(p, 50));
    p.writable = true;
    p.min = 0;
    p.max = 100;
    EXPECT_EQ(to_hex(*encode(p, 50)), "0032");
    EXPECT_FALSE(encode(p, 101));
    EXPECT_FALSE(encode(p, -1));
    EXPECT_FALSE(encode(p, std::nan("")));
    p.max.reset();
    EXPECT_FALSE(encode(p, 65536));
    p.invalid = 0xFFFF;
    EXPECT_FALSE(encode(p, 65535)) << "the value that means nothing is not written by accident";
}

TEST(Encode, WhatIsWrittenReadsBackTheSame) {
    for (const auto type : {PointType::u16, PointType::i16, PointType::u32, PointType::i32, PointType::f32}) {
        for (const auto order :
             {site::WordOrder::abcd, site::WordOrder::cdab, site::WordOrder::badc, site::WordOrder::dcba}) {
            auto p = scaled(point("x", Quantity::failsafe_after_s, 3, 0, type), 1, 10);
            p.writable = true;
            p.order = order;
            p.scale.offset = 2.0;
            const auto bytes = encode(p, 123.4);
            ASSERT_TRUE(bytes);
            EXPECT_NEAR(decode_point(p, 0, *bytes, context).value, 123.4, 1e-5);
        }
    }
}

TEST(Encode, ARelayAndADaliLevelAreOneByte) {
    auto relay = point("r", Quantity::output, 1, 3, PointType::bit);
    relay.writable = true;
    EXPECT_EQ(to_hex(*encode(relay, 1)), "01");
    EXPECT_FALSE(encode(relay, 2));
    EXPECT_EQ(write_item(relay), (Item{1, 3, 1}));
    auto dali = point("l", Quantity::level_pct, 0, 0xA0, PointType::dali_level);
    dali.writable = true;
    EXPECT_EQ(to_hex(*encode(dali, 100)), "FE");
    EXPECT_EQ(to_hex(*encode(dali, 1)), "55");
    EXPECT_FALSE(encode(dali, 100.5));
}

TEST(Encode, AWriteGoesWhereTheModelSays) {
    const auto model = test::two_heads();
    const auto* level = find_writable(model, Quantity::level_pct, 2);
    ASSERT_NE(level, nullptr);
    EXPECT_EQ(level->key, "level_2");
    EXPECT_EQ(write_item(*level), (Item{3, 1, 1}));
    EXPECT_EQ(find_writable(model, Quantity::level_pct, 3), nullptr);
    EXPECT_EQ(find_writable(model, Quantity::power_w, 1), nullptr);
    EXPECT_EQ(write_item(*find_writable(model, Quantity::group_level_pct, 0)), (Item{3, 2, 1}));
}

}  // namespace
}  // namespace sl::device
