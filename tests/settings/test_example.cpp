// The example cabinet, whole and damaged.
#include "tests/settings/support.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::test {
namespace {

const std::string example_toml = SL_SOURCE_DIR "/config/gateway.example.toml";
const std::string example_csv = SL_SOURCE_DIR "/config/lamps.example.csv";

std::string all_text(const settings::Loaded& loaded) {
    std::string out;
    for (const auto& diagnostic : loaded.diagnostics)
        out += settings::render(diagnostic);
    return out;
}

TEST(Example, LoadsWithoutAnErrorOrAWarning) {
    const auto loaded = settings::load(example_toml, vocabulary());
    EXPECT_EQ(all_text(loaded), "");
    ASSERT_TRUE(loaded.config);
    const auto& config = *loaded.config;
    EXPECT_EQ(config.place.site, "JZ");
    EXPECT_EQ(config.place.gateway, "0237");
    EXPECT_EQ(config.plant.lamps.size(), 60U);
    EXPECT_EQ(config.plant.feeders.size(), 2U);
    EXPECT_EQ(config.plant.feeders[0].name, "A 路 · 迎宾西街北侧");
    EXPECT_EQ(config.plant.feeders[0].failsafe, site::Level{100});
    EXPECT_EQ(config.plant.lamps[0].name, "迎宾西街北01#");
    EXPECT_EQ(config.plant.lamps[14].tags, (std::vector<std::string>{"crossing", "school"}));
    EXPECT_EQ(config.plant.lamps[59].protocol, "modbus-rtu");
    EXPECT_EQ(config.plant.meters[0].protocol, "dlt645-2007");
    EXPECT_EQ(config.models.size(), 3U);
    EXPECT_EQ(config.mqtt.principals[1].targets->kind, site::Selector::Kind::tag);
    EXPECT_EQ(config.calendars[0].ranges.size(), 2U);
    EXPECT_EQ(config.astro.earliest_on, std::chrono::minutes{16 * 60 + 50});
    EXPECT_EQ(config.sha256.size(), 64U);
    EXPECT_THAT(settings::summary(loaded), testing::StartsWith("Valid: 2 feeders, 60 lamps, 0 warnings."));
}

TEST(Example, ReadsEveryStepOfAProfile) {
    const auto loaded = settings::load(example_toml, vocabulary());
    ASSERT_TRUE(loaded.config);
    const auto& steps = loaded.config->profiles[0].steps;
    ASSERT_EQ(steps.size(), 4U);
    EXPECT_EQ(std::get<site::ClockPoint>(steps[1].at).local, std::chrono::hours{23});
    EXPECT_EQ(steps[1].level, site::Level{60});
    EXPECT_EQ(steps[1].fade, std::chrono::seconds{30});
    const auto& festival = loaded.config->profiles[2].steps[0].at;
    EXPECT_EQ(std::get<site::SunPoint>(festival).offset, std::chrono::minutes{-10});
}

// The places of all diagnostics must exist: line within the file, column within the line.
void expect_valid_places(const settings::Loaded& loaded) {
    if (!loaded.config) {
        EXPECT_GT(settings::count(loaded.diagnostics).errors, 0);
    }
    for (const auto& diagnostic : loaded.diagnostics) {
        EXPECT_FALSE(diagnostic.file.empty());
        EXPECT_GE(diagnostic.line, 1);
        EXPECT_GE(diagnostic.column, 1);
        EXPECT_GE(diagnostic.caret_length, 1);
        const auto text = slurp(diagnostic.file);
        EXPECT_LE(diagnostic.line, std::count(text.begin(), text.end(), '\n') + 1)
            << settings::render(diagnostic);
        EXPECT_LE(static_cast<std::size_t>(diagnostic.column), diagnostic.source_line.size() + 1)
            << settings::render(diagnostic);
    }
}

std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines)
        out += line + "\n";
    return out;
}

// The ways in which a line is damaged: it is deleted, and by turns one of the others.
std::vector<std::string> mangled(const std::string& line, std::size_t turn) {
    std::vector<std::string> out{"",         line + "\"", line.substr(0, line.size() / 2),
                                 "x" + line, "[" + line,  line + line};
    const auto equals = line.find('=');
    if (equals != std::string::npos) {
        out.push_back(line.substr(0, equals + 1) + " -1");
        out.push_back(line.substr(0, equals + 1) + " [[[");
        out.push_back(line.substr(0, equals + 1) + " { a.b.c = 1 }");
    }
    return {out[0], out[1 + turn % (out.size() - 1)], out[1 + (turn / 2 + 3) % (out.size() - 1)]};
}

class Damage : public testing::Test {
  protected:
    Damage() {
        folder_.write("gateway.toml", slurp(example_toml));
        folder_.write("lamps.example.csv", slurp(example_csv));
    }
    // Loads with each line of `name` damaged in turn; returns how many damages were noticed.
    int damage(const std::string& name) {
        const auto lines = split_lines(slurp(folder_ / name));
        int noticed = 0;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            for (const auto& bad : mangled(lines[i], i)) {
                auto copy = lines;
                copy[i] = bad;
                folder_.write(name, joined(copy));
                const auto loaded = settings::load(folder_ / "gateway.toml", vocabulary());
                expect_valid_places(loaded);
                noticed += loaded.config ? 0 : 1;
            }
        }
        return noticed;
    }
    Folder folder_;
};

TEST_F(Damage, OfAnyLineOfTheTomlIsAnErrorWithAPlaceOrHarmless) {
    EXPECT_GT(damage("gateway.toml"), 350);
}

TEST_F(Damage, OfAnyLineOfTheCsvIsAnErrorWithAPlaceOrHarmless) {
    EXPECT_GT(damage("lamps.example.csv"), 60);
}

TEST_F(Damage, OfAnyByteAtTheEndOfTheFileIsAnErrorWithAPlaceOrHarmless) {
    const auto text = slurp(example_toml);
    for (std::size_t size = 0; size < text.size(); size += 97) {
        folder_.write("gateway.toml", text.substr(0, size));
        expect_valid_places(settings::load(folder_ / "gateway.toml", vocabulary()));
    }
}

}  // namespace
}  // namespace sl::test
