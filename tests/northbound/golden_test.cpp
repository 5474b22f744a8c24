// Every kind of message, byte for byte as tests/golden/mqtt has it. A reader of the wire is promised these;
// to change one, run with SL_UPDATE_GOLDEN=1 and read the difference.
#include "gateway/northbound/bodies.hpp"
#include "gateway/northbound/envelope.hpp"
#include "gateway/northbound/messages.hpp"
#include "gateway/northbound/meta.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sl::northbound::test {
namespace {

using site::Quality;
using site::Quantity;

constexpr std::int64_t noon = 1'764'000'000'000;

void expect_golden(const std::string& name, const std::string& text) {
    const auto file = std::string{SL_TEST_DIR} + "/golden/mqtt/" + name + ".json";
    boost::system::error_code error;
    boost::json::parse(text, error);
    EXPECT_FALSE(error) << name << " is not JSON";
    if (std::getenv("SL_UPDATE_GOLDEN") != nullptr) std::ofstream{file} << text << '\n';
    std::ostringstream kept;
    kept << std::ifstream{file}.rdbuf();
    EXPECT_EQ(text + "\n", kept.str()) << name;
}

struct Golden : public ::testing::Test {
    site::Config config;
    site::SiteState state;
    Envelope envelope{"JZ", "JZ-0237", "01JD0000000000000000000000"};
    BodyLimits limits;
    site::SiteTime ts = site::site_ms(noon);

