// What people get wrong, and what they are told.
#include "tests/settings/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::test {
namespace {

using testing::HasSubstr;

// Renders with paths relative to the folder of the files.
std::string rendered_in(const settings::Loaded& loaded, const std::string& folder) {
    std::string out;
    for (const auto& diagnostic : loaded.diagnostics)
        out += settings::render(diagnostic);
    for (auto at = out.find(folder); at != std::string::npos; at = out.find(folder))
        out.erase(at, folder.size());
    return out + settings::summary(loaded) + "\n";
}

TEST(Mistakes, AreReportedAllAtOnceWithPlaceLineCaretAndHint) {
    const std::string folder = SL_TEST_DIR "/settings/mistakes/";
    const auto loaded = settings::load(folder + "gateway.toml", vocabulary());
    EXPECT_FALSE(loaded.config);
    EXPECT_EQ(rendered_in(loaded, folder), slurp(SL_TEST_DIR "/golden/settings/mistakes.txt"));
}

std::string told(const std::string& from, const std::string& to) {
    const Folder folder;
    return rendered(load_small(folder, replaced(small_cabinet(), from, to), small_lamps()), folder);
}

TEST(Mistakes, NoneAreFoundInTheSmallCabinetTheOthersStartFrom) {
    const Folder folder;
    EXPECT_EQ(rendered(load_small(folder, small_cabinet(), small_lamps()), folder), "");
}

TEST(Mistakes, TheCaretStandsUnderTheKeyBehindFullWidthCharacters) {
    settings::Diagnostic diagnostic;
    diagnostic.file = "g.toml";
    diagnostic.line = 7;
    diagnostic.column = 4;
    diagnostic.caret_length = 2;
    diagnostic.message = "here";
    diagnostic.source_line = "a路\t灯杆";
    EXPECT_EQ(settings::render(diagnostic),
              "g.toml:7:4: error: here\n    7 | a路\t灯杆\n      |    \t^^^^\n");
}

TEST(Mistakes, ControlCharactersOfAFileNeverReachTheTerminal) {
    settings::Diagnostic diagnostic;
    diagnostic.source_line = "a\x1B[31mred";
    diagnostic.message = "\x07";
    EXPECT_EQ(settings::render(diagnostic).find('\x1B'), std::string::npos);
    EXPECT_EQ(settings::render(diagnostic).find('\x07'), std::string::npos);
}

TEST(Mistakes, ALongLineIsCutAroundTheCaret) {
    settings::Diagnostic diagnostic;
    diagnostic.column = 3'000;
    diagnostic.source_line = std::string(4'000, 'x');
    EXPECT_LT(settings::render(diagnostic).size(), 700U);
}

TEST(Mistakes, AMissingFileIsNamed) {
    const auto loaded = settings::load("/nonexistent/gateway.toml", vocabulary());
    ASSERT_EQ(loaded.diagnostics.size(), 1U);
    EXPECT_THAT(settings::render(loaded.diagnostics[0]),
                HasSubstr("/nonexistent/gateway.toml:1:1: error: /nonexistent/gateway.toml does not exist"));
    EXPECT_EQ(settings::summary(loaded), "1 error. The running configuration is untouched.");
}

TEST(Mistakes, APasswordInTheFileIsRefusedAndNotRepeated) {
    const auto text =
        told("[lamps]", "[mqtt]\nurl = \"mqtt://127.0.0.1:1883\"\npassword = \"hunter2\"\n[lamps]");
    EXPECT_THAT(text, HasSubstr("a password does not belong into this file"));
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(Mistakes, ANameThatOnlyLooksLikeLoopbackNeedsInsecure) {
    EXPECT_THAT(told("[lamps]", "[mqtt]\nurl = \"mqtt://127.evil.example:1883\"\n[lamps]"),
                HasSubstr("plain MQTT"));
    EXPECT_EQ(told("[lamps]", "[mqtt]\nurl = \"mqtt://127.0.0.1:1883\"\n[lamps]"), "");
    EXPECT_EQ(told("[lamps]", "[mqtt]\nurl = \"mqtt://10.0.0.1:1883\"\ninsecure = true\n[lamps]"), "");
}

TEST(Mistakes, EncryptedMqttNeedsTheCertificateOfItsAuthority) {
    EXPECT_THAT(told("[lamps]", "[mqtt]\nurl = \"mqtts://b.example:8883\"\n[lamps]"),
                HasSubstr("mqtts needs ca_file"));
}

TEST(Mistakes, SectionsMayBeSplitOverIncludedFilesButNoKeySetTwice) {
    const Folder folder;
    folder.write("conf.d/10.toml",
                 "[site]\nname = \"晋中\"\n[[line]]\nid = \"more\"\ndevice = \"/dev/ttyS9\"\n");
    folder.write("conf.d/20.toml", "[site]\nname = \"again\"\n");
    const auto loaded =
        load_small(folder, "include = [\"conf.d/*.toml\"]\n" + small_cabinet(), small_lamps());
    EXPECT_EQ(rendered(loaded, folder),
              "conf.d/20.toml:2:1: error: \"name\" in [site] is set twice\n"
              "    2 | name = \"again\"\n      | ^^^^  first set at 10.toml:2\n");
    folder.write("conf.d/20.toml", "");
    const auto good = load_small(folder, "include = [\"conf.d/*.toml\"]\n" + small_cabinet(), small_lamps());
    ASSERT_TRUE(good.config);
    EXPECT_EQ(good.config->place.name, "晋中");
    EXPECT_EQ(good.config->plant.lines.size(), 2U);
}

TEST(Mistakes, TheHashCoversEveryFileRead) {
    const Folder folder;
    const auto first = load_small(folder, small_cabinet(), small_lamps());
    const auto same = load_small(folder, small_cabinet(), small_lamps());
    const auto other = load_small(folder, small_cabinet(), small_lamps() + "\n");
    ASSERT_TRUE(first.config && same.config && other.config);
    EXPECT_EQ(first.config->sha256, same.config->sha256);
    EXPECT_NE(first.config->sha256, other.config->sha256);
}

TEST(Mistakes, TextThatBreaksTheParserIsRefusedBeforeIt) {
    EXPECT_THAT(told("[lamps]", "[\n[lamps]"), HasSubstr("a name must follow \"[\""));
    EXPECT_THAT(told("[lamps]", "[[[\n[lamps]"), HasSubstr("a name must follow \"[\""));
    std::string deep = "a";
    for (int i = 0; i < 50'000; ++i)
        deep += ".a";
    EXPECT_THAT(told("[lamps]", "[" + deep + "]\n[lamps]"), HasSubstr("longer than 4096 bytes"));
    EXPECT_THAT(told("[lamps]", "[a.b.c.d.e.f.g.h.i]\n[lamps]"), HasSubstr("more than 8 parts"));
    EXPECT_THAT(told("[lamps]", std::string(300'000, '\n')), HasSubstr("larger than 256 KB"));
}

TEST(Mistakes, ATomlFileInGb18030IsToldSo) {
    EXPECT_THAT(told("site = \"JZ\"", "site = \"JZ\"\nname = \"\xD3\xAD\xB1\xF6\""),
                HasSubstr("looks like GB18030"));
}

TEST(Mistakes, ThousandsOfThemAreCutShort) {
    std::string many = small_cabinet();
    for (int i = 0; i < 3'000; ++i)
        many += "[[group]]\n";
    const Folder folder;
    const auto loaded = load_small(folder, many, small_lamps());
    EXPECT_EQ(loaded.diagnostics.size(), 201U);
    EXPECT_FALSE(loaded.config);
}

}  // namespace
}  // namespace sl::test
