#include "gateway/device/block_plan.hpp"

#include "gateway/device/decode.hpp"
#include "models.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace sl::device {
namespace {

using site::DeviceModel;
using site::PointType;
using site::Quantity;
using test::point;

Selection head_of(std::uint8_t head, std::uint32_t turn = 0) {
    Selection selection;
    selection.head = head;
    selection.turn = turn;
    return selection;
}

TEST(BlockPlan, OneHeadIsOneRead) {
    const auto blocks = plan_blocks(test::two_heads(), head_of(2));
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].item, (Item{4, 16, 8}));
    ASSERT_EQ(blocks[0].points.size(), 3U);
    EXPECT_EQ(blocks[0].points[1].offset, 8);
}

TEST(BlockPlan, SlowPointsAreReadOnTheirTurnsOnly) {
    const auto model = test::two_heads();
    EXPECT_EQ(plan_blocks(model, head_of(1, 1))[0].item, (Item{4, 0, 5}));
    EXPECT_EQ(plan_blocks(model, head_of(1, 5))[0].item, (Item{4, 0, 8}));
}

TEST(BlockPlan, AGapBeyondTheLimitSplitsAndOneWithinItDoesNot) {
    auto model = test::two_heads();
    model.max_gap = 8;
    EXPECT_EQ(plan_blocks(model, Selection{}).size(), 1U);
    model.max_gap = 7;
    EXPECT_EQ(plan_blocks(model, Selection{}).size(), 2U);
    model.max_gap = 0;
    EXPECT_EQ(plan_blocks(model, Selection{}).size(), 6U);
}

TEST(BlockPlan, ABlockNeverHoldsMoreThanTheDeviceAnswers) {
    auto model = test::two_heads();
    model.max_gap = 125;
    model.max_count = 6;
    for (const auto& block : plan_blocks(model, Selection{}))
        EXPECT_LE(block.item.count, 6);
}

TEST(BlockPlan, GroupLevelsAreNotPolled) {
    const auto model = test::two_heads();
    for (const auto& block : plan_blocks(model, Selection{}))
        EXPECT_EQ(block.item.table, 4U);
}

TEST(BlockPlan, TablesAreNeverMixed) {
    DeviceModel model;
    model.max_gap = 100;
    model.points = {point("a", Quantity::output, 1, 0, PointType::bit),
                    point("b", Quantity::input, 2, 1, PointType::bit),
                    point("c", Quantity::output, 1, 9, PointType::bit)};
    const auto blocks = plan_blocks(model, Selection{});
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0].item, (Item{1, 0, 10}));
    EXPECT_EQ(blocks[0].points[1].offset, 9);
    EXPECT_EQ(blocks[1].item, (Item{2, 1, 1}));
}

TEST(BlockPlan, PointsOfOneDataItemShareOneRead) {
    DeviceModel model;
    model.protocol = "dlt645-2007";
    model.max_gap = 100;
    for (std::uint16_t phase = 0; phase < 3; ++phase) {
        auto p = point("u" + std::to_string(phase), Quantity::voltage_v, 0, 0x0201FF00, PointType::bcd);
        p.bytes = 2;
        p.offset_bytes = static_cast<std::uint16_t>(phase * 2);
        model.points.push_back(p);
    }
    auto energy = point("e", Quantity::energy_wh, 0, 0x00010000, PointType::bcd);
    energy.bytes = 4;
    model.points.push_back(energy);
    const auto blocks = plan_blocks(model, Selection{});
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0].item, (Item{0, 0x00010000, 1}));
    EXPECT_EQ(blocks[1].item, (Item{0, 0x0201FF00, 1}));
    ASSERT_EQ(blocks[1].points.size(), 3U);
    EXPECT_EQ(blocks[1].points[2].offset, 4);
    std::vector<site::Reading> readings;
    decode_block(model, blocks[1], std::vector<std::uint8_t>{0x05, 0x23, 0x98, 0x22, 0x11, 0x23},
                 DecodeContext{}, readings);
    ASSERT_EQ(readings.size(), 3U);
    EXPECT_EQ(readings[2].value, 2311);
}

// The fewest blocks by trying every way to cut the sorted points.
std::size_t fewest(const DeviceModel& model, const std::vector<site::Point>& sorted) {
    std::vector<std::size_t> best(sorted.size() + 1, sorted.size() + 1);
    best[0] = 0;
    for (std::size_t from = 0; from < sorted.size(); ++from) {
        std::uint32_t end = sorted[from].address;
        for (std::size_t to = from; to < sorted.size(); ++to) {
            if (sorted[to].address > end + model.max_gap) break;
            end = std::max(end, sorted[to].address + width(sorted[to]));
            if (end - sorted[from].address > model.max_count) break;
            best[to + 1] = std::min(best[to + 1], best[from] + 1);
        }
    }
    return best[sorted.size()];
}

TEST(BlockPlan, OnRandomMapsEveryPointIsFetchedOnceInTheFewestReads) {
    std::mt19937 random{42};
    for (int round = 0; round < 300; ++round) {
        DeviceModel model;
        model.max_count = static_cast<std::uint16_t>(4 + random() % 30);
        model.max_gap = static_cast<std::uint16_t>(random() % 8);
        const auto count = 1 + random() % 12;
        for (std::size_t i = 0; i < count; ++i) {
            const auto type = random() % 2 == 0 ? PointType::u16 : PointType::u32;
            model.points.push_back(point("p" + std::to_string(i), Quantity::power_w, 3,
                                         static_cast<std::uint32_t>(random() % 80), type));
        }
        const auto blocks = plan_blocks(model, Selection{});
        std::vector<int> seen(count, 0);
        for (const auto& block : blocks) {
            EXPECT_LE(block.item.count, model.max_count);
            for (const auto& at : block.points) {
                const auto& p = model.points[at.point];
                ++seen[at.point];
                EXPECT_EQ(at.offset, (p.address - block.item.address) * 2);
                EXPECT_LE(p.address + width(p), block.item.address + block.item.count);
            }
        }
        EXPECT_EQ(seen, std::vector<int>(count, 1));
        auto sorted = model.points;
        std::stable_sort(sorted.begin(), sorted.end(),
                         [](const auto& a, const auto& b) { return a.address < b.address; });
        EXPECT_EQ(blocks.size(), fewest(model, sorted));
    }
}

}  // namespace
}  // namespace sl::device