    Golden() {
        auto& p = config.plant;
        config.place = {"JZ", "JZ-0237", "迎宾街 3 号柜", "Asia/Shanghai", 37.6872, 112.7528, 0.65};
        p.feeders.resize(1);
        p.feeders[0].id = "F1";
        p.feeders[0].name = "东侧";
        p.feeders[0].contactor = "K1";
        p.feeders[0].meter = "M1";
        p.feeders[0].phases = {site::Phase::l1};
        p.feeders[0].failsafe = site::Level{100};
        p.contactors.resize(1);
        p.contactors[0].id = "K1";
        p.contactors[0].aux_module = "IO1";
        p.inputs.resize(1);
        p.inputs[0].id = "DOOR";
        p.inputs[0].role = site::InputRole::door;
        p.meters.resize(1);
        p.meters[0].id = "M1";
        p.meters[0].model = "meter/x";
        p.meters[0].ct_ratio = 20;
        config.models["meter/x"].kind = site::DeviceKind::meter;
        site::Point energy;
        energy.quantity = Quantity::energy_wh;
        energy.scale = {10, 1, 0.0};
        config.models["meter/x"].points = {energy};
        for (int i = 1; i <= 3; ++i) {
            site::Lamp lamp;
            lamp.id = "L00" + std::to_string(i);
            lamp.pole = "P" + std::to_string(i);
            lamp.feeder = "F1";
            lamp.phase = site::Phase::l1;
            lamp.order = static_cast<std::uint32_t>(i);
            lamp.model = "lamp/generic-modbus-2ch";
            lamp.rated_w = 120;
            p.lamps.push_back(lamp);
        }
        site::Principal city;
        city.id = "city";
        city.ops = {"lamp.set", "sync"};
        config.mqtt.principals = {city};
        fill();
    }
    void fill() {
        state.lamps.resize(3);
        auto& lit = state.lamps[0];
        const auto read = ts - std::chrono::milliseconds{1'200};
        const auto set = [&](Quantity q, double v) { lit[q] = site::Value{v, read, Quality::ok}; };
        set(Quantity::power_w, 71.23);
        set(Quantity::voltage_v, 228.1);
        set(Quantity::current_a, 0.3164);
        set(Quantity::power_factor, -0.985);
        set(Quantity::energy_wh, 182'310'455);
        set(Quantity::burning_s, 3'600);
        set(Quantity::on, 1);
        set(Quantity::level_pct, 60);
        set(Quantity::temperature_c, -12.5);
        lit.online = true;
        lit.last_answer = read;
        lit.target = site::Level{60};
        lit.source = site::Source::program;
        lit.confirmed = 2;
        state.lamps[1].last_answer = ts - std::chrono::hours{1};
        state.lamps[1].faults = 0b101;
        state.lamps[2].powered = false;
        state.meters.resize(1);
        state.meters[0].online = true;
        state.meters[0].last_answer = read;
        state.meters[0].at(Quantity::energy_wh) = site::Value{9'007'199'254.0, read, Quality::ok};
        state.meters[0].at(Quantity::voltage_v, site::Phase::l1) = site::Value{230.04, read, Quality::ok};
        state.contactors.resize(1);
        auto& contactor = state.contactors[0];
        contactor.commanded = true;
        contactor.reported = true;
        contactor.aux = true;
        contactor.reported_at = contactor.aux_at = contactor.changed = read;
        contactor.operations = 4;
        state.feeders.resize(1);
        state.feeders[0] = {true, ts, true, false, site::Source::program};
        state.inputs.resize(1);
    }
    std::string record(site::Stream stream, const std::string& body, std::int64_t seq = 182'310,
                       bool hist = false) {
        site::Record r;
        r.stream = stream;
        r.seq = seq;
        r.boot = 57;
        r.ts = ts;
        r.tq = site::TimeQuality::ntp;
        r.up_ms = 86'400'123;
        r.meta_rev = 12;
        r.body = body;
        return envelope.render(r, hist);
    }
    std::string reply(const std::string& body) { return record(site::Stream::reply, body); }
    std::string event(const std::string& body) { return record(site::Stream::event, body); }
    static std::vector<std::size_t> first(std::size_t n) {
        std::vector<std::size_t> out;
        for (std::size_t i = 0; i < n; ++i)
            out.push_back(i);
        return out;
    }
};

TEST_F(Golden, Telemetry) {
    const auto lamps = lamp_telemetry_bodies(config, state, first(3), ts, limits);
    ASSERT_EQ(lamps.size(), 1U);
    expect_golden("telemetry_lamp", record(site::Stream::telemetry, lamps[0]));
    expect_golden("telemetry_lamp_hist", record(site::Stream::telemetry, lamps[0], 7, true));
    expect_golden("telemetry_meter", record(site::Stream::telemetry,
                                            meter_telemetry_bodies(config, state, first(1), ts, limits)[0]));
    limits.objects = true;
    expect_golden(
        "telemetry_lamp_objects",
        record(site::Stream::telemetry, lamp_telemetry_bodies(config, state, first(1), ts, limits)[0]));
}

TEST_F(Golden, State) {
    const auto bodies = snapshot_bodies(config, state, ts, limits, "01JD5");
    ASSERT_EQ(bodies.size(), 5U);
    const std::vector<std::string> names{"feeder", "contactor", "input", "meter", "lamp"};
    for (std::size_t i = 0; i < bodies.size(); ++i)
        expect_golden("state_" + names[i], record(site::Stream::state, bodies[i]));
    GroupState dusk;
    dusk.on = true;
    dusk.level_pct = 60;
    dusk.confirmed = 2;
    dusk.except = {{"L002", Quality::no_reply}};
    expect_golden("state_set", record(site::Stream::state, group_state_body({&dusk, 1})));
}

TEST_F(Golden, Energy) {
    IntervalRow row;
    row.object = "M1";
    row.from = ts;
    row.to = ts + std::chrono::minutes{15};
    row.wh = 1'204;
    row.register_from = "0012345.67";
    row.register_to = "0012346.87";
    IntervalRow gap = row;
    gap.wh.reset();
    gap.register_to.clear();
    gap.coverage_pct = 40;
    gap.flags = {"gap"};
    expect_golden("energy_interval",
                  record(site::Stream::energy, interval_bodies(std::vector{row, gap}, limits)[0]));
}

TEST_F(Golden, Events) {
    site::AlarmTransition a;
    a.alarm_id = "01JDA";
    a.code = site::AlarmCode::lamp_failure;
    a.object = "L002";
    a.since = ts;
    a.value = 0.4;
    a.limit = 30;
    a.text = "draws 0.4 W at 60 %";
    expect_golden("event_alarm", event(alarm_body(a)));
    expect_golden("event_active", event(active_bodies({&a, 1}, limits, "01JD5")[0]));
    expect_golden("event_audit",
                  event(audit_body(Audit{"city", "op@city", "accident", "mqtt", "01JD5", "lamp.set",
                                         site::Code::out_of_range, "args.level_pct too high"})));
    expect_golden("event_time_anchor", event(time_anchor_body("01JD0000000000000000000000", 57, 1'200, ts)));
    expect_golden("event_config", event(config_body("ab12", true, "")));
    OverrideEvent o;
    o.transition = "ending";
    o.cause = "01JD5";
    o.principal = "city";
    o.target = {site::Target::Kind::feeders, {"F1"}};
    o.level_pct = 100;
    o.end = ts;
    expect_golden("event_override", event(override_body(o)));
}

TEST_F(Golden, Replies) {
    site::Outcome o;
    o.code = site::Code::no_reply;
    o.lamps = {{"L001", site::Code::ok, 1}, {"L002", site::Code::no_reply, 3}};
    o.confirmed = 1;
    expect_golden("reply_accepted", reply(accepted_body("01JD5", false)));
    expect_golden("reply_volatile", reply(accepted_body("01JD5", true)));
    expect_golden("reply_progress", reply(progress_body("01JD5", 70, 31)));
    expect_golden("reply_done", reply(done_body("01JD5", o, std::chrono::milliseconds{8'120}, true)));
    expect_golden("reply_dup",
                  reply(duplicate_of(done_body("01JD5", o, std::chrono::milliseconds{8'120}, false))));
    site::Outcome bad;
    bad.code = site::Code::unknown_target;
    bad.text = "target.lamps[1] there is no \"L9\" here";
    expect_golden("reply_rejected", reply(done_body("01JD5", bad, std::chrono::milliseconds{0}, false)));
}

TEST_F(Golden, StatusMetaDiag) {
    const Stamp stamp{ts, site::TimeQuality::ntp, 86'400'123, 12};
    Status s;
    s.conn = 9;
    s.reason = "new_store";
    s.replaces = "01JC0000000000000000000000";
    s.info = {"0.1.0", "ab12", "auto"};
    s.next = {8, 3, 100, 40, 182'311};
    s.backlog = {{site::Stream::telemetry, {182'000, 182'310}, 311}};
    s.lost = {{site::Stream::telemetry, {5, 9}, "quota"}};
    expect_golden("status_online", envelope.render(57, stamp, status_body(s, stamp)));
    const std::vector ops{site::Op::lamp_set, site::Op::sync};
    const auto pages = meta_pages(config, ops, limits);
    ASSERT_EQ(pages.size(), 2U);
    expect_golden("meta_1", envelope.render(57, stamp, pages[0]));
    expect_golden("meta_2", envelope.render(57, stamp, pages[1]));
    Diag diag;
    diag.session.conn = 9;
    diag.more = {{"polls_per_s", 21.5}};
    expect_golden("diag", envelope.render(57, stamp, diag_body(diag)));
}

TEST_F(Golden, RecordsOfAnyNumberOfLampsAreCutByRowsAndEachPartIsWhole) {
    for (std::size_t n = 1; n <= 500; n += 7) {
        config.plant.lamps.resize(n);
        state.lamps.resize(n, state.lamps[0]);
        for (std::size_t i = 0; i < n; ++i)
            config.plant.lamps[i].id = "灯-" + std::to_string(i);
        for (const std::size_t max : {2'000U, 16'384U}) {
            limits.max_record_bytes = max;
            std::size_t rows = 0;
            for (const auto& body : lamp_telemetry_bodies(config, state, first(n), ts, limits)) {
                const auto text = record(site::Stream::telemetry, body);
                EXPECT_LE(text.size(), max);
                rows += boost::json::parse(text).at("rows").as_array().size();
            }
            EXPECT_EQ(rows, n);
            for (const auto& page : meta_pages(config, {}, limits))
                EXPECT_LE(boost::json::parse("{" + page + "}").as_object().size(), 20U);
        }
    }
}

TEST(RowNumbers, AreShortAndExact) {
    Rows rows{column_set("meter.state.1"), {}};
    rows.number(0.1 + 0.2, 3).number(-0.0004, 3).number(-12.5, 1).number(9'007'199'254.0, 0).end_row();
    rows.number(1.0 / 0.0, 1).number(99.999, 2).number(-0.06, 1).number(1.05, 3).end_row();
    const auto body = rows.finish().at(0);
    EXPECT_NE(body.find("[[0.3,0,-12.5,9007199254],[null,100,-0.1,1.05]]"), std::string::npos) << body;
}

}  // namespace
}  // namespace sl::northbound::test
