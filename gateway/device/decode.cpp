#include "gateway/device/decode.hpp"

#include "gateway/device/word_order.hpp"
#include "protocols/dali/frame.hpp"
#include "protocols/dlt645/value.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

namespace sl::device {
namespace {

using site::Point;
using site::PointType;
using site::Quantity;
using Data = std::span<const std::uint8_t>;

// A raw value: whole numbers stay whole as long as they fit.
struct Raw {
    bool whole = true;
    std::int64_t integer = 0;
    double real = 0.0;
};
Raw whole(std::int64_t value) {
    return {true, value, 0.0};
}

// The bytes of the point, most significant first.
struct Ordered {
    std::array<std::uint8_t, 8> bytes{};
    std::size_t size = 0;
};
std::optional<Ordered> ordered(const Point& point, std::size_t offset, std::size_t size, Data data) {
    if (size > 8 || offset > data.size() || data.size() - offset < size) return std::nullopt;
    Ordered out;
    out.size = size;
    for (std::size_t i = 0; i < size; ++i) {
        // Table 0 (DL/T 645) sends the lowest byte first.
        out.bytes[i] = point.table == 0 ? data[offset + size - 1 - i] : data[offset + i];
    }
    if (point.table != 0) reorder(std::span(out.bytes).first(size), point.order);
    return out;
}

std::uint64_t assemble(const Ordered& in) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < in.size; ++i)
        value = (value << 8U) | in.bytes[i];
    return value;
}

std::optional<std::uint64_t> unsigned_at(const Point& point, std::size_t offset, std::size_t size,
                                         Data data) {
    const auto bytes = ordered(point, offset, size, data);
    if (!bytes) return std::nullopt;
    return assemble(*bytes);
}

// One byte: of table 0 itself, else the low byte of a register.
std::optional<std::uint64_t> byte_at(const Point& point, std::size_t offset, Data data) {
    const std::size_t at = point.table == 0 ? offset : offset + 1;
    if (at >= data.size()) return std::nullopt;
    return data[at];
}

std::optional<std::uint64_t> bit_at(const Point& point, std::size_t offset, Data data) {
    if (is_bit_table(point.table)) {
        if (offset / 8 >= data.size()) return std::nullopt;
        return (unsigned{data[offset / 8]} >> (offset % 8)) & 1U;
    }
    if (point.table == 0) {
        const auto byte = byte_at(point, offset + point.bit / 8U, data);
        return byte ? std::optional((*byte >> (point.bit % 8U)) & 1U) : std::nullopt;
    }
    const auto word = unsigned_at(point, offset, 2, data);
    if (!word || point.bit > 15) return std::nullopt;
    return (*word >> point.bit) & 1U;
}

// The set of FaultBit for the raw bits that the model names.
std::int64_t fault_set(const Point& point, std::uint64_t raw) {
    std::int64_t set = 0;
    for (const auto& mapping : point.bits) {
        if (mapping.raw_bit < 64 && ((raw >> mapping.raw_bit) & 1U) != 0) {
            set |= std::int64_t{1} << static_cast<unsigned>(mapping.fault);
        }
    }
    return set;
}

bool is_invalid(const Point& point, std::int64_t raw) {
    return point.invalid && *point.invalid == raw;
}

std::optional<Raw> integer(const Point& point, std::optional<std::uint64_t> bits, unsigned size,
                           bool is_signed) {
    if (!bits) return std::nullopt;
    const unsigned shift = 64U - size * 8U;
    const auto extended = static_cast<std::int64_t>(*bits << shift) >> shift;
    const bool huge =
        !is_signed && *bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto value = is_signed || huge ? extended : static_cast<std::int64_t>(*bits);
    if (is_invalid(point, value)) return std::nullopt;
    if (huge) return Raw{false, 0, static_cast<double>(*bits)};
    return whole(value);
}

std::optional<Raw> floating(const Point& point, std::optional<std::uint64_t> bits) {
    if (!bits || is_invalid(point, static_cast<std::int64_t>(*bits))) return std::nullopt;
    const double value = std::bit_cast<float>(static_cast<std::uint32_t>(*bits));
    if (!std::isfinite(value)) return std::nullopt;
    return Raw{false, 0, value};
}

std::optional<Raw> bcd(const Point& point, std::size_t offset, Data data) {
    if (offset > data.size() || data.size() - offset < point.bytes) return std::nullopt;
    const auto value = dlt645::decode_bcd(data.subspan(offset, point.bytes), point.is_signed);
    if (value.state != dlt645::Bcd::State::ok || is_invalid(point, value.value)) return std::nullopt;
    return whole(value.value);
}

