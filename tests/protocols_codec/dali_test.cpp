#include "protocols/dali/frame.hpp"
#include "vectors.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace sl::dali {
namespace {

using test::from_hex;
using test::text_of;
using test::to_hex;
using Kind = Address::Kind;

// "ArcPower(<address (control gear) 5>,128)" -> the address part.
std::string address_words(const Address& address) {
    switch (address.kind) {
        case Kind::short_address:
            return "<address (control gear) " + std::to_string(address.number) + ">";
        case Kind::group:
            return "<group (control gear) " + std::to_string(address.number) + ">";
        case Kind::broadcast:
            return "<broadcast (control gear)>";
        case Kind::unaddressed:
            return "<unaddressed (control gear)>";
    }
    return {};
}

ReplyKind reply_of(const boost::json::object& meaning) {
    const auto answer = text_of(meaning, "answer");
    if (answer.empty()) return ReplyKind::none;
    if (answer == "YesNoResponse") return ReplyKind::yes_no;
    return answer == "NumericResponseMask" ? ReplyKind::value_or_mask : ReplyKind::value;
}

void check_text(const Decoded& d, const std::string& text) {
    if (text.empty() || d.kind == Decoded::Kind::special) return;
    EXPECT_NE(text.find(address_words(d.address)), std::string::npos) << address_words(d.address);
    if (d.parameter) {
        EXPECT_NE(text.find("," + std::to_string(*d.parameter) + ")"), std::string::npos);
    }
    if (d.kind == Decoded::Kind::arc_power) {
        EXPECT_NE(text.find(d.data == 0 ? ",OFF)" : "," + std::to_string(d.data) + ")"), std::string::npos);
    }
}

TEST(DaliVectors, EveryForwardFrameMeansWhatItsPublisherSays) {
    const auto vectors = test::load_vectors("dali_frames.json");
    EXPECT_GT(vectors.size(), 50U);
    for (const auto& entry : vectors) {
        const auto& o = entry.as_object();
        const auto& meaning = o.at("meaning").as_object();
        SCOPED_TRACE(text_of(o, "id"));
        const auto bytes = from_hex(text_of(o, "hex"));
        ASSERT_EQ(bytes.size(), 2U);
        const auto* type = meaning.if_contains("device_type");
        const auto device_type = type != nullptr ? type->to_number<std::uint8_t>() : std::uint8_t{0};
        const auto decoded = decode({bytes[0], bytes[1]}, device_type);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->name, text_of(meaning, "command"));
        check_text(*decoded, text_of(meaning, "text"));
        if (meaning.contains("send_twice")) {
            EXPECT_EQ(decoded->send_twice, meaning.at("send_twice").as_bool());
            EXPECT_EQ(decoded->reply, reply_of(meaning));
        }
        if (text_of(meaning, "address") == "broadcast") {
            EXPECT_EQ(decoded->address.kind, Kind::broadcast);
        }
        for (const auto* key : {"level", "data"}) {
            if (const auto* number = meaning.if_contains(key)) {
                EXPECT_EQ(decoded->data, number->to_number<int>());
            }
        }
    }
}

TEST(DaliVectors, EveryForwardFrameIsBuiltAgain) {
    for (const auto& entry : test::load_vectors("dali_frames.json")) {
        const auto bytes = from_hex(text_of(entry.as_object(), "hex"));
        const auto d = decode({bytes[0], bytes[1]});
        ASSERT_TRUE(d);
        const auto built = d->kind == Decoded::Kind::special     ? special(d->special_byte, d->data)
                           : d->kind == Decoded::Kind::arc_power ? arc_power(d->address, d->data)
                                                                 : command(d->address, d->data);
        ASSERT_TRUE(built);
        EXPECT_EQ(to_hex(*built), to_hex(bytes));
    }
}

