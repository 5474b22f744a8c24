// The parser by table and the gate in virtual time: C1-C5, C12, C13 and C16 of the assertions.
#include "gateway/northbound/commands.hpp"
#include "tests/northbound/session_world.hpp"

#include <gmock/gmock.h>

namespace sl::northbound::test {
namespace {

using site::Code;
using site::Op;
using ::testing::HasSubstr;

std::string command(const std::string& members) {
    return R"({"v":1,"id":"01JD5","op":"lamp.set","ts":1764000000000,)" + members + "}";
}
const std::string good = R"("target":{"all":true},"args":{"level_pct":60})";

Rejection rejected(const std::string& json) {
    auto result = parse_command(json);
    auto* r = std::get_if<Rejection>(&result);
    return r != nullptr ? *r : Rejection{Code::ok, "accepted", "", ""};
}

TEST(Parser, ReadsEveryMemberOfALampSet) {
    const auto result = parse_command(command(
        R"("ttl_s":90,"by":"op@city","why":"accident","target":{"lamps":["L1","L2"]},"args":{"level_pct":80,)"
        R"("fade_s":3,"priority":"emergency","energise":true},"hold":{"until":1764003600000},"ack":"each","new":[1])"));
    const auto& p = std::get<ParsedCommand>(result);
    const auto& c = p.command;
    EXPECT_EQ(c.id, "01JD5");
    EXPECT_EQ(c.op, Op::lamp_set);
    EXPECT_EQ(c.level.percent(), 80);
    EXPECT_EQ(c.fade, seconds{3});
    EXPECT_TRUE(c.emergency && c.energise && c.each);
    EXPECT_EQ(c.target.ids, (std::vector<std::string>{"L1", "L2"}));
    EXPECT_EQ(site::to_ms(std::get<site::HoldUntil>(c.hold).end), 1'764'003'600'000);
    EXPECT_EQ(p.ttl, seconds{90});
    EXPECT_EQ(c.by, "op@city");
    EXPECT_EQ(render_command(std::get<ParsedCommand>(parse_command(render_command(p)))), render_command(p));
}

struct Bad {
    std::string json;
    Code code;
    std::string path;
};
TEST(Parser, NamesThePlaceOfEveryFault) {
    const std::vector<Bad> table{
        {"", Code::bad_schema, ""},
        {"[1]", Code::bad_schema, ""},
        {R"({"v":1})", Code::bad_schema, "id"},
        {R"({"v":1,"id":"a b"})", Code::bad_schema, "id"},
        {R"({"v":2,"id":"a","op":"sync","ts":1})", Code::bad_schema, "v"},
        {R"({"v":1,"id":"a","op":"lamp.blink","ts":1})", Code::unknown_op, "op"},
        {R"({"v":1,"id":"a","op":"sync"})", Code::bad_schema, "ts"},
        {command(R"("args":{"level_pct":60})"), Code::bad_schema, "target"},
        {command(R"("target":{"all":true})"), Code::bad_schema, "args.level_pct"},
        {command(R"("target":{"all":true,"lamps":["a"]},"args":{"level_pct":60})"), Code::bad_schema,
         "target"},
        {command(R"("target":{},"args":{"level_pct":60})"), Code::bad_schema, "target"},
        {command(R"("target":{"all":false},"args":{"level_pct":60})"), Code::bad_schema, "target.all"},
        {command(R"("target":{"street":["a"]},"args":{"level_pct":60})"), Code::unknown_target,
         "target.street"},
        {command(R"("target":{"lamps":["a",7]},"args":{"level_pct":60})"), Code::bad_schema,
         "target.lamps[1]"},
        {command(R"("target":{"all":true},"args":{"level_pct":101})"), Code::out_of_range, "args.level_pct"},
        {command(R"("target":{"all":true},"args":{"level_pct":1e300})"), Code::out_of_range,
         "args.level_pct"},
        {command(R"("target":{"all":true},"args":{"level_pct":"60"})"), Code::bad_schema, "args.level_pct"},
        {command(R"("target":{"all":true},"args":{"level_pct":60,"colour":"red"})"), Code::bad_schema,
         "args.colour"},
        {command(good + R"(,"ttl_s":0)"), Code::out_of_range, "ttl_s"},
        {command(good + R"(,"ttl_s":3601)"), Code::out_of_range, "ttl_s"},
        {command(good + R"(,"hold":{"for_s":60,"released":true})"), Code::bad_schema, "hold"},
        {command(good + R"(,"hold":{"for_s":2592001})"), Code::out_of_range, "hold.for_s"},
        {command(good + R"(,"hold":{"for_ever":true})"), Code::bad_schema, "hold.for_ever"},
        {command(good + R"(,"ack":"all")"), Code::bad_schema, "ack"},
        {R"({"v":1,"id":"a","op":"replay","ts":1,"args":{"stream":"status","from":1,"to":2}})",
         Code::bad_schema, "args.stream"},
        {R"({"v":1,"id":"a","op":"replay","ts":1,"args":{"stream":"event","from":9,"to":2}})",
         Code::out_of_range, "args.to"},
        {R"({"v":1,"id":"a","op":"feeder.set","ts":1,"target":{"lamps":["x"]},"args":{"on":1}})",
         Code::unknown_target, "target"},
    };
    for (const auto& bad : table) {
        const auto r = rejected(bad.json);
        EXPECT_EQ(static_cast<int>(r.code), static_cast<int>(bad.code)) << bad.json << " -> " << r.message;
        EXPECT_EQ(r.path, bad.path) << bad.json << " -> " << r.message;
        EXPECT_FALSE(r.message.empty());
    }
    EXPECT_EQ(rejected(std::string(1'000'000, '[')).code, Code::bad_schema);
    EXPECT_EQ(rejected(R"({"v":)" + std::string(20, '[') + std::string(20, ']') + "}").code,
              Code::bad_schema);
}

TEST(Parser, ExpiryFollowsTheClockAndItsTrust) {
    const auto p = std::get<ParsedCommand>(parse_command(command(good + R"(,"ttl_s":60)")));
    const auto at = [&](int s, bool trusted, int version = 5) {
        const auto r = check_time(p, Present{p.ts + seconds{s}, trusted, version});
        return r ? r->code : Code::ok;
    };
    EXPECT_EQ(at(65, true), Code::ok);
    EXPECT_EQ(at(66, true), Code::expired);
    EXPECT_EQ(at(-120, true), Code::ok);
    EXPECT_EQ(at(-121, true), Code::out_of_range);
    EXPECT_EQ(at(100'000, false), Code::ok);
    EXPECT_EQ(at(0, false, 4), Code::clock_untrusted);
}

struct Gate : public World {
    site::Config config;
    std::vector<site::Command> executed, resumed;
    std::vector<Ticket> tickets;
    std::unique_ptr<CommandGate> gate;
    int replies_at_execute = -1;

    Gate() {
        for (const auto* id : {"L1", "L2"}) {
            site::Lamp lamp;
            lamp.id = id;
            lamp.feeder = "F1";
            config.plant.lamps.push_back(lamp);
        }
        site::Principal city;
        city.id = "city";
        city.ops = {"*"};
        site::Principal guest;
        guest.id = "guest";
        guest.ops = {"lamp.set"};
        guest.max_hold = seconds{600};
        guest.targets = site::Selector{site::Selector::Kind::lamps, {"L1"}, 0, 0};
        config.mqtt.principals = {city, guest};
        make();
    }
    void make() {
        GateHooks hooks;
        hooks.stamp = [this] { return stamp(); };
        hooks.wall = [this] { return wall(); };
        hooks.matches = [](const site::Selector& s, const site::Lamp& l) {
            return s.kind == site::Selector::Kind::all ||
                   std::count(s.values.begin(), s.values.end(), l.id) > 0;
        };
        hooks.execute = [this](const site::Command& c, Ticket t) {
            replies_at_execute = static_cast<int>(replies().size());
            executed.push_back(c);
            tickets.push_back(std::move(t));
        };
        hooks.resume = [this](const site::Command& c, Ticket t) {
            resumed.push_back(c);
            tickets.push_back(std::move(t));
        };
        hooks.executable = {Op::lamp_set, Op::release, Op::sync, Op::read, Op::replay, Op::feeder_set};
        gate = std::make_unique<CommandGate>(
            config, outbox, Topics{"streetlight", "JZ", "JZ-0237"}, reactor, [] { return 0.5; }, hooks);
    }
    site::WallTime wall() { return site::WallTime{milliseconds{site::to_ms(stamp().ts)}}; }
    std::string lamp_set(const std::string& id, const std::string& more = good) {
        return R"({"v":1,"id":")" + id + R"(","op":"lamp.set","ts":)" +
               std::to_string(wall().time_since_epoch().count()) + "," + more + "}";
    }
    void send(const std::string& payload, const std::string& principal = "city", bool to_site = false,
              bool retain = false, const std::string& response = {}) {
        gate->receive(Incoming{"t", payload, retain, response, response.empty() ? "" : "c0", false},
                      Topics::CommandTopic{principal, to_site});
        reactor.run(milliseconds{10});
    }
    std::vector<boost::json::object> bodies(site::Stream stream) {
        std::vector<boost::json::object> out;
        for (const auto& [seq, row] : outbox.records[stream])
            out.push_back(parsed("{" + row.record->body + "}"));
        return out;
    }
    std::vector<boost::json::object> replies() { return bodies(site::Stream::reply); }
    std::int64_t last_code() { return replies().back().at("code").as_int64(); }
};

TEST_F(Gate, AcceptsBeforeTheFirstLampFrameAndIsDoneOnce) {
    send(lamp_set("a"), "city", false, false, "streetlight/v1/JZ/_reply/me");
    ASSERT_EQ(executed.size(), 1U);
    EXPECT_EQ(executed[0].principal, "city");
    EXPECT_EQ(replies_at_execute, 1);
    EXPECT_EQ(replies()[0].at("phase").as_string(), "accepted");
    site::Outcome outcome;
    outcome.lamps = {{"L1", Code::ok, 1}, {"L2", Code::no_reply, 3}};
    outcome.code = Code::no_reply;
    tickets[0].done(outcome);
    tickets[0].done(outcome);
    ASSERT_EQ(replies().size(), 2U);
    const auto done = replies()[1];
    EXPECT_EQ(done.at("result").as_string(), "partial");
    EXPECT_EQ(done.at("fails").as_array()[0].as_array()[0].as_string(), "L2");
    const auto& record = *outbox.records[site::Stream::reply].at(2).record;
    EXPECT_EQ(record.response_topic, "streetlight/v1/JZ/_reply/me");
    EXPECT_EQ(record.correlation, "c0");
    EXPECT_EQ(bodies(site::Stream::event).back().at("kind").as_string(), "audit");
}

TEST_F(Gate, ARepeatedIdAnswersWhatIsStoredAndNothingHappensAlsoAfterARestart) {
    send(lamp_set("a"));
    send(lamp_set("a"));
    EXPECT_EQ(replies().back().at("phase").as_string(), "accepted");
    EXPECT_TRUE(replies().back().at("dup").as_bool());
    tickets[0].done(site::Outcome{});
    make();
    reactor.run(seconds{7'200});
    send(lamp_set("a"));
    EXPECT_EQ(executed.size(), 1U);
    EXPECT_EQ(replies().back().at("phase").as_string(), "done");
    EXPECT_TRUE(replies().back().at("dup").as_bool());
}

TEST_F(Gate, RefusesAndAuditsWhatMayNotBe) {
    send(lamp_set("a"), "city", false, true);
    EXPECT_EQ(last_code(), 15);
    send(lamp_set("b"), "stranger");
    EXPECT_EQ(last_code(), 14);
    send(lamp_set("c"), "guest");
    EXPECT_EQ(last_code(), 14);
    send(lamp_set("d", R"("target":{"lamps":["L1"]},"args":{"level_pct":1},"hold":{"for_s":601})"), "guest");
    EXPECT_EQ(last_code(), 14);
    send(lamp_set("e", R"("target":{"lamps":["L1","L9"]},"args":{"level_pct":1})"));
    EXPECT_EQ(last_code(), 12);
    EXPECT_THAT(std::string{replies().back().at("text").as_string()}, HasSubstr("target.lamps[1]"));
    send(R"({"v":1,"id":"f","op":"selftest","ts":)" + std::to_string(wall().time_since_epoch().count()) +
         "}");
    EXPECT_EQ(last_code(), 11);
    send(lamp_set("g"), "city", false, false, "other/place");
    EXPECT_EQ(last_code(), 14);
    EXPECT_TRUE(outbox.records[site::Stream::reply].rbegin()->second.record->response_topic.empty());
    const auto old = lamp_set("h");
    reactor.run(seconds{70});
    send(old);
    EXPECT_EQ(last_code(), 16);
    EXPECT_EQ(replies().back().at("result").as_string(), "expired");
    send("{nonsense");
    EXPECT_EQ(last_code(), 10);
    send(R"({"v":1,"id":"i","op":"reboot","ts":1})");
    EXPECT_EQ(last_code(), 14);
    EXPECT_TRUE(executed.empty());
    EXPECT_EQ(bodies(site::Stream::event).size(), replies().size());
    for (const auto& answer : replies())
        EXPECT_EQ(answer.at("phase").as_string(), "done");
    send(lamp_set("k", R"("target":{"lamps":["L1"]},"args":{"level_pct":1},"hold":{"for_s":600})"), "guest");
    EXPECT_EQ(executed.size(), 1U);
}

TEST_F(Gate, AFloodIsAnsweredBusyAndAuditedWithACount) {
    for (int i = 0; i < 1'000; ++i)
        gate->receive(Incoming{"t", lamp_set("id" + std::to_string(i)), false, {}, {}, false},
                      {"city", false});
    reactor.run(milliseconds{100});
    EXPECT_EQ(executed.size(), CommandGate::max_running);
    int busy = 0;
    for (const auto& answer : replies())
        busy += answer.contains("code") && answer.at("code").as_int64() == 19 ? 1 : 0;
    EXPECT_EQ(busy, 1'000 - static_cast<int>(CommandGate::max_running));
    EXPECT_EQ(bodies(site::Stream::event).size(), 10U);
    reactor.run(seconds{2});
    send("{");
    EXPECT_THAT(std::string{bodies(site::Stream::event).back().at("text").as_string()},
                HasSubstr("more before"));
}

TEST_F(Gate, AWholeSiteIsAnsweredByOneSpreadDone) {
    send(lamp_set("a"), "city", true);
    ASSERT_EQ(executed.size(), 1U);
    tickets[0].done(site::Outcome{});
    reactor.run(seconds{14});
    EXPECT_TRUE(replies().empty());
    reactor.run(seconds{2});
    ASSERT_EQ(replies().size(), 1U);
    EXPECT_EQ(replies()[0].at("phase").as_string(), "done");
}

TEST_F(Gate, AnUnfinishedCommandIsResumedAfterARestartAndGetsItsDone) {
    send(lamp_set("a"), "city", false, false, "streetlight/v1/JZ/_reply/me");
    executed.clear();
    tickets.clear();
    make();
    gate->resume();
    ASSERT_EQ(resumed.size(), 1U);
    EXPECT_TRUE(executed.empty());
    EXPECT_EQ(resumed[0].level.percent(), 60);
    EXPECT_EQ(resumed[0].principal, "city");
    tickets[0].done(site::Outcome{});
    EXPECT_EQ(replies().back().at("phase").as_string(), "done");
    EXPECT_EQ(outbox.records[site::Stream::reply].rbegin()->second.record->correlation, "c0");
}

TEST_F(Gate, WithoutADurableStoreItSaysVolatile) {
    outbox.can_commit = false;
    std::vector<std::string> seen;
    outbox.on_commit([&](std::span<const site::RecordPtr> records) {
        for (const auto& record : records)
            seen.push_back(record->body);
    });
    send(lamp_set("a"));
    ASSERT_FALSE(seen.empty());
    EXPECT_THAT(seen[0], HasSubstr("\"volatile\":true"));
    EXPECT_EQ(executed.size(), 1U);
}

TEST_F(Gate, ProgressGoesOutAtMostEvery10Seconds) {
    send(lamp_set("a"));
    for (int i = 0; i < 25; ++i) {
        reactor.run(seconds{1});
        tickets[0].progress(70, i);
    }
    EXPECT_EQ(replies().size(), 3U);
}

}  // namespace
}  // namespace sl::northbound::test