std::optional<Raw> dali_level(std::optional<std::uint64_t> byte) {
    if (!byte) return std::nullopt;
    const auto percent = dali::percent_of(static_cast<std::uint8_t>(*byte));
    if (!percent) return std::nullopt;
    return Raw{false, 0, *percent};
}

std::optional<Raw> bits(const Point& point, std::size_t offset, Data data) {
    const std::size_t size = point.bytes != 0 ? point.bytes : 2;
    const auto raw = size == 1 ? byte_at(point, offset, data) : unsigned_at(point, offset, size, data);
    if (!raw || is_invalid(point, static_cast<std::int64_t>(*raw))) return std::nullopt;
    return whole(fault_set(point, *raw));
}

std::optional<Raw> raw_value(const Point& point, std::size_t offset, Data data) {
    switch (point.type) {
        case PointType::bit:
            return integer(point, bit_at(point, offset, data), 8, false);
        case PointType::u8:
            return integer(point, byte_at(point, offset, data), 1, false);
        case PointType::u16:
            return integer(point, unsigned_at(point, offset, 2, data), 2, false);
        case PointType::i16:
            return integer(point, unsigned_at(point, offset, 2, data), 2, true);
        case PointType::u32:
            return integer(point, unsigned_at(point, offset, 4, data), 4, false);
        case PointType::i32:
            return integer(point, unsigned_at(point, offset, 4, data), 4, true);
        case PointType::u64:
            return integer(point, unsigned_at(point, offset, 8, data), 8, false);
        case PointType::i64:
            return integer(point, unsigned_at(point, offset, 8, data), 8, true);
        case PointType::f32:
            return floating(point, unsigned_at(point, offset, 4, data));
        case PointType::bcd:
            return bcd(point, offset, data);
        case PointType::bits:
            return bits(point, offset, data);
        case PointType::dali_level:
            return dali_level(byte_at(point, offset, data));
    }
    return std::nullopt;
}

bool is_counter(Quantity quantity) {
    return quantity == Quantity::energy_wh || quantity == Quantity::energy_reverse_wh ||
           quantity == Quantity::burning_s || quantity == Quantity::switch_count;
}

bool behind_transformer(Quantity quantity) {
    switch (quantity) {
        case Quantity::power_w:
        case Quantity::reactive_var:
        case Quantity::apparent_va:
        case Quantity::current_a:
        case Quantity::energy_wh:
        case Quantity::energy_reverse_wh:
            return true;
        default:
            return false;
    }
}

// One division at the end keeps what is exact exact: 1234 * 1 / 10 is the double nearest to 123.4.
double scaled(const Raw& raw, const Point& point, int ct_ratio) {
    std::int64_t factor = point.scale.num;
    std::int64_t product = 0;
    const bool factor_ok =
        !behind_transformer(point.quantity) || !__builtin_mul_overflow(factor, ct_ratio, &factor);
    double value = 0.0;
    if (raw.whole && factor_ok && !__builtin_mul_overflow(raw.integer, factor, &product)) {
        value = static_cast<double>(product);
    } else {
        value =
            (raw.whole ? static_cast<double>(raw.integer) : raw.real) * static_cast<double>(point.scale.num);
        if (behind_transformer(point.quantity)) value *= ct_ratio;
    }
    if (point.scale.den != 1 && point.scale.den != 0) value /= static_cast<double>(point.scale.den);
    value += point.scale.offset;
    return is_counter(point.quantity) ? std::round(value) : value;
}

}  // namespace

site::Reading decode_point(const Point& point, std::uint16_t offset, Data data,
                           const DecodeContext& context) {
    site::Reading reading;
    reading.quantity = point.quantity;
    reading.phase = point.phase;
    reading.head = point.head;
    reading.at = context.now;
    reading.quality = site::Quality::unsupported;
    if (const auto raw = raw_value(point, offset, data)) {
        reading.value = scaled(*raw, point, context.ct_ratio);
        reading.quality = site::Quality::ok;
    }
    return reading;
}

void decode_block(const site::DeviceModel& model, const Block& block, Data data, const DecodeContext& context,
                  std::vector<site::Reading>& out) {
    for (const auto& at : block.points) {
        out.push_back(decode_point(model.points[at.point], at.offset, data, context));
    }
}

}  // namespace sl::device
