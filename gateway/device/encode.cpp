#include "gateway/device/decode.hpp"
#include "gateway/device/word_order.hpp"
#include "protocols/dali/frame.hpp"

#include <array>
#include <bit>
#include <cmath>

namespace sl::device {
namespace {

using site::Point;
using site::PointType;

// What a register of this type can hold.
struct Range {
    double low = 0.0, high = 0.0;
    std::size_t size = 0;
};
Range range_of(PointType type) {
    switch (type) {
        case PointType::u8:
            return {0.0, 255.0, 2};
        case PointType::u16:
            return {0.0, 65535.0, 2};
        case PointType::i16:
            return {-32768.0, 32767.0, 2};
        case PointType::u32:
            return {0.0, 4294967295.0, 4};
        case PointType::i32:
            return {-2147483648.0, 2147483647.0, 4};
        default:
            return {};
    }
}

Bytes big_endian(std::uint32_t value, std::size_t size, site::WordOrder order) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(value >> (8U * (size - 1 - i)));
    reorder(bytes, order);
    return bytes;
}

wire::Result<Bytes> encode_integer(const Point& point, double value) {
    const auto range = range_of(point.type);
    if (range.size == 0 || point.scale.num == 0) return wire::Errc::bad_request;
    const double exact = (value - point.scale.offset) * static_cast<double>(point.scale.den) /
                         static_cast<double>(point.scale.num);
    const double raw = std::round(exact);
    if (raw < range.low || raw > range.high) return wire::Errc::bad_value;
    const auto whole = static_cast<std::int64_t>(raw);
    if (point.invalid && *point.invalid == whole) return wire::Errc::bad_value;
    return big_endian(static_cast<std::uint32_t>(whole), range.size, point.order);
}

wire::Result<Bytes> encode_float(const Point& point, double value) {
    if (point.scale.num == 0) return wire::Errc::bad_request;
    const auto raw = static_cast<float>((value - point.scale.offset) * static_cast<double>(point.scale.den) /
                                        static_cast<double>(point.scale.num));
    if (!std::isfinite(raw)) return wire::Errc::bad_value;
    return big_endian(std::bit_cast<std::uint32_t>(raw), 4, point.order);
}

}  // namespace

wire::Result<Bytes> encode(const Point& point, double value) {
    if (!point.writable) return wire::Errc::bad_request;
    if (!std::isfinite(value)) return wire::Errc::bad_value;
    if ((point.min && value < *point.min) || (point.max && value > *point.max)) return wire::Errc::bad_value;
    switch (point.type) {
        case PointType::bit:
            // A single bit of a register cannot be written without reading its neighbours first.
            if (write_item(point).table != 1) return wire::Errc::bad_request;
            if (value != 0.0 && value != 1.0) return wire::Errc::bad_value;
            return Bytes{static_cast<std::uint8_t>(value)};
        case PointType::dali_level:
            if (value < 0.0 || value > 100.0) return wire::Errc::bad_value;
            return Bytes{dali::level_of(value)};
        case PointType::f32:
            return encode_float(point, value);
        default:
            return encode_integer(point, value);
    }
}

Item write_item(const Point& point) noexcept {
    return {point.write_table.value_or(point.table), point.write_address.value_or(point.address),
            point.table == 0 ? std::uint16_t{1} : width(point)};
}

const Point* find_writable(const site::DeviceModel& model, site::Quantity quantity,
                           std::uint8_t head) noexcept {
    for (const auto& point : model.points) {
        if (point.writable && point.quantity == quantity && point.head == head) return &point;
    }
    return nullptr;
}

}  // namespace sl::device
