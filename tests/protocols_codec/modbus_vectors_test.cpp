// Every published Modbus frame, both ways.
#include "protocols/modbus/frame.hpp"
#include "vectors.hpp"

#include <bit>
#include <map>

#include <gtest/gtest.h>

namespace sl::modbus {
namespace {

using boost::json::object;
using boost::json::value;
using test::from_hex;
using test::to_hex;

struct Vector {
    std::string id;
    Framing framing = Framing::rtu;
    Direction direction = Direction::request;
    test::Bytes bytes;
    object meaning;
    bool invalid = false;
};

std::vector<Vector> all() {
    std::vector<Vector> out;
    for (const auto& entry : test::load_vectors("modbus_frames.json")) {
        const auto& o = entry.as_object();
        out.push_back(
            {test::text_of(o, "id"),
             test::text_of(o, "protocol") == "modbus-tcp" ? Framing::tcp : Framing::rtu,
             test::text_of(o, "direction").starts_with("client") ? Direction::request : Direction::response,
             from_hex(test::text_of(o, "hex")), o.at("meaning").as_object(), test::is_invalid(o)});
    }
    return out;
}

std::string hex16(unsigned number) {
    return to_hex(test::Bytes{static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)});
}

std::string registers_of(const Frame& frame) {
    std::string text;
    for (std::size_t i = 0; i + 1 < frame.data.size(); i += 2) {
        text += std::to_string(frame.data[i] * 256 + frame.data[i + 1]) + ",";
    }
    return text;
}

double float_abcd(const Frame& frame) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i)
        bits = (bits << 8U) | frame.data[i];
    return std::bit_cast<float>(bits);
}

std::string number(std::optional<std::uint16_t> field) {
    return field ? std::to_string(*field) : "missing";
}

// The decoded frame in the words of the vectors.
std::map<std::string, std::string> words(const Frame& f) {
    const unsigned function = f.function | (f.exception ? 0x80U : 0U);
    std::map<std::string, std::string> out{
        {"transaction", std::to_string(f.transaction)},
        {"unit", std::to_string(f.unit)},
        {"function", to_hex(test::Bytes{static_cast<std::uint8_t>(function)})},
        {"address", number(f.address)},
        {"quantity", number(f.quantity)},
        {"byte_count", number(f.byte_count)},
        {"value", f.value ? hex16(*f.value) : "missing"},
        {"coil_bytes", to_hex(f.data)},
        {"data", to_hex(f.data)},
        {"registers", registers_of(f)},
        {"and_mask", f.and_mask ? hex16(*f.and_mask) : "missing"},
        {"or_mask", f.or_mask ? hex16(*f.or_mask) : "missing"},
        {"read_address", number(f.address)},
        {"read_quantity", number(f.quantity)},
        {"write_address", number(f.write_address)},
        {"write_quantity", number(f.write_quantity)},
        {"write_data", to_hex(f.data)},
        {"exception_for", to_hex(test::Bytes{f.function})},
        {"exception_code", f.exception ? std::to_string(*f.exception) : "missing"},
    };
    if (f.sub_function) out["sub_function"] = std::to_string(*f.sub_function);
    return out;
}

std::string printed(const value& v) {
    if (v.is_string()) return test::upper(v.as_string());
    if (!v.is_array()) return boost::json::serialize(v);
    std::string text;
    for (const auto& item : v.as_array())
        text += boost::json::serialize(item) + ",";
    return text;
}

void compare(const Vector& vector, const Frame& frame) {
    const auto got = words(frame);
    int compared = 0;
    for (const auto& field : vector.meaning) {
        const std::string key = field.key();
        if (key == "float_abcd") {
            ASSERT_GE(frame.data.size(), 4U);
            EXPECT_NEAR(float_abcd(frame), field.value().to_number<double>(), 1e-4);
        } else if (const auto it = got.find(key); it != got.end()) {
            EXPECT_EQ(it->second, printed(field.value())) << key;
            ++compared;
        }
    }
    EXPECT_GE(compared, 2) << "nothing of the published meaning was compared";
}

TEST(ModbusVectors, EveryFrameMeansWhatItsPublisherSays) {
    for (const auto& vector : all()) {
        SCOPED_TRACE(vector.id);
        std::string_view why;
        const auto frame = decode_frame(vector.bytes, vector.framing, vector.direction, &why);
        if (vector.invalid) {
            EXPECT_FALSE(frame);
            EXPECT_FALSE(why.empty());
            continue;
        }
        ASSERT_TRUE(frame) << why;
        compare(vector, *frame);
    }
}