TEST(DaliVectors, EveryStatusAnswerMeansWhatItsPublisherSays) {
    int compared = 0;
    for (const auto& entry : test::load_vectors("dali_backward.json")) {
        const auto& o = entry.as_object();
        const auto& meaning = o.at("meaning").as_object();
        if (text_of(meaning, "query") != "QueryStatus") continue;
        SCOPED_TRACE(text_of(o, "id"));
        Status wanted;
        for (const auto& word : meaning.at("status").as_array()) {
            const std::string text(word.as_string());
            wanted.gear_failure |= text == "ballast status" || text == "status";
            wanted.lamp_failure |= text == "lamp failure";
            wanted.lamp_on |= text == "arc power on";
            wanted.limit_error |= text == "limit error";
            wanted.fade_running |= text.starts_with("fade");
            wanted.reset_state |= text == "reset state";
            wanted.short_address_missing |= text.find("short") != std::string::npos;
            wanted.power_cycle_seen |= text == "power failure";
        }
        const auto answer = from_hex(text_of(o, "hex"))[0];
        EXPECT_EQ(decode_status(answer), wanted);
        EXPECT_EQ(encode(wanted), answer);
        ++compared;
    }
    EXPECT_GE(compared, 4);
}

TEST(DaliVectors, TheLogarithmicCurveMeetsEveryPublishedPoint) {
    for (const auto& entry : test::load_vectors("dali_curve_log.json")) {
        const auto& o = entry.as_object();
        const auto level = o.at("level").to_number<std::uint8_t>();
        const auto percent = percent_of(level);
        ASSERT_TRUE(percent);
        EXPECT_NEAR(*percent, o.at("percent").to_number<double>(), 0.00051) << int{level};
    }
}

TEST(DaliVectors, BothCurvesMeetTheMeasuredPoints) {
    for (const auto& entry : test::load_vectors("dali_curve_points.json")) {
        const auto& o = entry.as_object();
        SCOPED_TRACE(text_of(o, "id"));
        const auto level = o.at("level").to_number<std::uint8_t>();
        const auto wanted = o.at("percent").to_number<double>();
        const auto* own = o.if_contains("tolerance");
        const bool linear = text_of(o, "protocol") == "dali-curve-linear";
        const auto percent = linear ? linear_percent_of(level) : percent_of(level);
        ASSERT_TRUE(percent);
        EXPECT_NEAR(*percent, wanted, own != nullptr ? own->to_number<double>() : 0.0051);
        EXPECT_EQ(linear ? linear_level_of(*percent) : level_of(*percent), level);
    }
}

TEST(DaliCurve, LevelAndPercentAreInverse) {
    for (int level = 0; level <= 254; ++level) {
        const auto percent = percent_of(static_cast<std::uint8_t>(level));
        ASSERT_TRUE(percent);
        EXPECT_EQ(level_of(*percent), level);
        EXPECT_EQ(linear_level_of(*linear_percent_of(static_cast<std::uint8_t>(level))), level);
    }
    EXPECT_FALSE(percent_of(255));
}

TEST(DaliCurve, ASmallPercentageNeverSwitchesOff) {
    EXPECT_EQ(level_of(0.0), 0);
    EXPECT_EQ(level_of(0.0001), 1);
    EXPECT_EQ(level_of(200.0), 254);
    EXPECT_EQ(level_of(-1.0), 0);
    EXPECT_EQ(level_of(std::nan("")), 0);
}

TEST(DaliFrame, AddressesOutsideTheSchemeAreRefused) {
    EXPECT_FALSE(arc_power({Kind::short_address, 64}, 1));
    EXPECT_FALSE(command({Kind::group, 16}, 1));
    EXPECT_FALSE(special(0xA2, 0));
    EXPECT_FALSE(special(0xCD, 0));
    EXPECT_FALSE(decode({0xA2, 0x00}));
    EXPECT_FALSE(decode({0xE0, 0x00}));
    EXPECT_TRUE(decode({0xFC, 0x00}));
}

}  // namespace
}  // namespace sl::dali
