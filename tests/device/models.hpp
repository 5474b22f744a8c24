// Small device models built in C++ for the tests of decode and plan.
#pragma once

#include "gateway/site/model.hpp"

#include <string>

namespace sl::test {

inline site::Point point(std::string key, site::Quantity quantity, std::uint32_t table, std::uint32_t address,
                         site::PointType type) {
    site::Point p;
    p.key = std::move(key);
    p.quantity = quantity;
    p.table = table;
    p.address = address;
    p.type = type;
    return p;
}

inline site::Point scaled(site::Point p, std::int64_t num, std::int64_t den = 1) {
    p.scale.num = num;
    p.scale.den = den;
    return p;
}

// A lamp controller of two heads in the manner of the generic map: values of head h from (h - 1) * 16 on.
inline site::DeviceModel two_heads() {
    using site::PointType;
    using site::Quantity;
    site::DeviceModel model;
    model.id = "lamp/test";
    model.title = "Test lamp";
    model.source = "test";
    model.protocol = "modbus-rtu";
    model.heads = 2;
    model.max_count = 64;
    model.max_gap = 4;
    for (std::uint8_t head = 1; head <= 2; ++head) {
        const auto base = static_cast<std::uint32_t>((head - 1) * 16);
        const auto suffix = "_" + std::to_string(head);
        auto level = point("level" + suffix, Quantity::level_pct, 4, base, PointType::u16);
        level.writable = true;
        level.write_table = 3;
        level.write_address = head - 1U;
        level.min = 0;
        level.max = 100;
        level.head = head;
        auto power = scaled(point("power" + suffix, Quantity::power_w, 4, base + 4, PointType::u16), 1, 10);
        power.invalid = 0xFFFF;
        power.head = head;
        auto energy = point("energy" + suffix, Quantity::energy_wh, 4, base + 6, PointType::u32);
        energy.head = head;
        energy.every = 5;
        model.points.push_back(level);
        model.points.push_back(power);
        model.points.push_back(energy);
    }
    auto group = point("group", Quantity::group_level_pct, 3, 2, PointType::u16);
    group.writable = true;
    model.points.push_back(group);
    model.vectors.push_back(
        {"01 06 00 00 00 3c 89 db", "01 06 00 00 00 3c 89 db", "test", {{"level_1", 60.0}}, {}});
    return model;
}

}  // namespace sl::test
