#include "protocols/modbus/frame.hpp"
#include "vectors.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace sl::modbus {
namespace {

using test::from_hex;
using test::to_hex;
using State = Split::State;

test::Bytes with_crc(std::string_view hex) {
    auto bytes = from_hex(hex);
    const auto crc = crc16(bytes);
    bytes.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
    bytes.push_back(static_cast<std::uint8_t>(crc >> 8U));
    return bytes;
}

Expected read_of(std::uint8_t unit, std::uint16_t count) {
    Expected expected;
    expected.unit = unit;
    expected.function = 3;
    expected.count = count;
    return expected;
}

wire::Errc code_of(const wire::Result<std::span<const std::uint8_t>>& result) {
    return static_cast<wire::Errc>(result.error().value());
}

TEST(ModbusFrame, CountsAtTheLimitsAreAcceptedAndBeyondThemRefused) {
    std::vector<std::uint8_t> out;
    EXPECT_TRUE(append_read_request(out, Framing::rtu, 0, 1, 1, 0, 2000));
    EXPECT_FALSE(append_read_request(out, Framing::rtu, 0, 1, 1, 0, 2001));
    EXPECT_TRUE(append_read_request(out, Framing::rtu, 0, 1, 4, 0, 125));
    EXPECT_FALSE(append_read_request(out, Framing::rtu, 0, 1, 4, 0, 126));
    EXPECT_FALSE(append_read_request(out, Framing::rtu, 0, 1, 3, 0, 0));
    EXPECT_TRUE(append_read_request(out, Framing::rtu, 0, 1, 3, 0xFFFF, 1));
    EXPECT_FALSE(append_read_request(out, Framing::rtu, 0, 1, 3, 0xFFFF, 2));
    EXPECT_FALSE(append_read_request(out, Framing::rtu, 0, 1, 5, 0, 1));
    const std::vector<std::uint8_t> most(246), too_many(248);
    EXPECT_TRUE(append_write_request(out, Framing::rtu, 0, 1, 16, 0, 123, most));
    EXPECT_FALSE(append_write_request(out, Framing::rtu, 0, 1, 16, 0, 124, too_many));
    EXPECT_FALSE(append_write_request(out, Framing::rtu, 0, 1, 16, 0, 122, most));
    EXPECT_TRUE(append_write_request(out, Framing::rtu, 0, 1, 15, 0, 1968, most));
}

TEST(ModbusFrame, ARefusedRequestLeavesTheBufferAlone) {
    std::vector<std::uint8_t> out{1, 2, 3};
    EXPECT_FALSE(append_read_request(out, Framing::tcp, 0, 1, 3, 0, 126));
    EXPECT_EQ(out.size(), 3U);
}

TEST(ModbusFrame, UnusedBitsOfACoilWriteAreSentAsZero) {
    std::vector<std::uint8_t> out;
    const std::vector<std::uint8_t> data{0xFF, 0xFF};
    ASSERT_TRUE(append_write_request(out, Framing::rtu, 0, 1, 15, 0x13, 10, data));
    EXPECT_EQ(to_hex(out).substr(14, 4), "FF03");
}

TEST(ModbusFrame, AFrameIsAppendedBehindWhatTheBufferHolds) {
    std::vector<std::uint8_t> out{0xAA};
    ASSERT_TRUE(append_read_request(out, Framing::rtu, 0, 1, 3, 0x6B, 3));
    EXPECT_EQ(to_hex(out), "AA0103006B00037417");
}

TEST(ModbusFrame, AnAnswerIsFoundBehindNoise) {
    const auto answer = with_crc("010304000a0102");
    for (const std::string noise :
         {"00", "ff", "fe01", "0103", "01030400", "5a5a5a5a5a", "018300", "2b0e", "0117ff"}) {
        SCOPED_TRACE(noise);
        auto stream = from_hex(noise);
        stream.insert(stream.end(), answer.begin(), answer.end());
        std::span<const std::uint8_t> rest = stream;
        auto split = split_response(rest, Framing::rtu, read_of(1, 2));
        while (split.state == State::noise) {
            rest = rest.subspan(split.length);
            split = split_response(rest, Framing::rtu, read_of(1, 2));
        }
        EXPECT_EQ(split.state, State::frame);
        EXPECT_EQ(to_hex(rest.first(split.length)), to_hex(answer));
    }
}

TEST(ModbusFrame, ACorruptedLengthByteDoesNotSwallowTheAnswerThatFollows) {
    auto stream = with_crc("0103040001 0002");
    stream[2] = 0xC8;
    const auto good = with_crc("01030400030004");
    stream.insert(stream.end(), good.begin(), good.end());
    const auto split = split_response(stream, Framing::rtu, read_of(1, 2));
    ASSERT_EQ(split.state, State::noise);
    EXPECT_EQ(split.length, stream.size() - good.size());
}

TEST(ModbusFrame, AFlippedBitAnywhereIsNoticed) {
    const auto good = with_crc("010304000a0102");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_FALSE(check_response(bad, Framing::rtu, read_of(1, 2))) << bit;
        EXPECT_FALSE(decode_frame(bad, Framing::rtu, Direction::response)) << bit;
    }
}

