// Raw bytes of a block -> values, and a value -> raw bytes of a write. Pure.
#pragma once

#include "gateway/device/block_plan.hpp"
#include "gateway/site/state.hpp"
#include "gateway/site/time.hpp"

#include <span>
#include <vector>

namespace sl::device {

struct DecodeContext {
    DecodeContext() = default;
    explicit DecodeContext(site::SiteTime at, int ratio = 1) : now(at), ct_ratio(ratio) {}
    site::SiteTime now;
    int ct_ratio = 1;  // multiplies current, power and energy of meters
};

// One point out of the answer to its block. What cannot be a number (the invalid value, BCD of FF or with
// digits above 9, floats that are not finite, bytes that the answer does not have) comes out as
// Quality::unsupported with value 0. Energy, burning time and counters come out as whole numbers.
site::Reading decode_point(const site::Point& point, std::uint16_t offset, std::span<const std::uint8_t> data,
                           const DecodeContext& context);

// Every point of the block, appended to `out` in the order of the block.
void decode_block(const site::DeviceModel& model, const Block& block, std::span<const std::uint8_t> data,
                  const DecodeContext& context, std::vector<site::Reading>& out);

// What to write to set the point to a value given in its unit. bad_request: the model does not let it be
// written; bad_value: outside min..max or not expressible in the register.
wire::Result<Bytes> encode(const site::Point& point, double value);
// Where that write goes.
Item write_item(const site::Point& point) noexcept;

// The point of this quantity that may be written, or nullptr. Group levels stand at head 0.
const site::Point* find_writable(const site::DeviceModel& model, site::Quantity quantity,
                                 std::uint8_t head) noexcept;

}  // namespace sl::device
