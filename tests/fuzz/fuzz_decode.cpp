// Any point of any model against any answer: decode never reads beyond the bytes, never makes a number of
// what is none, and a value that can be written reads back.
#include "check.hpp"
#include "gateway/device/decode.hpp"
#include "gateway/device/model_check.hpp"

#include <cmath>

namespace {

using sl::fuzz::require;
namespace device = sl::device;
namespace site = sl::site;

// Deals out the input byte by byte, zeros when it is used up.
class Dealer {
  public:
    explicit Dealer(std::span<const std::uint8_t> input) : rest_(input) {}
    std::uint8_t u8() {
        if (rest_.empty()) return 0;
        const auto byte = rest_[0];
        rest_ = rest_.subspan(1);
        return byte;
    }
    std::uint16_t u16() { return static_cast<std::uint16_t>(u8() * 256 + u8()); }
    std::span<const std::uint8_t> rest() const { return rest_; }

  private:
    std::span<const std::uint8_t> rest_;
};

site::Point point(Dealer& deal) {
    site::Point p;
    p.key = std::to_string(deal.u8());
    p.quantity = static_cast<site::Quantity>(deal.u8() % static_cast<unsigned>(site::Quantity::count_));
    p.type = static_cast<site::PointType>(deal.u8() % 12);
    p.table = deal.u8() % 5;
    p.address = deal.u8();
    p.head = deal.u8() % 3;
    p.order = static_cast<site::WordOrder>(deal.u8() % 4);
    p.bytes = deal.u8() % 10;
    p.is_signed = (deal.u8() & 1U) != 0;
    p.bit = deal.u8();
    p.scale.num = static_cast<std::int16_t>(deal.u16());
    p.scale.den = static_cast<std::int64_t>(deal.u16());
    p.offset_bytes = deal.u8();
    p.writable = true;
    if ((deal.u8() & 1U) != 0) p.invalid = static_cast<std::int16_t>(deal.u16());
    p.bits = {{deal.u8(), site::FaultBit::relay}};
    return p;
}

void read_back(const site::Point& p, double value) {
    const auto bytes = device::encode(p, value);
    if (!bytes) return;
    const bool exact = p.type == site::PointType::u16 || p.type == site::PointType::i16 ||
                       p.type == site::PointType::u32 || p.type == site::PointType::i32;
    if (!exact || p.table < 3 || p.scale.den != 1 || p.scale.num != 1 || value != std::round(value)) return;
    const auto reading = device::decode_point(p, 0, *bytes, device::DecodeContext{});
    require(reading.quality == site::Quality::ok && reading.value == value,
            "a written value reads back differently");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    Dealer deal(std::span(bytes, size));
    site::DeviceModel model;
    model.max_count = static_cast<std::uint16_t>(1 + deal.u8() % 125);
    model.max_gap = deal.u8() % 20;
    const unsigned count = 1 + deal.u8() % 6;
    for (unsigned i = 0; i < count; ++i)
        model.points.push_back(point(deal));
    const double value = static_cast<std::int16_t>(deal.u16());
    for (const auto& p : model.points)
        read_back(p, value);
    const auto blocks = device::plan_blocks(model, device::Selection{});
    std::vector<site::Reading> readings;
    for (const auto& block : blocks)
        device::decode_block(model, block, deal.rest(), device::DecodeContext{}, readings);
    require(readings.size() == device::select_points(model, device::Selection{}).size(),
            "a point was read twice or never");
    for (const auto& reading : readings) {
        require(std::isfinite(reading.value), "a value that is not finite");
        require(reading.quality == site::Quality::ok || reading.value == 0.0, "a number out of what is none");
    }
    (void)device::check(model);
    return 0;
}