TEST(ModbusFrame, AnswersOfOthersAreForeignAndNotMalformed) {
    EXPECT_EQ(code_of(check_response(with_crc("020304000a0102"), Framing::rtu, read_of(1, 2))),
              wire::Errc::foreign_answer);
    EXPECT_EQ(code_of(check_response(with_crc("010404000a0102"), Framing::rtu, read_of(1, 2))),
              wire::Errc::foreign_answer);
    // An answer to an earlier request for one register comes late.
    EXPECT_EQ(code_of(check_response(with_crc("010302000a"), Framing::rtu, read_of(1, 2))),
              wire::Errc::foreign_answer);
    EXPECT_EQ(code_of(check_response(with_crc("018402"), Framing::rtu, read_of(1, 2))),
              wire::Errc::foreign_answer);
}

TEST(ModbusFrame, OnTcpTheTransactionTellsLateAnswersFromWrongOnes) {
    auto expected = read_of(1, 2);
    expected.transaction = 7;
    EXPECT_TRUE(check_response(from_hex("0007000000070103 04000a0102"), Framing::tcp, expected));
    EXPECT_EQ(code_of(check_response(from_hex("0006000000070103 04000a0102"), Framing::tcp, expected)),
              wire::Errc::foreign_answer);
    EXPECT_EQ(code_of(check_response(from_hex("000700000005010302000a"), Framing::tcp, expected)),
              wire::Errc::bad_frame);
    EXPECT_EQ(code_of(check_response(from_hex("0007000100070103 04000a0102"), Framing::tcp, expected)),
              wire::Errc::bad_frame);
}

TEST(ModbusFrame, TwoTcpAnswersInOneSegmentAreCutApart) {
    const auto stream = from_hex(
        "0006000000050103020001"
        "0007000000070103 04000a0102");
    auto expected = read_of(1, 2);
    expected.transaction = 7;
    const auto split = split_response(stream, Framing::tcp, expected);
    EXPECT_EQ(split.state, State::frame);
    EXPECT_EQ(split.length, 11U);
}

TEST(ModbusFrame, AWriteAnswerMustEchoWhatWasWritten) {
    Expected expected;
    expected.unit = 1;
    expected.function = 6;
    expected.address = 1;
    expected.count = 1;
    expected.value = 3;
    EXPECT_TRUE(check_response(from_hex("010600010003980b"), Framing::rtu, expected));
    expected.value = 4;
    EXPECT_EQ(code_of(check_response(from_hex("010600010003980b"), Framing::rtu, expected)),
              wire::Errc::foreign_answer);
    expected.function = 16;
    expected.count = 2;
    EXPECT_TRUE(check_response(from_hex("0110000100021008"), Framing::rtu, expected));
    expected.count = 3;
    EXPECT_FALSE(check_response(from_hex("0110000100021008"), Framing::rtu, expected));
}

TEST(ModbusFrame, EveryExceptionSaysWhatHappensNext) {
    EXPECT_EQ(errc_of_exception(1), wire::Errc::unsupported);
    EXPECT_EQ(errc_of_exception(2), wire::Errc::no_such_point);
    EXPECT_EQ(errc_of_exception(3), wire::Errc::bad_value);
    EXPECT_EQ(errc_of_exception(4), wire::Errc::device_failure);
    EXPECT_EQ(errc_of_exception(6), wire::Errc::busy);
    EXPECT_EQ(errc_of_exception(0x0A), wire::Errc::path_unavailable);
    EXPECT_EQ(errc_of_exception(0x0B), wire::Errc::path_unavailable);
    EXPECT_EQ(errc_of_exception(0x77), wire::Errc::device_failure);
}

