// Device model files.
#include "gateway/settings/model_point.hpp"
#include "tests/settings/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::test {
namespace {

using testing::HasSubstr;

const std::string model_text = R"(schema = 1
id = "meter/test"
title = { en = "Test", "zh-CN" = "测试" }
kind = "meter"
protocol = "modbus-rtu"
source = "made for this test"
limits = { max_registers = 60, max_gap = 4, timeout = "500ms" }
boot_s = 7
[point]
power = { kind = "power_w", phase = "l1", table = "input", address = 4, type = "u16", scale = 0.1, invalid = 0xFFFF }
energy = { kind = "energy_wh", table = "input", address = 6, type = "u32", scale = "20/3", order = "cdab", every = 5 }
faults = { kind = "faults", table = "holding", address = 9, type = "bits", bits = { 0 = "lamp-open", 15 = "relay" } }
[[vector]]
request = "01 04 00 04 00 01 70 0b"
response = "01 04 02 04 b0 ba 44"
expect = { power = 120 }
source = "computed"
)";

class Model : public testing::Test {
  protected:
    std::string told(const std::string& from, const std::string& to) {
        folder_.write("m.toml", replaced(model_text, from, to));
        settings::Loaded loaded;
        model_ = settings::load_model(folder_ / "m.toml", loaded.diagnostics);
        return rendered(loaded, folder_);
    }
    Folder folder_;
    std::optional<site::DeviceModel> model_;
};

TEST_F(Model, IsReadWithAllItsKeys) {
    EXPECT_EQ(told("schema", "schema"), "");
    ASSERT_TRUE(model_);
    EXPECT_EQ(model_->title_zh, "测试");
    EXPECT_EQ(model_->max_count, 60);
    EXPECT_EQ(model_->timeout, std::chrono::milliseconds{500});
    EXPECT_EQ(model_->boot, std::chrono::seconds{7});
    ASSERT_EQ(model_->points.size(), 3U);
    const auto& energy = model_->points[0];
    EXPECT_EQ(energy.key, "energy");
    EXPECT_EQ(energy.scale.num, 20);
    EXPECT_EQ(energy.scale.den, 3);
    EXPECT_EQ(energy.order, site::WordOrder::cdab);
    const auto& power = model_->points[2];
    EXPECT_EQ(power.table, 4U);
    EXPECT_EQ(power.phase, site::Phase::l1);
    EXPECT_EQ(power.scale.num, 1);
    EXPECT_EQ(power.scale.den, 10);
    EXPECT_EQ(power.invalid, 0xFFFF);
    EXPECT_EQ(model_->points[1].bits.size(), 2U);
    EXPECT_EQ(model_->vectors[0].expect[0].second, 120.0);
}

TEST_F(Model, MistakesArePointedAt) {
    EXPECT_THAT(told("power_w", "power_kw"),
                HasSubstr("m.toml:10:18: error: \"power_kw\" is not a value of kind"));
    EXPECT_THAT(told("scale = 0.1", "scal = 0.1"), HasSubstr("unknown key \"scal\" in point \"power\""));
    EXPECT_THAT(told("scale = 0.1", "scale = 0"), HasSubstr("scale must be a number or a fraction"));
    EXPECT_THAT(told("{ power = 120 }", "{ powr = 120 }"), HasSubstr("did you mean \"power\"?"));
    EXPECT_THAT(told("15 = \"relay\"", "16 = \"relay\""), HasSubstr("there is no bit \"16\" in 2 bytes"));
    EXPECT_THAT(told("\"relay\"", "\"relais\""), HasSubstr("is not a fault"));
    EXPECT_THAT(told("table = \"input\", address = 4", "address = 4"), HasSubstr("lacks \"table\""));
    EXPECT_THAT(told("70 0b", "70 0"), HasSubstr("request must be bytes in hex"));
    EXPECT_FALSE(model_);
}

TEST_F(Model, AModelThatFailsItsOwnCheckIsRefusedWhereItIsUsed) {
    auto words = vocabulary();
    words.check_model = [](const site::DeviceModel& model) {
        return model.kind == site::DeviceKind::lamp ? std::vector<std::string>{"vector 1 decodes to 7"}
                                                    : std::vector<std::string>{};
    };
    folder_.write("gateway.toml", small_cabinet());
    folder_.write("lamps.csv", small_lamps());
    const auto loaded = settings::load(folder_ / "gateway.toml", words);
    EXPECT_THAT(rendered(loaded, folder_),
                HasSubstr("generic-modbus-2ch.toml:1:1: error: vector 1 decodes to 7"));
    EXPECT_FALSE(loaded.config);
}

TEST_F(Model, OfTheProjectLoadWithoutAMistake) {
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{SL_SOURCE_DIR "/config/models"}) {
        if (entry.path().extension() != ".toml") continue;
        settings::Loaded loaded;
        EXPECT_TRUE(settings::load_model(entry.path().string(), loaded.diagnostics))
            << rendered(loaded, folder_);
        EXPECT_EQ(rendered(loaded, folder_), "");
        ++count;
    }
    EXPECT_GE(count, 3);
}

TEST(Scale, IsAnExactFraction) {
    const auto check = [](std::string_view text, std::int64_t num, std::int64_t den) {
        const auto scale = settings::parse_scale(text);
        ASSERT_TRUE(scale) << text;
        EXPECT_EQ(scale->num, num) << text;
        EXPECT_EQ(scale->den, den) << text;
    };
    check("0.1", 1, 10);
    check("10", 10, 1);
    check("2.5", 5, 2);
    check("1e-05", 1, 100'000);
    check("-0.001", -1, 1'000);
    check("4/6", 2, 3);
    check("1000.0", 1'000, 1);
    for (const auto* bad : {"", "0", "1/0", "1/-2", "x", "1e99", "0.1.1", "nan", "inf"})
        EXPECT_FALSE(settings::parse_scale(bad)) << bad;
}

}  // namespace
}  // namespace sl::test
