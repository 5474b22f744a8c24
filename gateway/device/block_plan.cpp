#include "gateway/device/block_plan.hpp"

#include <algorithm>
#include <numeric>

namespace sl::device {
namespace {

using site::DeviceModel;
using site::Point;
using site::PointType;

std::uint16_t byte_width(const Point& point) {
    switch (point.type) {
        case PointType::bit:
        case PointType::u8:
        case PointType::dali_level:
            return 1;
        case PointType::u16:
        case PointType::i16:
            return 2;
        case PointType::u32:
        case PointType::i32:
        case PointType::f32:
            return 4;
        case PointType::u64:
        case PointType::i64:
            return 8;
        case PointType::bcd:
            return point.bytes;
        case PointType::bits:
            return point.bytes != 0 ? point.bytes : std::uint16_t{2};
    }
    return 1;
}

// What has to be fetched for a point, as [first, end) in its table.
struct Extent {
    std::uint32_t table = 0, first = 0, end = 0;
};
Extent extent(const Point& point) {
    const std::uint32_t length = point.table == 0 ? 1U : width(point);
    return {point.table, point.address, point.address + length};
}

std::uint16_t offset_in(const Point& point, const Item& item) {
    if (point.table == 0) return point.offset_bytes;
    const auto distance = static_cast<std::uint16_t>(point.address - item.address);
    return is_bit_table(point.table) ? distance : static_cast<std::uint16_t>(distance * 2);
}

// May the block that begins at `first` and ends at `end` grow to take in `next`?
bool fits(const DeviceModel& model, const Extent& first, std::uint32_t end, const Extent& next) {
    if (next.table != first.table) return false;
    if (next.table == 0) return next.first == first.first;
    if (next.first > end + model.max_gap) return false;
    return std::max(end, next.end) - first.first <= model.max_count;
}

}  // namespace

std::uint16_t width(const Point& point) noexcept {
    if (point.table == 0) return byte_width(point);
    if (is_bit_table(point.table)) return 1;
    return static_cast<std::uint16_t>((byte_width(point) + 1) / 2);
}

bool is_polled(const Point& point) noexcept {
    return point.quantity != site::Quantity::group_level_pct;
}

std::vector<std::uint16_t> select_points(const DeviceModel& model, const Selection& selection) {
    std::vector<std::uint16_t> chosen;
    for (std::size_t i = 0; i < model.points.size(); ++i) {
        const auto& point = model.points[i];
        const bool head = !selection.head || point.head == 0 || point.head == *selection.head;
        const bool due = point.every <= 1 || selection.turn % point.every == 0;
        if (is_polled(point) && head && due) chosen.push_back(static_cast<std::uint16_t>(i));
    }
    return chosen;
}

// Taking the points from the lowest address on and filling each block as far as it goes gives the fewest
// blocks: a block that begins at the lowest point not yet fetched cannot do better than reach as far as the
// limits allow.
std::vector<Block> plan_blocks(const DeviceModel& model, std::span<const std::uint16_t> points) {
    std::vector<std::uint16_t> order(points.begin(), points.end());
    std::stable_sort(order.begin(), order.end(), [&model](std::uint16_t a, std::uint16_t b) {
        const auto& left = model.points[a];
        const auto& right = model.points[b];
        return left.table != right.table ? left.table < right.table : left.address < right.address;
    });
    std::vector<Block> blocks;
    Extent first;
    std::uint32_t end = 0;
    for (const auto index : order) {
        const auto next = extent(model.points[index]);
        if (blocks.empty() || !fits(model, first, end, next)) {
            first = next;
            end = next.end;
            blocks.push_back({Item{next.table, next.first, 1}, {}});
        }
        end = std::max(end, next.end);
        auto& block = blocks.back();
        block.item.count = static_cast<std::uint16_t>(end - first.first);
        block.points.push_back({index, offset_in(model.points[index], block.item)});
    }
    return blocks;
}

std::vector<Block> plan_blocks(const DeviceModel& model, const Selection& selection) {
    return plan_blocks(model, select_points(model, selection));
}

Block block_of(const DeviceModel& model, Item item) {
    Block block{item, {}};
    for (std::size_t i = 0; i < model.points.size(); ++i) {
        const auto& point = model.points[i];
        const auto at = extent(point);
        const std::uint32_t end = item.address + (item.table == 0 ? 1U : std::uint32_t{item.count});
        if (!is_polled(point) || at.table != item.table || at.first < item.address || at.end > end) continue;
        block.points.push_back({static_cast<std::uint16_t>(i), offset_in(point, item)});
    }
    return block;
}

}  // namespace sl::device
