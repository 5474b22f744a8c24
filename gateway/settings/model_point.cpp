// One [point] of a device model.
#include "gateway/settings/model_point.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace sl::settings {
namespace {

using site::PointType;

std::vector<std::string> quantity_words() {
    std::vector<std::string> words;
    words.reserve(static_cast<std::size_t>(site::Quantity::count_));
    for (int i = 0; i < static_cast<int>(site::Quantity::count_); ++i)
        words.emplace_back(site::name(static_cast<site::Quantity>(i)));
    return words;
}
std::vector<std::string> fault_words() {
    std::vector<std::string> words;
    words.reserve(static_cast<std::size_t>(site::FaultBit::count_));
    for (int i = 0; i < static_cast<int>(site::FaultBit::count_); ++i)
        words.emplace_back(site::name(static_cast<site::FaultBit>(i)));
    return words;
}

void read_quantity(Reader& in, site::Point& out) {
    std::string word;
    in.require("kind", "\"power_w\"");
    if (!in.text("kind", word)) return;
    if (const auto quantity = site::quantity_from(word)) {
        out.quantity = *quantity;
    } else {
        in.unknown_word("kind", word, quantity_words());
    }
}

void read_type(Reader& in, site::Point& out) {
    in.require("type", "\"u16\"");
    in.choice<PointType>("type", out.type,
                         {{"bit", PointType::bit},
                          {"u8", PointType::u8},
                          {"u16", PointType::u16},
                          {"i16", PointType::i16},
                          {"u32", PointType::u32},
                          {"i32", PointType::i32},
                          {"u64", PointType::u64},
                          {"i64", PointType::i64},
                          {"f32", PointType::f32},
                          {"bcd", PointType::bcd},
                          {"bits", PointType::bits},
                          {"dali_level", PointType::dali_level}});
    in.integer("bytes", out.bytes, 1, 8);
    in.flag("signed", out.is_signed);
    in.choice<site::WordOrder>("order", out.order,
                               {{"abcd", site::WordOrder::abcd},
                                {"cdab", site::WordOrder::cdab},
                                {"badc", site::WordOrder::badc},
                                {"dcba", site::WordOrder::dcba}});
    if (out.type == PointType::bcd && out.bytes == 0) in.require("bytes", "4");
    if (out.type == PointType::bits && !in.has("bytes")) out.bytes = 2;
    const bool odd = out.bytes != 1 && out.bytes != 2 && out.bytes != 4;
    if (out.type == PointType::bits && odd) in.refuse("bytes", "bits are 1, 2 or 4 bytes");
    if (out.type != PointType::bcd && out.type != PointType::bits && in.has("bytes"))
        in.refuse("bytes", "only bcd and bits have bytes");
    if (out.type != PointType::bcd && out.is_signed)
        in.refuse("signed", "only bcd has signed; use i16, i32 or i64");
}

void read_table(Reader& in, site::Point& out, std::string_view protocol) {
    const bool modbus = protocol.starts_with("modbus");
    if (modbus) {
        in.require("table", "\"input\"");
    } else if (in.has("table")) {
        in.refuse("table", fmt::format("{} has no tables", protocol));
    }
    in.choice<std::uint32_t>("table", out.table,
                             {{"coil", 1}, {"discrete", 2}, {"holding", 3}, {"input", 4}});
    std::uint32_t write_table = 0;
    if (in.choice<std::uint32_t>("write_table", write_table, {{"coil", 1}, {"holding", 3}}))
        out.write_table = write_table;
    in.require("address", "0x0010");
    in.integer("address", out.address, 0, modbus ? 0xFFFF : 0xFFFF'FFFFLL);
    in.integer("offset", out.offset_bytes, 0, 255);
    std::uint32_t write_address = 0;
    if (in.integer("write_address", write_address, 0, 0xFFFF)) out.write_address = write_address;
    in.integer("bit", out.bit, 0, 31);
    const bool bits = out.table == 1 || out.table == 2;
    if (bits && in.has("type") && out.type != PointType::bit)
        in.refuse("type", "a coil or discrete input is of type \"bit\"");
    if (in.has("bit") && (bits || out.type != PointType::bit))
        in.refuse("bit", "bit belongs to type \"bit\" outside coils and discrete inputs");
}

void read_scale(Reader& in, site::Point& out) {
    const auto* node = in.find("scale");
    if (node != nullptr) {
        std::optional<site::Scale> scale;
        if (const auto word = node->value_exact<std::string>()) {
            scale = parse_scale(*word);
        } else if (node->is_number()) {
            scale = parse_scale(fmt::format("{}", node->value<double>().value_or(0.0)));
        }
        if (scale) {
            out.scale = *scale;
        } else {
            in.refuse("scale", "scale must be a number or a fraction", "as in 0.1 or \"1/3\"");
        }
    }
    in.number("plus", out.scale.offset, -1e9, 1e9);
}

void read_limits(Reader& in, site::Point& out) {
    std::int64_t whole = 0;
    if (in.integer("invalid", whole, std::numeric_limits<std::int64_t>::min(),
                   std::numeric_limits<std::int64_t>::max()))
        out.invalid = whole;
    if (in.integer("rollover", whole, 0, std::numeric_limits<std::int64_t>::max()))
        out.rollover = static_cast<std::uint64_t>(whole);
    in.integer("every", out.every, 1, 1'000);
    in.flag("write", out.writable);
    double value = 0.0;
    if (in.number("min", value, -1e12, 1e12)) out.min = value;
    if (in.number("max", value, -1e12, 1e12)) out.max = value;
    if (out.min && out.max && *out.max < *out.min) in.refuse("max", "max is less than min");
}

void read_bits(Reader& in, site::Point& out) {
    const bool wanted = out.type == PointType::bits;
    if (wanted != (out.quantity == site::Quantity::faults) && in.has("type") && in.has("kind"))
        in.refuse("type", "type \"bits\" and kind \"faults\" go together");
    if (wanted) in.require("bits", "{ 0 = \"lamp-open\" }");
    const auto* node = in.find("bits");
    if (node == nullptr) return;
    const auto* table = node->as_table();
    if (table == nullptr) {
        in.refuse("bits", "bits must be a table", "as in { 0 = \"lamp-open\" }");
        return;
    }
    for (const auto& [key, value] : *table) {
        const auto bit = parse_integer(key.str());
        const auto word = value.value_exact<std::string>().value_or("");
        const auto fault = site::fault_bit_from(word);
        const auto at = in.at_element("bits", value);
        if (!bit || *bit < 0 || *bit >= out.bytes * 8) {
            in.report().error(at, fmt::format("there is no bit \"{}\" in {} bytes", key.str(), out.bytes));
        } else if (!fault) {
            in.report().error(at, fmt::format("\"{}\" is not a fault", word), suggest(word, fault_words()));
        } else {
            out.bits.push_back({static_cast<std::uint8_t>(*bit), *fault});
        }
    }
}

}  // namespace

std::optional<site::Scale> parse_scale(std::string_view text) {
    const auto slash = text.find('/');
    if (slash != std::string_view::npos) {
        const auto num = parse_integer(trim(text.substr(0, slash)));
        const auto den = parse_integer(trim(text.substr(slash + 1)));
        constexpr std::int64_t most = 1'000'000'000'000;
        if (!num || !den || *num == 0 || *num > most || *num < -most || *den < 1 || *den > most)
            return std::nullopt;
        const auto common = std::gcd(*num, *den);
        return site::Scale{*num / common, *den / common, 0.0};
    }
    int exponent = 0;
    const auto e = text.find('e');
    if (e != std::string_view::npos) {
        auto tail = text.substr(e + 1);
        if (tail.starts_with('+')) tail.remove_prefix(1);
        const auto value = parse_integer(tail);
        if (!value || *value < -12 || *value > 12) return std::nullopt;
        exponent = static_cast<int>(*value);
        text = text.substr(0, e);
    }
    std::string digits{text};
    const auto point = digits.find('.');
    if (point != std::string::npos) {
        exponent -= static_cast<int>(digits.size() - point - 1);
        digits.erase(point, 1);
    }
    const auto mantissa = parse_integer(digits);
    if (!mantissa || *mantissa == 0 || std::abs(*mantissa) > 1'000'000'000 || exponent < -15 || exponent > 9)
        return std::nullopt;
    site::Scale scale{*mantissa, 1, 0.0};
    for (; exponent > 0; --exponent)
        scale.num *= 10;
    for (; exponent < 0; ++exponent)
        scale.den *= 10;
    const auto common = std::gcd(scale.num, scale.den);
    scale.num /= common;
    scale.den /= common;
    return scale;
}

void read_point(Reader& in, site::Point& out, std::string_view protocol, int heads) {
    read_quantity(in, out);
    in.integer("head", out.head, 0, heads);
    in.choice<site::Phase>(
        "phase", out.phase,
        {{"l1", site::Phase::l1}, {"l2", site::Phase::l2}, {"l3", site::Phase::l3}, {"n", site::Phase::n}});
    read_type(in, out);
    read_table(in, out, protocol);
    read_scale(in, out);
    read_limits(in, out);
    read_bits(in, out);
}

}  // namespace sl::settings
