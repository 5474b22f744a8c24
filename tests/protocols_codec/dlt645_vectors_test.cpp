// Every published DL/T 645 frame of both editions.
#include "protocols/dlt645/fields.hpp"
#include "protocols/dlt645/value.hpp"
#include "vectors.hpp"

#include <cstdio>
#include <map>

#include <gtest/gtest.h>

namespace sl::dlt645 {
namespace {

using boost::json::object;
using test::from_hex;
using test::text_of;
using test::to_hex;
using Data = std::span<const std::uint8_t>;

struct Vector {
    std::string id;
    Revision revision = Revision::y2007;
    test::Bytes bytes;
    object meaning;
    bool invalid = false;
    bool answer = false;
};

std::vector<Vector> all() {
    std::vector<Vector> out;
    for (const std::string name : {"dlt645_2007.json", "dlt645_1997.json"}) {
        for (const auto& entry : test::load_vectors(name)) {
            const auto& o = entry.as_object();
            out.push_back({text_of(o, "id"), name == "dlt645_1997.json" ? Revision::y1997 : Revision::y2007,
                           from_hex(text_of(o, "hex")), o.at("meaning").as_object(), test::is_invalid(o),
                           text_of(o, "direction").starts_with("meter")});
        }
    }
    return out;
}

std::string padded(std::uint32_t number, int digits) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%0*X", digits, number);
    return text.data();
}

std::string two(int number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string printed(const DateTime& t) {
    return std::to_string(t.year) + "-" + two(t.month) + "-" + two(t.day) + " " + two(t.hour) + ":" +
           two(t.minute) + ":" + two(t.second);
}

std::string address_text(const Address& address) {
    return to_hex(test::Bytes(address.rbegin(), address.rend()));
}

// How the value behind a DI is written; `bytes` = 0: this test has no format for it.
struct Format {
    std::size_t bytes = 0;
    int decimals = 0;
    bool is_signed = false;
};
Format format_of(std::uint32_t di, Revision revision) {
    if (revision == Revision::y1997) {
        if ((di & 0xF000U) == 0x9000U) return {4, 2, false};
        if ((di & 0xFFF0U) == 0xB610U) return {2, 0, false};
        return {};
    }
    if ((di >> 24U) == 0) return {4, 2, (di >> 16U) == 0 || (di >> 16U) == 3 || (di >> 16U) == 4};
    switch (di >> 16U) {
        case 0x0201:
            return {2, 1, false};
        case 0x0202:
            return {3, 3, true};
        case 0x0203:
        case 0x0204:
        case 0x0205:
            return {3, 4, true};
        case 0x0206:
            return {2, 3, true};
        case 0x0207:
            return {2, 1, false};
        default:
            break;
    }
    if (di == 0x02800001) return {3, 3, true};
    if (di == 0x02800002) return {2, 2, false};
    if (di == 0x02800007) return {2, 1, true};
    if (di == 0x04000409) return {3, 0, false};
    return {};
}

std::string printed(const Bcd& bcd, int decimals) {
    if (bcd.state == Bcd::State::not_available) return "not available";
    if (bcd.state == Bcd::State::malformed) return "malformed";
    const bool negative = bcd.value < 0;
    auto digits = std::to_string(negative ? -bcd.value : bcd.value);
    const auto places = static_cast<std::size_t>(decimals);
    while (digits.size() <= places)
        digits.insert(0, "0");
    if (places > 0) digits.insert(digits.size() - places, ".");
    return (negative ? "-" : "") + digits;
}

// WW DD MM YY
std::string printed_date(Data d) {
    return "20" + two(*from_bcd(d[3])) + "-" + two(*from_bcd(d[2])) + "-" + two(*from_bcd(d[1])) +
           " weekday " + std::to_string(*from_bcd(d[0]));
}

std::string printed_time(Data d) {
    return two(*from_bcd(d[2])) + ":" + two(*from_bcd(d[1])) + ":" + two(*from_bcd(d[0]));
}

std::string reversed_hex(Data d) {
    return to_hex(test::Bytes(d.rbegin(), d.rend()));
}

// The value of a whole answer as the vectors write it; empty when this test knows no format for it.
std::string value_text(const Fields& f, Revision revision, std::size_t index) {
    if (f.time) return printed(*f.time);
    if (f.address) return address_text(*f.address);
    if (!f.di) return {};
    const bool old = revision == Revision::y1997;
    if (*f.di == (old ? 0xC010U : 0x04000101U)) return printed_date(f.payload);
    if (*f.di == (old ? 0xC011U : 0x04000102U)) return printed_time(f.payload);
    if (*f.di == (old ? 0xC032U : 0x04000401U) || *f.di == 0x04000402U) return reversed_hex(f.payload);
    if (!old && *f.di >= 0x04000501U && *f.di <= 0x04000507U) return "0x" + reversed_hex(f.payload);
    const auto format = format_of(*f.di, revision);
    if (format.bytes == 0) return {};
    if (f.payload.size() < (index + 1) * format.bytes) return "too short";
    return printed(decode_bcd(f.payload.subspan(index * format.bytes, format.bytes), format.is_signed),
                   format.decimals);
}

int compare_value(const Vector& v, const Fields& fields) {
    const auto* value = v.meaning.if_contains("value");
    if (value == nullptr) return 0;
    if (value->is_array()) {
        const auto& list = value->as_array();
        for (std::size_t i = 0; i < list.size(); ++i) {
            EXPECT_EQ(value_text(fields, v.revision, i), std::string(list[i].as_string()));
        }
        return 1;
    }
    const auto got = value_text(fields, v.revision, 0);
    if (!value->is_string() || got.empty()) return 0;
    EXPECT_EQ(got, std::string(value->as_string()));
    return 1;
}

std::map<std::string, std::string> words(const Vector& v, const Frame& frame, const Fields& f) {
    std::map<std::string, std::string> out{
        {"address", address_text(frame.address)},
        {"control", to_hex(test::Bytes{frame.control})},
        {"preamble_fe", std::to_string(frame.preamble)},
        {"data_minus_33", to_hex(f.di ? f.payload : Data(frame.data))},
        {"pa", f.password_level ? to_hex(test::Bytes{*f.password_level}) : "missing"},
        {"password_p0_p2", to_hex(f.password)},
        {"operator_c0_c3", to_hex(f.operator_code)},
        {"n1", f.command ? to_hex(test::Bytes{*f.command}) : "missing"},
        {"n2", f.command_detail ? to_hex(test::Bytes{*f.command_detail}) : "missing"},
        {"valid_until", f.time ? test::upper(printed(*f.time)) : "missing"},
        {"error_byte", f.error ? to_hex(test::Bytes{*f.error}) : "missing"},
        {"seq", f.sequence ? std::to_string(*f.sequence) : "missing"},
        {"new_address_wire", f.address ? to_hex(*f.address) : "missing"},
    };
    if (f.di) out["di"] = padded(*f.di, v.revision == Revision::y1997 ? 4 : 8);
    return out;
}

void compare(const Vector& v, const Frame& frame, const Fields& fields) {
    const auto got = words(v, frame, fields);
    int compared = compare_value(v, fields);
    for (const auto& field : v.meaning) {
        const auto it = got.find(std::string(field.key()));
        if (it == got.end()) continue;
        const auto& value = field.value();
        const auto wanted =
            value.is_string() ? test::upper(value.as_string()) : boost::json::serialize(value);
        EXPECT_EQ(it->second, wanted) << it->first;
        ++compared;
    }
    EXPECT_GE(compared, 3) << "nothing of the published meaning was compared";
}

TEST(Dlt645Vectors, EveryFrameMeansWhatItsPublisherSays) {
    int values = 0;
    for (const auto& v : all()) {
        if (v.invalid) continue;
        SCOPED_TRACE(v.id);
        std::string_view why;
        const auto frame = decode_frame(v.bytes, &why);
        ASSERT_TRUE(frame) << why;
        EXPECT_EQ(frame->is_answer(), v.answer);
        const auto fields = decode_fields(*frame, v.revision, &why);
        ASSERT_TRUE(fields) << why;
        compare(v, *frame, *fields);
        values += v.meaning.contains("value") ? 1 : 0;
    }
    EXPECT_GT(values, 50);
}

TEST(Dlt645Vectors, EveryInvalidFrameIsRefusedWithAReason) {
    int refused = 0;
    for (const auto& v : all()) {
        if (!v.invalid) continue;
        SCOPED_TRACE(v.id);
        std::string_view why;
        const auto frame = decode_frame(v.bytes, &why);
        if (frame) {
            EXPECT_FALSE(decode_fields(*frame, v.revision, &why));
        }
        EXPECT_FALSE(why.empty());
        ++refused;
    }
    EXPECT_GE(refused, 6);
}

TEST(Dlt645Vectors, EveryFrameIsCutOutOfTheStreamAtItsLastByteAndNotBefore) {
    for (const auto& v : all()) {
        if (v.invalid) continue;
        SCOPED_TRACE(v.id);
        const Data bytes = v.bytes;
        for (std::size_t n = 0; n < bytes.size(); ++n) {
            const auto cut = split(bytes.first(n));
            EXPECT_EQ(cut.state, Split::State::need_more) << n;
            EXPECT_GT(cut.length, n);
        }
        const auto cut = split(bytes);
        EXPECT_EQ(cut.state, Split::State::frame);
        EXPECT_EQ(cut.length, bytes.size());
    }
}

TEST(Dlt645Vectors, AGoodFrameIsFoundBehindEveryFrameValidOrNot) {
    const auto good = from_hex("fefe681290785634126891063334343538567b16");
    for (const auto& v : all()) {
        SCOPED_TRACE(v.id);
        auto stream = v.bytes;
        stream.insert(stream.end(), good.begin(), good.end());
        Data rest = stream;
        std::string last;
        while (!rest.empty()) {
            const auto cut = split(rest);
            ASSERT_NE(cut.state, Split::State::need_more);
            ASSERT_GE(cut.length, 1U);
            ASSERT_LE(cut.length, rest.size());
            if (cut.state == Split::State::frame) last = to_hex(rest.first(cut.length));
            rest = rest.subspan(cut.length);
        }
        // What was before may have eaten preamble bytes: the frame itself counts.
        const auto wanted = to_hex(Data(good).subspan(2));
        ASSERT_GE(last.size(), wanted.size());
        EXPECT_EQ(last.substr(last.size() - wanted.size()), wanted);
    }
}

TEST(Dlt645Vectors, EveryFrameIsBuiltAgainByteForByte) {
    for (const auto& v : all()) {
        if (v.invalid) continue;
        SCOPED_TRACE(v.id);
        const auto frame = decode_frame(v.bytes);
        ASSERT_TRUE(frame);
        std::vector<std::uint8_t> out;
        ASSERT_TRUE(append_frame(out, frame->address, frame->control, frame->data));
        EXPECT_EQ(to_hex(Data(out).subspan(4)), to_hex(Data(v.bytes).subspan(frame->preamble)));
    }
}

}  // namespace
}  // namespace sl::dlt645
