#include "gateway/local/event_ring.hpp"

#include "gateway/local/query.hpp"

#include <gmock/gmock.h>

namespace sl::local {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(EventRing, a_listener_who_comes_back_gets_what_he_missed) {
    EventRing ring("7", 4);
    for (const char* json : {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"})
        ring.add("lamp", json);
    const auto missed = ring.since("7-1");
    EXPECT_FALSE(missed.gap);
    ASSERT_THAT(missed.events, SizeIs(2));
    EXPECT_EQ(missed.events[0]->bytes, "id: 7-2\nevent: lamp\ndata: {\"n\":2}\n\n");
    EXPECT_THAT(ring.since("7-3").events, IsEmpty());
}

TEST(EventRing, a_new_listener_has_missed_nothing) {
    EventRing ring("7", 4);
    ring.add("lamp", "{}");
    EXPECT_THAT(ring.since("").events, IsEmpty());
    EXPECT_FALSE(ring.since("").gap);
}

TEST(EventRing, a_gap_is_told_when_messages_are_gone_or_the_process_is_another) {
    EventRing ring("7", 2);
    for (int i = 0; i < 5; ++i)
        ring.add("lamp", "{}");
    EXPECT_FALSE(ring.since("7-3").gap);
    EXPECT_TRUE(ring.since("7-2").gap);
    EXPECT_TRUE(ring.since("6-5").gap);
    EXPECT_TRUE(ring.since("7-6").gap);
    EXPECT_TRUE(ring.since("7-x").gap);
    EXPECT_TRUE(ring.since("nonsense").gap);
    EXPECT_EQ(ring.reset_event(), "id: 7-5\nevent: reset\ndata: {}\n\n");
}

TEST(EventRing, a_line_break_cannot_end_a_message_early) {
    EventRing ring("7", 2);
    EXPECT_EQ(ring.add("lamp", "{\n\"a\":1}\r\n")->bytes, "id: 7-1\nevent: lamp\ndata: { \"a\":1}  \n\n");
}

TEST(TopicFilter, an_empty_list_wants_everything) {
    EXPECT_TRUE(TopicFilter("").wants("lamp"));
    EXPECT_TRUE(TopicFilter("alarm,lamp").wants("lamp"));
    EXPECT_FALSE(TopicFilter("alarm,lamp").wants("feeder"));
    EXPECT_FALSE(TopicFilter("lamps").wants("lamp"));
}

TEST(Query, values_are_decoded_and_survive_the_way_back) {
    EXPECT_EQ(query_value("a=1&select=F1%3A1..9", "select"), "F1:1..9");
    EXPECT_EQ(query_value("a=1&select", "select"), "");
    EXPECT_EQ(query_value("selected=1", "select"), std::nullopt);
    EXPECT_EQ(query_value("select=%zz", "select"), std::nullopt);
    EXPECT_EQ(query_value("select=%4", "select"), std::nullopt);
    EXPECT_EQ(percent_decode(percent_encode("迎宾 17# tag=a&b+c")), "迎宾 17# tag=a&b+c");
}

}  // namespace
}  // namespace sl::local
