#include "gateway/local/select.hpp"

#include "tests/local/plant.hpp"

#include <gmock/gmock.h>

namespace sl::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Select : testing::Test {
    Cabinet cabinet;
    Selection operator()(std::string_view text) const {
        return select_lamps(cabinet.config, cabinet.state, text);
    }
};

TEST_F(Select, understands_every_way_to_name_lamps) {
    EXPECT_THAT((*this)("all").lamps, ElementsAre(0, 1, 2, 3));
    EXPECT_THAT((*this)("").lamps, ElementsAre(0, 1, 2, 3));
    EXPECT_THAT((*this)("F2").lamps, ElementsAre(2, 3));
    EXPECT_THAT((*this)("south").lamps, ElementsAre(2, 3));
    EXPECT_THAT((*this)("L002").lamps, ElementsAre(1));
    EXPECT_THAT((*this)("2..3").lamps, ElementsAre(1, 2));
    EXPECT_THAT((*this)("F2:2..9").lamps, ElementsAre(3));
    EXPECT_THAT((*this)("tag=crossing").lamps, ElementsAre(0, 3));
    EXPECT_THAT((*this)("F1,L004,L001").lamps, ElementsAre(0, 1, 3));
}

TEST_F(Select, finds_lamps_by_how_they_are_doing) {
    cabinet.state.lamps[1].faults = 1;
    cabinet.state.lamps[2].online = false;
    cabinet.state.lamps[3].powered = false;
    EXPECT_THAT((*this)("state=fault").lamps, ElementsAre(1));
    EXPECT_THAT((*this)("state=offline").lamps, ElementsAre(2));
    EXPECT_THAT((*this)("state=no_power").lamps, ElementsAre(3));
    EXPECT_THAT((*this)("state=starting").lamps, IsEmpty());
    EXPECT_THAT((*this)("state=starting").error, IsEmpty());
}

TEST_F(Select, says_what_it_does_not_understand) {
    EXPECT_THAT((*this)("L009").error, HasSubstr("'L009'"));
    EXPECT_THAT((*this)("F9:1..2").error, HasSubstr("'F9'"));
    EXPECT_THAT((*this)("colour=red").error, HasSubstr("colour="));
    EXPECT_THAT((*this)("state=tired").error, HasSubstr("tired"));
    EXPECT_THAT((*this)("9..2").error, HasSubstr("9..2"));
    EXPECT_THAT((*this)("L001,,L002").error, HasSubstr("''"));
    EXPECT_THAT((*this)("F1,L009").lamps, IsEmpty());
}

}  // namespace
}  // namespace sl::local
