#include "gateway/device/model_check.hpp"

#include "models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::device {
namespace {

using site::DeviceModel;
using site::PointType;
using site::Quantity;
using test::point;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ModelCheck, AGoodModelHasNothingToSay) {
    EXPECT_THAT(check(test::two_heads()), IsEmpty());
}

// Breaks one thing of a good model and expects one sentence about it.
template <typename Break>
void expect_complaint(std::string_view words, Break breaking) {
    auto model = test::two_heads();
    breaking(model);
    EXPECT_THAT(check(model), Contains(HasSubstr(std::string(words))));
}

TEST(ModelCheck, EveryStructuralMistakeIsNamed) {
    expect_complaint("the key occurs twice", [](DeviceModel& m) { m.points[1].key = m.points[0].key; });
    expect_complaint("same kind, phase and head", [](DeviceModel& m) { m.points[4].head = 1; });
    expect_complaint("should begin with \"lamp/\"", [](DeviceModel& m) { m.id = "meter/x"; });
    expect_complaint("source is missing", [](DeviceModel& m) { m.source.clear(); });
    expect_complaint("protocol \"x\" is not known", [](DeviceModel& m) { m.protocol = "x"; });
    expect_complaint("no vector", [](DeviceModel& m) { m.vectors.clear(); });
    expect_complaint("beyond 65535", [](DeviceModel& m) { m.points[2].address = 0xFFFF; });
    expect_complaint("table should be", [](DeviceModel& m) { m.points[1].table = 0; });
    expect_complaint("have type \"bit\"", [](DeviceModel& m) { m.points[1].table = 1; });
    expect_complaint("wider than limits", [](DeviceModel& m) { m.max_count = 1; });
    expect_complaint("give write_table", [](DeviceModel& m) { m.points[0].write_table.reset(); });
    expect_complaint("without write", [](DeviceModel& m) { m.points[0].writable = false; });
    expect_complaint("head 1 has no level_pct", [](DeviceModel& m) { m.points[0].writable = false; });
    expect_complaint("above the model's heads", [](DeviceModel& m) { m.heads = 1; });
    expect_complaint("scale should not be 0", [](DeviceModel& m) { m.points[1].scale.num = 0; });
    expect_complaint("min is above max", [](DeviceModel& m) { m.points[0].min = 200; });
    expect_complaint("go together", [](DeviceModel& m) { m.points[1].type = PointType::bits; });
    expect_complaint("does not occur in Modbus", [](DeviceModel& m) { m.points[1].type = PointType::bcd; });
    expect_complaint("bit 16 is outside", [](DeviceModel& m) {
        m.points.push_back(point("f", Quantity::faults, 4, 40, PointType::bits));
        m.points.back().bits = {{16, site::FaultBit::relay}};
    });
    expect_complaint("a meter needs energy_wh", [](DeviceModel& m) { m.kind = site::DeviceKind::meter; });
}

TEST(ModelCheck, EveryMistakeInAVectorIsNamed) {
    const auto with = [](const site::ModelVector& vector) {
        auto model = test::two_heads();
        model.vectors = {vector};
        return check_vectors(model);
    };
    const std::string request = "01 04 00 04 00 01 70 0b", response = "01 04 02 04 b0 ba 44";
    EXPECT_THAT(with({request, response, "", {{"power_1", 120.0}}, {}}), IsEmpty());
    EXPECT_THAT(with({request, response, "", {{"power_1", 121.0}}, {}}),
                Contains(HasSubstr("should be 121 but is 120")));
    EXPECT_THAT(with({request, response, "", {{"level_1", 1.0}}, {}}),
                Contains(HasSubstr("not in the block")));
    EXPECT_THAT(with({request, response, "", {}, {"power_1"}}), Contains(HasSubstr("should be missing")));
    EXPECT_THAT(with({request, response, "", {}, {}}), Contains(HasSubstr("expects nothing")));
    EXPECT_THAT(with({"01 04 00 04 00 01 70 0c", response, "", {{"power_1", 120.0}}, {}}),
                Contains(HasSubstr("CRC")));
    EXPECT_THAT(with({request, "02 04 02 04 b0 fe 44", "", {{"power_1", 120.0}}, {}}),
                Contains(HasSubstr("response")));
    EXPECT_THAT(with({"01 0", response, "", {{"power_1", 120.0}}, {}}), Contains(HasSubstr("not hex")));
    EXPECT_THAT(with({"01 06 00 00 00 3c 89 db", "01 06 00 00 00 3c 89 db", "", {{"level_1", 61.0}}, {}}),
                Contains(HasSubstr("but is written")));
    EXPECT_THAT(with({"01 06 00 00 00 3c 89 db", "01 06 00 00 00 3c 89 db", "", {{"level_1", 160.0}}, {}}),
                Contains(HasSubstr("cannot be written")));
}

}  // namespace
}  // namespace sl::device
