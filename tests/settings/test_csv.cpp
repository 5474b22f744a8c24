// lamps.csv as spreadsheets write it.
#include "tests/settings/support.hpp"

#include <iconv.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl::test {
namespace {

using testing::HasSubstr;

std::string gb18030(const std::string& utf8) {
    auto* converter = iconv_open("GB18030", "UTF-8");
    std::string in = utf8;
    std::string out(utf8.size() * 4, '\0');
    char* from = in.data();
    char* to = out.data();
    std::size_t from_left = in.size();
    std::size_t to_left = out.size();
    iconv(converter, &from, &from_left, &to, &to_left);
    iconv_close(converter);
    out.resize(out.size() - to_left);
    return out;
}

class Csv : public testing::Test {
  protected:
    std::string told(const std::string& csv) {
        loaded_ = load_small(folder_, small_cabinet(), csv);
        return rendered(loaded_, folder_);
    }
    const std::vector<site::Lamp>& lamps() const { return loaded_.config.value().plant.lamps; }
    Folder folder_;
    settings::Loaded loaded_;
};

const std::string chinese = "id,name,address,feeder,lat,lon\n迎宾01,迎宾西街北01#,1,F1,37.687,112.753\n";

TEST_F(Csv, InUtf8WithAndWithoutByteOrderMarkIsRead) {
    EXPECT_EQ(told(chinese), "");
    EXPECT_EQ(lamps()[0].id, "迎宾01");
    EXPECT_EQ(told("\xEF\xBB\xBF" + chinese), "");
    EXPECT_EQ(lamps()[0].name, "迎宾西街北01#");
}

TEST_F(Csv, InGb18030GivesTheSameNames) {
    const auto bytes = gb18030(chinese);
    ASSERT_NE(bytes, chinese);
    EXPECT_EQ(told(bytes), "");
    EXPECT_EQ(lamps()[0].id, "迎宾01");
    EXPECT_EQ(lamps()[0].name, "迎宾西街北01#");
}

TEST_F(Csv, MistakesInGb18030ArePointedAtAsInUtf8) {
    const auto bad = replaced(chinese, ",F1,", ",F9,");
    const auto expected = told(bad);
    EXPECT_THAT(expected, HasSubstr("lamps.csv:2:17: error: lamp \"迎宾01\" names feeder \"F9\""));
    EXPECT_EQ(told(gb18030(bad)), expected);
}

TEST_F(Csv, BytesOfNoEncodingAreNamedWithTheirLine) {
    EXPECT_THAT(
        told("id,address,feeder\nL1,1,F1\nL\xFF,2,F1\n"),
        HasSubstr("lamps.csv:3:1: error: the file is neither UTF-8 nor GB18030: byte 0xFF at offset 27"));
    EXPECT_THAT(told(std::string{"\xFF\xFEi\0d\0", 6}), HasSubstr("is UTF-16"));
}

TEST_F(Csv, QuotesCommasAndLineEndsFollowRfc4180) {
    EXPECT_EQ(told("id,name,address,feeder\r\nL1,\"a \"\"b\"\", c\",1,F1\r\nL2,\"two\r\nlines\",2,F1\r\n"),
              "");
    EXPECT_EQ(lamps()[0].name, "a \"b\", c");
    EXPECT_EQ(lamps()[1].name, "two\r\nlines");
}

TEST_F(Csv, TheLineAfterACellOfTwoLinesIsCountedRight) {
    EXPECT_THAT(told("id,name,address,feeder\nL1,\"two\nlines\",1,F1\nL2,x,2,F7\n"),
                HasSubstr("lamps.csv:4:8: error"));
}

TEST_F(Csv, WithSemicolonsOrTabsIsReadInAnyColumnOrder) {
    EXPECT_EQ(told("feeder;address;id;tags\nF1;1;L1;\"crossing; school\"\n"), "");
    EXPECT_EQ(lamps()[0].tags, (std::vector<std::string>{"crossing", "school"}));
    EXPECT_EQ(told("feeder\taddress\tid\nF1\t1\tL1\n"), "");
    EXPECT_EQ(lamps()[0].id, "L1");
}

TEST_F(Csv, ColumnsUnknownTwiceOrMissingAreErrors) {
    EXPECT_THAT(told("id,adress,feeder\nL1,1,F1\n"), HasSubstr("did you mean \"address\"?"));
    EXPECT_THAT(told("id,address,feeder,id\nL1,1,F1,L1\n"), HasSubstr("column \"id\" stands twice"));
    EXPECT_THAT(told("id,feeder\nL1,F1\n"), HasSubstr("there is no column \"address\""));
    EXPECT_THAT(told(""), HasSubstr("lamps.csv:1:1: error: the file has no header row"));
}

TEST_F(Csv, TwoHeadsShareAnAddressButNotAHead) {
    EXPECT_EQ(told("id,address,feeder,head\nL1,1,F1,1\nL2,1,F1,2\n"), "");
    EXPECT_THAT(told("id,address,feeder,head\nL1,1,F1,2\nL2,1,F1,2\n"),
                HasSubstr("head 2 of address 1 on line lamps is already used"));
    EXPECT_THAT(told("id,address,feeder,head\nL1,1,F1,1\nL2,01,F1,1\n"), HasSubstr("is already used"));
    EXPECT_THAT(told("id,address,feeder\nL1,200,F1\n"), HasSubstr("first used at gateway.toml:14"));
}

TEST_F(Csv, PositionsInDegreesMinutesSwappedOrFarAwayAreNoticed) {
    EXPECT_THAT(told("id,address,feeder,lat,lon\nL1,1,F1,37 41 13,112.75\n"), HasSubstr("decimal degrees"));
    EXPECT_THAT(told("id,address,feeder,lat,lon\nL1,1,F1,112.75,37.68\n"), HasSubstr("look swapped"));
    EXPECT_THAT(told("id,address,feeder,lat,lon\nL1,1,F1,37.787,112.7528\n"),
                HasSubstr("warning: lamp \"L1\" is 11.1 km from the cabinet"));
    EXPECT_TRUE(loaded_.config);
    EXPECT_THAT(told("id;address;feeder;lat;lon\nL1;1;F1;37,687;112,7528\n"),
                HasSubstr("write the decimal point as a point"));
}

TEST_F(Csv, TrailingEmptyColumnsAndRowsOfASpreadsheetAreIgnored) {
    EXPECT_EQ(told("id,address,feeder,,\nL1,1,F1,,\n,,,,\n\n"), "");
    EXPECT_EQ(lamps().size(), 1U);
}

}  // namespace
}  // namespace sl::test
