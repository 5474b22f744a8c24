#include "gateway/device/model_check.hpp"

#include "gateway/device/decode.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/core.h>

namespace sl::device {
namespace {

using site::DeviceModel;
using site::Point;
using site::PointType;
using site::Quantity;

constexpr std::uint32_t coils = 1, holding = 3, input = 4;

// Collects the mistakes of one model.
class Report {
  public:
    void model(std::string_view text) { lines_.emplace_back(text); }
    void point(const Point& point, std::string_view text) {
        lines_.push_back(fmt::format("point \"{}\": {}", point.key, text));
    }
    std::vector<std::string> take() { return std::move(lines_); }

  private:
    std::vector<std::string> lines_;
};

bool is_modbus(const DeviceModel& model) {
    return model.protocol == "modbus-rtu" || model.protocol == "modbus-tcp";
}

std::string_view folder(site::DeviceKind kind) {
    switch (kind) {
        case site::DeviceKind::lamp:
            return "lamp/";
        case site::DeviceKind::meter:
            return "meter/";
        case site::DeviceKind::io:
            return "io/";
    }
    return {};
}

void check_head(const DeviceModel& model, Report& report) {
    if (!model.id.starts_with(folder(model.kind))) {
        report.model(fmt::format("id \"{}\" should begin with \"{}\", the folder of its kind", model.id,
                                 folder(model.kind)));
    }
    if (model.title.empty()) report.model("title is missing");
    if (model.source.empty()) report.model("source is missing: say where the register map was published");
    if (!is_modbus(model) && model.protocol != "dlt645-2007" && model.protocol != "dali-ecodim") {
        report.model(fmt::format("protocol \"{}\" is not known: modbus-rtu, dlt645-2007 or dali-ecodim",
                                 model.protocol));
    }
    if (model.points.empty()) report.model("there is no point");
    if (model.vectors.empty()) report.model("there is no vector: a model carries at least one test frame");
    if (model.heads < 1 || model.heads > 16) report.model("heads should be 1 to 16");
    if (model.max_count < 1 || model.max_count > 125) report.model("limits.max_registers should be 1 to 125");
    if (model.max_gap > 125) report.model("limits.max_gap should be 0 to 125");
}

void check_unique(const DeviceModel& model, Report& report) {
    std::set<std::string> keys;
    std::set<std::tuple<Quantity, site::Phase, std::uint8_t>> meanings;
    for (const auto& point : model.points) {
        if (!keys.insert(point.key).second) report.point(point, "the key occurs twice");
        if (!meanings.insert({point.quantity, point.phase, point.head}).second) {
            report.point(point, "another point has the same kind, phase and head");
        }
    }
}

void check_modbus_place(const DeviceModel& model, const Point& point, Report& report) {
    if (point.table < coils || point.table > input) {
        report.point(point, "table should be coil, discrete, holding or input");
        return;
    }
    if (point.address + width(point) > 0x10000U) report.point(point, "address and width go beyond 65535");
    if (width(point) > model.max_count) report.point(point, "the value is wider than limits.max_registers");
    if (point.offset_bytes != 0)
        report.point(point, "offset is for DL/T 645 blocks; give the register's address");
    if (is_bit_table(point.table) && point.type != PointType::bit) {
        report.point(point, "coils and discrete inputs have type \"bit\"");
    }
    if (!is_bit_table(point.table) && point.type == PointType::bit && point.bit > 15) {
        report.point(point, "a register has bits 0 to 15");
    }
    if (point.type == PointType::bcd || point.type == PointType::dali_level) {
        report.point(point, "this type does not occur in Modbus registers");
    }
}

void check_place(const DeviceModel& model, const Point& point, Report& report) {
    if (is_modbus(model)) {
        check_modbus_place(model, point, report);
        return;
    }
    if (point.table != 0) report.point(point, "table is for Modbus only");
    if (model.protocol == "dali-ecodim" && point.address > 0xFF) {
        report.point(point, "the address of a DALI point is the opcode of its query, below 0x100");
    }
    if (point.offset_bytes + width(point) > 200) report.point(point, "offset and width go beyond an answer");
}

void check_bits(const Point& point, Report& report) {
    const std::size_t size = point.bytes != 0 ? point.bytes : 2;
    if (size != 1 && size != 2 && size != 4)
        report.point(point, "bytes of type \"bits\" should be 1, 2 or 4");
    if (point.bits.empty()) report.point(point, "type \"bits\" needs a table of bits");
    std::set<std::uint8_t> seen;
    for (const auto& mapping : point.bits) {
        if (mapping.raw_bit >= size * 8)
            report.point(point, fmt::format("bit {} is outside the value", mapping.raw_bit));
        if (!seen.insert(mapping.raw_bit).second)
            report.point(point, fmt::format("bit {} occurs twice", mapping.raw_bit));
    }
}

void check_type(const Point& point, Report& report) {
    if ((point.quantity == Quantity::faults) != (point.type == PointType::bits)) {
        report.point(point, "kind \"faults\" and type \"bits\" go together");
    }
    if (point.type == PointType::bits) check_bits(point, report);
    if (point.type == PointType::bcd && (point.bytes < 1 || point.bytes > 8)) {
        report.point(point, "type \"bcd\" needs bytes = 1 to 8");
    }
    if (point.type != PointType::bcd && point.is_signed)
        report.point(point, "signed is for type \"bcd\"; use i16, i32");
    if (point.scale.den <= 0 || point.scale.num == 0) report.point(point, "scale should not be 0");
    if (point.every < 1) report.point(point, "every should be 1 or more");
    if (point.min && point.max && *point.min > *point.max) report.point(point, "min is above max");
}

void check_write(const DeviceModel& model, const Point& point, Report& report) {
    if (!point.writable) {
        if (point.write_table || point.write_address)
            report.point(point, "write_table or write_address without write");
        if (!is_polled(point)) report.point(point, "a group level is of no use without write = true");
        return;
    }
    const auto item = write_item(point);
    if (is_modbus(model)) {
        const bool writable = point.type == PointType::bit ? item.table == coils : item.table == holding;
        if (!writable)
            report.point(point, "writing goes to coils (type bit) or holding registers: give write_table");
        if (item.address + item.count > 0x10000U) report.point(point, "write_address goes beyond 65535");
    } else if (point.type != PointType::dali_level) {
        report.point(point, "this protocol has no such write");
    }
    if (point.type == PointType::bits || point.type == PointType::u64 || point.type == PointType::i64) {
        report.point(point, "values of this type cannot be written");
    }
}

void check_purpose(const DeviceModel& model, Report& report) {
    const auto has = [&model](Quantity quantity, std::uint8_t head) {
        return std::any_of(model.points.begin(), model.points.end(), [=](const Point& point) {
            return point.quantity == quantity && point.head == head;
        });
    };
    for (unsigned n = 1; model.kind == site::DeviceKind::lamp && n <= model.heads; ++n) {
        const auto head = static_cast<std::uint8_t>(n);
        if (find_writable(model, Quantity::level_pct, head) == nullptr) {
            report.model(
                fmt::format("head {} has no level_pct that can be written: a lamp must be switchable", n));
        }
    }
    if (model.kind == site::DeviceKind::meter && !has(Quantity::energy_wh, 0)) {
        report.model("a meter needs energy_wh of the device as a whole");
    }
    for (const auto& point : model.points) {
        if (point.head > model.heads) report.point(point, "head is above the model's heads");
    }
}

}  // namespace

std::vector<std::string> check(const DeviceModel& model) {
    Report report;
    check_head(model, report);
    check_unique(model, report);
    for (const auto& point : model.points) {
        check_place(model, point, report);
        check_type(point, report);
        check_write(model, point, report);
    }
    check_purpose(model, report);
    auto lines = report.take();
    const auto vectors = check_vectors(model);
    lines.insert(lines.end(), vectors.begin(), vectors.end());
    return lines;
}

}  // namespace sl::device