// The expectation that a request sets up for its answer, from a decoded answer.
Expected expected_of(const Frame& frame) {
    Expected expected;
    expected.transaction = frame.transaction;
    expected.unit = frame.unit;
    expected.function = frame.function;
    expected.address = frame.address.value_or(0);
    expected.value = frame.value;
    expected.count = frame.quantity.value_or(0);
    if (frame.byte_count) {
        expected.count =
            static_cast<std::uint16_t>(frame.function <= 2 ? *frame.byte_count * 8 : *frame.byte_count / 2);
    }
    return expected;
}

TEST(ModbusVectors, EveryAnswerIsCutOutOfTheStreamAtItsLastByteAndNotBefore) {
    for (const auto& vector : all()) {
        if (vector.invalid || vector.direction == Direction::request) continue;
        SCOPED_TRACE(vector.id);
        const auto frame = decode_frame(vector.bytes, vector.framing, vector.direction);
        ASSERT_TRUE(frame);
        const auto expected = expected_of(*frame);
        const std::span<const std::uint8_t> bytes = vector.bytes;
        for (std::size_t n = 0; n < bytes.size(); ++n) {
            const auto split = split_response(bytes.first(n), vector.framing, expected);
            EXPECT_EQ(split.state, Split::State::need_more) << n;
            EXPECT_GT(split.length, n);
            EXPECT_LE(split.length, bytes.size()) << "asked for more than the frame has";
        }
        const auto split = split_response(bytes, vector.framing, expected);
        EXPECT_EQ(split.state, Split::State::frame);
        EXPECT_EQ(split.length, bytes.size());
        const bool answerable = frame->function <= 6 || frame->function == 15 || frame->function == 16;
        if (!answerable) continue;
        const auto data = check_response(bytes, vector.framing, expected);
        if (frame->exception) {
            EXPECT_EQ(data.error(), errc_of_exception(*frame->exception));
        } else {
            ASSERT_TRUE(data) << data.error().message();
            if (frame->function <= 4) {
                EXPECT_EQ(to_hex(*data), to_hex(frame->data));
            }
        }
    }
}

TEST(ModbusVectors, AnAnswerIsFoundBehindEveryInvalidFrameAndBehindEveryOtherFrame) {
    auto good = from_hex("2a0304000a0102");
    const auto crc = crc16(good);
    good.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
    good.push_back(static_cast<std::uint8_t>(crc >> 8U));
    Expected expected;
    expected.unit = 0x2A;
    expected.function = 3;
    expected.count = 2;
    for (const auto& vector : all()) {
        if (vector.framing != Framing::rtu) continue;
        SCOPED_TRACE(vector.id);
        auto stream = vector.bytes;
        stream.insert(stream.end(), good.begin(), good.end());
        std::span<const std::uint8_t> rest = stream;
        bool found = false;
        while (!rest.empty() && !found) {
            const auto split = split_response(rest, Framing::rtu, expected);
            ASSERT_NE(split.state, Split::State::need_more) << "the answer is there";
            ASSERT_GE(split.length, 1U);
            ASSERT_LE(split.length, rest.size());
            if (split.state == Split::State::frame) {
                found = check_response(rest.first(split.length), Framing::rtu, expected).has_value();
            }
            rest = rest.subspan(split.length);
        }
        EXPECT_TRUE(found);
    }
}

TEST(ModbusVectors, EverySoundRequestIsBuiltByteForByte) {
    int built = 0;
    for (const auto& vector : all()) {
        if (vector.invalid || vector.direction == Direction::response) continue;
        SCOPED_TRACE(vector.id);
        const auto f = decode_frame(vector.bytes, vector.framing, vector.direction);
        ASSERT_TRUE(f);
        if (!f->defect.empty()) continue;
        std::vector<std::uint8_t> out;
        wire::Result<void> done;
        if (f->function <= 4) {
            done = append_read_request(out, vector.framing, f->transaction, f->unit, f->function, *f->address,
                                       *f->quantity);
        } else if (f->function == 5) {
            const std::vector<std::uint8_t> bit{static_cast<std::uint8_t>(*f->value == 0xFF00 ? 1 : 0)};
            done = append_write_request(out, vector.framing, f->transaction, f->unit, 5, *f->address, 1, bit);
        } else if (f->function == 6) {
            const auto data = from_hex(hex16(*f->value));
            done =
                append_write_request(out, vector.framing, f->transaction, f->unit, 6, *f->address, 1, data);
        } else if (f->function == 15 || f->function == 16) {
            done = append_write_request(out, vector.framing, f->transaction, f->unit, f->function,
                                        *f->address, *f->quantity, f->data);
        } else {
            continue;
        }
        ASSERT_TRUE(done);
        EXPECT_EQ(to_hex(out), to_hex(vector.bytes));
        ++built;
    }
    EXPECT_GT(built, 20);
}

}  // namespace
}  // namespace sl::modbus
