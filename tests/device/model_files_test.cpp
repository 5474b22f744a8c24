// Every model file of the project, read as the daemon reads it and run through its own frames.
#include "gateway/device/decode.hpp"
#include "gateway/device/model_check.hpp"
#include "gateway/settings/settings.hpp"

#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::device {
namespace {

std::map<std::string, site::DeviceModel> all_models() {
    std::map<std::string, site::DeviceModel> models;
    const std::filesystem::path root = SL_SOURCE_DIR "/config/models";
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
        if (entry.path().extension() != ".toml") continue;
        std::vector<settings::Diagnostic> diagnostics;
        const auto model = settings::load_model(entry.path().string(), diagnostics);
        for (const auto& diagnostic : diagnostics)
            ADD_FAILURE() << settings::render(diagnostic);
        if (!model) continue;
        const auto id = std::filesystem::relative(entry.path(), root).replace_extension("").generic_string();
        EXPECT_EQ(model->id, id) << "the id is the path";
        models.emplace(model->id, *model);
    }
    return models;
}

TEST(ModelFiles, EveryModelDecodesItsOwnFrames) {
    const auto models = all_models();
    EXPECT_GE(models.size(), 6U);
    for (const auto& [id, model] : models) {
        SCOPED_TRACE(id);
        EXPECT_THAT(check(model), testing::IsEmpty());
    }
}

TEST(ModelFiles, AWrongExpectationInAModelIsNoticed) {
    for (auto [id, model] : all_models()) {
        SCOPED_TRACE(id);
        for (auto& vector : model.vectors) {
            if (vector.expect.empty()) continue;
            vector.expect.front().second += 1.0;
            EXPECT_THAT(check_vectors(model), testing::Not(testing::IsEmpty()));
            vector.expect.front().second -= 1.0;
        }
    }
}

// The promise of the maps: how many transactions one turn costs.
TEST(ModelFiles, EveryModelIsReadInAsFewTransactionsAsItsMapPermits) {
    const auto models = all_models();
    const auto reads = [&models](const std::string& id, std::optional<std::uint8_t> head) {
        Selection selection;
        selection.head = head;
        selection.turn = 1;
        return plan_blocks(models.at(id), selection).size();
    };
    EXPECT_EQ(reads("lamp/generic-modbus-2ch", 1), 1U);
    EXPECT_EQ(reads("lamp/generic-modbus-2ch", 2), 1U);
    EXPECT_EQ(reads("lamp/generic-modbus-2ch", std::nullopt), 1U);
    EXPECT_EQ(reads("lamp/dali-ecodim-gw2", 1), 2U);
    EXPECT_EQ(reads("meter/eastron-sdm630", std::nullopt), 1U);
    EXPECT_EQ(reads("meter/chint-dtsu666", std::nullopt), 2U);
    EXPECT_EQ(reads("meter/dlt645-2007-3p", std::nullopt), 4U);
    EXPECT_EQ(reads("io/wb-mrm2", std::nullopt), 2U);
}

}  // namespace
}  // namespace sl::device
