// Which reads fetch which points of a model: as few transactions as the model's limits permit. Pure.
#pragma once

#include "gateway/site/model.hpp"
#include "protocols/driver.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sl::device {

// Where one point of the model stands in the answer to a block.
struct BlockPoint {
    std::uint16_t point = 0;   // index into DeviceModel::points
    std::uint16_t offset = 0;  // bytes; bits for coils and discrete inputs
};

// One read and what comes out of it.
struct Block {
    Item item;
    std::vector<BlockPoint> points;
};

// Which points are wanted.
struct Selection {
    std::optional<std::uint8_t>
        head;  // the points of this head and of the device as a whole; empty = of all heads
    std::uint32_t turn =
        0;  // the device's turn, from 0: slow points are due when it divides by their `every`
};

// The wanted points that can be polled, in the order of the model.
std::vector<std::uint16_t> select_points(const site::DeviceModel& model, const Selection& selection);

// Blocks for these points (indices into model.points; each once), in ascending order of table and address.
std::vector<Block> plan_blocks(const site::DeviceModel& model, std::span<const std::uint16_t> points);
std::vector<Block> plan_blocks(const site::DeviceModel& model, const Selection& selection);

// The block that an item fetches: every pollable point of the model that lies wholly inside it.
Block block_of(const site::DeviceModel& model, Item item);

// Registers, bits or, in table 0, bytes that the point's value takes up.
std::uint16_t width(const site::Point& point) noexcept;
// Coils and discrete inputs.
constexpr bool is_bit_table(std::uint32_t table) noexcept {
    return table == 1 || table == 2;
}
// Group levels are written only.
bool is_polled(const site::Point& point) noexcept;

}  // namespace sl::device