// A decoded frame points into its bytes: they are kept as long as the test runs.
wire::Result<Frame> decode_kept(test::Bytes bytes, Direction direction) {
    static std::deque<test::Bytes> kept;
    kept.push_back(std::move(bytes));
    return decode_frame(kept.back(), Framing::rtu, direction);
}

TEST(ModbusFrame, OtherFunctionsAreTakenApartAtFrameLevel) {
    const auto status = decode_kept(with_crc("01076d"), Direction::response);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->value, 0x6D);
    const auto echo = decode_kept(with_crc("01080000a537"), Direction::response);
    ASSERT_TRUE(echo);
    EXPECT_EQ(echo->sub_function, 0);
    EXPECT_EQ(to_hex(echo->data), "A537");
    const auto events = decode_kept(with_crc("010b ffff 0108"), Direction::response);
    ASSERT_TRUE(events);
    EXPECT_EQ(events->quantity, 0x0108);
    const auto log = decode_kept(with_crc("010c08 0000 0108 0121 2000"), Direction::response);
    ASSERT_TRUE(log);
    EXPECT_EQ(log->quantity, 0x0108);
    const auto server = decode_kept(with_crc("011103 b4ff41"), Direction::response);
    ASSERT_TRUE(server);
    EXPECT_EQ(to_hex(server->data), "B4FF41");
    const auto fifo = decode_kept(with_crc("0118 0006 0002 01b8 1284"), Direction::response);
    ASSERT_TRUE(fifo);
    EXPECT_EQ(fifo->value, 2);
    EXPECT_EQ(to_hex(fifo->data), "01B81284");
    const auto identity = decode_kept(with_crc("012b0e0101000002000361626301024142"), Direction::response);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->sub_function, 0x0E);
    const auto user = decode_kept(with_crc("0165deadbeef"), Direction::request);
    ASSERT_TRUE(user);
    EXPECT_EQ(to_hex(user->data), "DEADBEEF");
}

TEST(ModbusFrame, AnIdentificationAnswerIsCutByItsObjects) {
    const auto bytes = with_crc("012b0e0101000002000361626301024142");
    Expected expected;
    expected.unit = 1;
    expected.function = 43;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        EXPECT_EQ(split_response(std::span(bytes).first(n), Framing::rtu, expected).state, State::need_more)
            << n;
    }
    EXPECT_EQ(split_response(bytes, Framing::rtu, expected).length, bytes.size());
}

TEST(ModbusFrame, ARefusalSaysWhy) {
    std::string_view why;
    EXPECT_FALSE(decode_frame(from_hex("010300"), Framing::rtu, Direction::request, &why));
    EXPECT_EQ(why, "shorter than 4 bytes");
    EXPECT_FALSE(decode_frame(from_hex("0103006b00037418"), Framing::rtu, Direction::request, &why));
    EXPECT_EQ(why, "CRC is wrong");
    EXPECT_FALSE(decode_frame(with_crc("010304000a"), Framing::rtu, Direction::response, &why));
    EXPECT_EQ(why, "byte count does not match the data");
    EXPECT_FALSE(decode_frame(from_hex("000100010006110300 6b0003"), Framing::tcp, Direction::request, &why));
    EXPECT_EQ(why, "protocol identifier is not 0");
    EXPECT_FALSE(decode_frame(from_hex("000100000007110300 6b0003"), Framing::tcp, Direction::request, &why));
    EXPECT_EQ(why, "MBAP length does not match the bytes that follow");
}

TEST(ModbusFrame, ASoundFrameWithAForbiddenQuantityIsDecodedAndMarked) {
    const auto frame = decode_frame(with_crc("1103 0160 007e"), Framing::rtu, Direction::request);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->quantity, 126);
    EXPECT_FALSE(frame->defect.empty());
}

}  // namespace
}  // namespace sl::modbus
