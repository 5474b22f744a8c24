#include "protocols/dlt645/fields.hpp"
#include "protocols/dlt645/value.hpp"
#include "vectors.hpp"

#include <gtest/gtest.h>

namespace sl::dlt645 {
namespace {

using test::from_hex;
using test::to_hex;
using State = Split::State;

wire::Errc code_of(const wire::Result<Answer>& result) {
    return static_cast<wire::Errc>(result.error().value());
}

Frame frame_of(std::string_view hex) {
    const auto frame = decode_frame(from_hex(hex));
    EXPECT_TRUE(frame);
    return frame ? *frame : Frame{};
}

Expected read_of(std::uint64_t address, std::uint32_t di) {
    Expected expected;
    expected.address = address_from(address);
    expected.di = di;
    return expected;
}

TEST(Dlt645Frame, AddressesAreTwelveDigitsLowestPairFirst) {
    EXPECT_EQ(to_hex(address_from(123456789012)), "129078563412");
    EXPECT_EQ(digits_of(address_from(1)), 1U);
    EXPECT_EQ(digits_of(any_address), std::nullopt);
}

TEST(Dlt645Frame, RequestsAreThePublishedOnes) {
    std::vector<std::uint8_t> out;
    append_read(out, address_from(161), 0x00010000);
    EXPECT_EQ(to_hex(out), "FEFEFEFE68610100000000681104333334331416");
    out.clear();
    append_follow_on(out, address_from(123456789012), 0x03300001, 1);
    EXPECT_EQ(to_hex(out), "FEFEFEFE681290785634126812053433633634D116");
    out.clear();
    append_read_address(out);
    EXPECT_EQ(to_hex(out), "FEFEFEFE68AAAAAAAAAAAA681300DF16");
    out.clear();
    ASSERT_TRUE(append_broadcast_time(out, {2017, 6, 5, 10, 22, 51}));
    EXPECT_EQ(to_hex(out), "FEFEFEFE6899999999999968080684554338394A4B16");
}

TEST(Dlt645Frame, ATimeThatDoesNotExistIsNotSent) {
    std::vector<std::uint8_t> out;
    EXPECT_FALSE(append_broadcast_time(out, {2026, 2, 29, 0, 0, 0}));
    EXPECT_FALSE(append_broadcast_time(out, {2026, 1, 1, 24, 0, 0}));
    EXPECT_FALSE(append_broadcast_time(out, {1999, 1, 1, 0, 0, 0}));
    EXPECT_TRUE(out.empty());
}

TEST(Dlt645Frame, AWriteOfMoreThanFiftyBytesIsRefused) {
    std::vector<std::uint8_t> out;
    const std::vector<std::uint8_t> fifty(50), more(51), longest(200), too_long(201);
    EXPECT_TRUE(append_frame(out, any_address, 0x14, fifty));
    EXPECT_FALSE(append_frame(out, any_address, 0x14, more));
    EXPECT_TRUE(append_frame(out, any_address, 0x91, longest));
    EXPECT_FALSE(append_frame(out, any_address, 0x91, too_long));
}

TEST(Dlt645Frame, ABroadcastTimeWithoutTheOffsetIsRefused) {
    // The six bytes 51 22 10 05 06 17 as they stand, not raised by 33.
    auto bytes = from_hex("68999999999999680806512210050617");
    unsigned sum = 0;
    for (const auto byte : bytes)
        sum += byte;
    bytes.push_back(static_cast<std::uint8_t>(sum));
    bytes.push_back(0x16);
    const auto frame = decode_frame(bytes);
    ASSERT_TRUE(frame);
    std::string_view why;
    EXPECT_FALSE(decode_fields(*frame, Revision::y2007, &why));
    EXPECT_NE(why.find("offset"), std::string_view::npos);
}

TEST(Dlt645Frame, StartAndEndBytesInsideAFrameDoNotCutIt) {
    std::vector<std::uint8_t> out;
    const Address address{0x68, 0x16, 0x68, 0x16, 0x68, 0x16};
    const std::vector<std::uint8_t> data{0x35, 0xE3, 0x35, 0xE3, 0xCB};  // 68 16 68 16 FE on the wire
    ASSERT_TRUE(append_frame(out, address, 0x91, data));
    for (std::size_t n = 0; n < out.size(); ++n)
        EXPECT_EQ(split(std::span(out).first(n)).state, State::need_more) << n;
    EXPECT_EQ(split(out).length, out.size());
}

TEST(Dlt645Frame, AFrameIsFoundBehindAFalseStart) {
    const auto good = from_hex("681290785634126891063334343538567b16");
    for (const std::string noise : {"68", "00", "fefe00", "6868", "68000000000000", "6800000000000068",
                                    "680000000000006811c0", "fefefefe68121212"}) {
        SCOPED_TRACE(noise);
        auto stream = from_hex(noise);
        stream.insert(stream.end(), good.begin(), good.end());
        std::span<const std::uint8_t> rest = stream;
        auto cut = split(rest);
        while (cut.state == State::noise) {
            rest = rest.subspan(cut.length);
            cut = split(rest);
        }
        ASSERT_EQ(cut.state, State::frame);
        EXPECT_EQ(to_hex(rest.first(cut.length)), to_hex(good));
    }
}

TEST(Dlt645Frame, ALineStuckAtPreambleDoesNotFillTheBuffer) {
    const std::vector<std::uint8_t> stuck(300, 0xFE);
    const auto cut = split(stuck);
    EXPECT_EQ(cut.state, State::noise);
    EXPECT_GT(cut.length, 200U);
}

TEST(Dlt645Frame, OurOwnEchoAndOtherMetersAreForeign) {
    const auto echo = frame_of("6861010000000068110433333433 1416");
    EXPECT_EQ(code_of(check_answer(echo, read_of(161, 0x00010000))), wire::Errc::foreign_answer);
    const auto answer = frame_of("6861010000000068910833333433593333338a16");
    EXPECT_TRUE(check_answer(answer, read_of(161, 0x00010000)));
    EXPECT_EQ(code_of(check_answer(answer, read_of(162, 0x00010000))), wire::Errc::foreign_answer);
    EXPECT_EQ(code_of(check_answer(answer, read_of(161, 0x00020000))), wire::Errc::foreign_answer);
    auto wildcard = read_of(0, 0x00010000);
    wildcard.address = any_address;
    const auto taken = check_answer(answer, wildcard);
    ASSERT_TRUE(taken);
    EXPECT_EQ(to_hex(taken->data), "26000000");
}

TEST(Dlt645Frame, AShortenedAddressMatchesByItsGivenDigits) {
    const auto answer = frame_of("6861010000000068910833333433593333338a16");
    auto expected = read_of(161, 0x00010000);
    std::fill(expected.address.begin() + 2, expected.address.end(), std::uint8_t{0xAA});
    EXPECT_TRUE(check_answer(answer, expected));
    expected.address[0] = 0x62;
    EXPECT_FALSE(check_answer(answer, expected));
}

TEST(Dlt645Frame, FollowOnAnswersCarryTheirSequence) {
    std::vector<std::uint8_t> out;
    const std::vector<std::uint8_t> data{0x01, 0x00, 0x30, 0x03, 0x77, 0x88, 0x02};
    ASSERT_TRUE(append_frame(out, address_from(161), 0xB2, data));
    const auto frame = decode_frame(out);
    ASSERT_TRUE(frame);
    auto expected = read_of(161, 0x03300001);
    expected.function = 0x12;
    expected.sequence = 2;
    const auto answer = check_answer(*frame, expected);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->more);
    EXPECT_EQ(to_hex(answer->data), "7788");
    expected.sequence = 1;
    EXPECT_EQ(code_of(check_answer(*frame, expected)), wire::Errc::foreign_answer);
}

TEST(Dlt645Frame, ErrorBitsSayWhatHappensNext) {
    EXPECT_EQ(errc_of_error(0x02), wire::Errc::no_such_point);
    EXPECT_EQ(errc_of_error(0x04), wire::Errc::not_permitted);
    EXPECT_EQ(errc_of_error(0x08), wire::Errc::bad_value);
    EXPECT_EQ(errc_of_error(0x01), wire::Errc::device_failure);
    EXPECT_EQ(error_text(0x02), "no requested data");
    const auto refused = frame_of("6812907856341268d101358d16");
    EXPECT_EQ(code_of(check_answer(refused, read_of(123456789012, 0x0001FF00))), wire::Errc::no_such_point);
}

TEST(Dlt645Frame, OtherControlCodesAreTakenApart) {
    const auto decoded = [](std::uint8_t control, const std::vector<std::uint8_t>& data) {
        Frame frame;
        frame.control = control;
        frame.data = data;
        std::string_view why;
        const auto fields = decode_fields(frame, Revision::y2007, &why);
        return fields ? std::string(fields->name) : "refused: " + std::string(why);
    };
    EXPECT_EQ(decoded(0x14, from_hex("03010004 02123456 01000000 20")), "write");
    EXPECT_EQ(decoded(0x94, {}), "write");
    EXPECT_EQ(decoded(0x15, from_hex("123456781013")), "write address");
    EXPECT_EQ(decoded(0x16, from_hex("99999999")), "freeze");
    EXPECT_EQ(decoded(0x16, from_hex("00000199")), "freeze");
    EXPECT_EQ(decoded(0x16, from_hex("61000199")), "refused: minute, hour, day or month is out of range");
    EXPECT_EQ(decoded(0x17, from_hex("20")), "change baud rate");
    EXPECT_EQ(decoded(0x97, from_hex("20")), "change baud rate");
    EXPECT_EQ(decoded(0x18, from_hex("010C0004 02123456 02654321")), "change password");
    EXPECT_EQ(decoded(0x19, from_hex("02123456 01000000")), "clear demand");
    EXPECT_EQ(decoded(0x1A, from_hex("02123456 01000000")), "clear meter");
    EXPECT_EQ(decoded(0x1B, from_hex("02123456 01000000 FFFFFFFF")), "clear events");
    EXPECT_EQ(decoded(0x1C, from_hex("02123456")), "refused: shorter than its control code needs");
    EXPECT_EQ(decoded(0x1D, from_hex("00")), "multi-function output");
    EXPECT_EQ(decoded(0x03, from_hex("FF000007 01")), "security authentication");
    EXPECT_EQ(decoded(0xDC, from_hex("0400")), "abnormal answer");
    EXPECT_EQ(decoded(0xD4, from_hex("04")), "abnormal answer");
    EXPECT_EQ(decoded(0x05, {}), "unknown function");
}

TEST(Dlt645Value, TheSignIsTheTopBitOfTheHighestByte) {
    EXPECT_EQ(decode_bcd(from_hex("341280"), true).value, -1234);
    EXPECT_EQ(decode_bcd(from_hex("122580"), true).value, -2512);
    EXPECT_EQ(decode_bcd(from_hex("0185"), true).value, -501);
    EXPECT_EQ(decode_bcd(from_hex("0090"), true).value, -1000);
    EXPECT_EQ(decode_bcd(from_hex("0090"), false).value, 9000);
}

TEST(Dlt645Value, WhatIsNotANumberIsNeverOne) {
    EXPECT_EQ(decode_bcd(from_hex("ffffff"), true).state, Bcd::State::not_available);
    EXPECT_EQ(decode_bcd(from_hex("ffffffff"), false).state, Bcd::State::not_available);
    EXPECT_EQ(decode_bcd(from_hex("0a00"), false).state, Bcd::State::malformed);
    EXPECT_EQ(decode_bcd(from_hex("00ff"), false).state, Bcd::State::malformed);
    EXPECT_EQ(decode_bcd({}, false).state, Bcd::State::malformed);
}

TEST(Dlt645Value, TextComesLastCharacterFirst) {
    EXPECT_EQ(decode_text(from_hex("0056303232")), "220V");
}

}  // namespace
}  // namespace sl::dlt645
