// The conversations of the field protocols on a scripted line. Modbus frames come from the examples of the
// specification and from libmodbus; DL/T 645 frames are built by the arithmetic written at the helper below.
#include "protocols/dali/driver.hpp"

#include "protocols/dlt645/driver.hpp"
#include "protocols/modbus/driver.hpp"
#include "protocols/registry.hpp"
#include "tests/support/line_fixture.hpp"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sl {
namespace {

using namespace std::chrono_literals;
using test::hex;
using test::Pending;

template <typename T>
std::string shown(const wire::Result<T>& result) {
    return result.has_error() ? result.error().message() : "ok";
}

std::string text_of(const Bytes& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const auto byte : bytes) {
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

// Appends the checksum: CRC-16/MODBUS bit by bit, low byte first.
std::string rtu(std::string_view body) {
    auto bytes = hex(body);
    unsigned crc = 0xFFFF;
    for (const unsigned byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0xA001U : crc >> 1U;
        }
    }
    bytes.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
    bytes.push_back(static_cast<std::uint8_t>(crc >> 8U));
    return text_of(bytes);
}

// 68 | address | 68 | control | length | data + 33 | sum | 16
std::string meter(std::string_view address, std::string_view control, std::string_view data,
                  bool preamble = true) {
    auto bytes = hex("68");
    const auto append = [&bytes](const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
    append(hex(address));
    append(hex("68"));
    append(hex(control));
    auto body = hex(data);
    bytes.push_back(static_cast<std::uint8_t>(body.size()));
    for (auto& byte : body) {
        byte = static_cast<std::uint8_t>(byte + 0x33U);
    }
    append(body);
    bytes.push_back(static_cast<std::uint8_t>(std::accumulate(bytes.begin(), bytes.end(), 0U) & 0xFFU));
    bytes.push_back(0x16);
    return (preamble ? "fefefefe" : "") + text_of(bytes);
}

class DriverTest : public test::LineFixture {
  protected:
    void use(std::string_view protocol, std::string_view address, bool serial = true) {
        const auto* row = find_protocol(protocol);
        ASSERT_NE(row, nullptr);
        std::string why;
        const auto parsed = row->parse_address(address, why);
        ASSERT_TRUE(parsed) << why;
        unit.address = *parsed;
        unit.format = row->default_format;
        unit.retries = 0;
        start_up(serial);
        driver = row->make(*bus);
    }
    static Item item(std::uint32_t table, std::uint32_t address, std::uint16_t count = 1) {
        Item made;
        made.table = table;
        made.address = address;
        made.count = count;
        return made;
    }
    wire::Result<Bytes> read(std::uint32_t table, std::uint32_t address, std::uint16_t count = 1) {
        return run(driver->read(unit, item(table, address, count), Priority::poll));
    }
    wire::Result<void> write(std::uint32_t table, std::uint32_t address, std::uint16_t count,
                             std::string_view data) {
        const auto bytes = hex(data);
        return run(driver->write(unit, item(table, address, count), bytes, Priority::command));
    }
    Unit unit;
    std::unique_ptr<Driver> driver;
};

TEST_F(DriverTest, ReadsRegistersAndBitsByTheFunctionOfTheirTable) {
    use("modbus-rtu", "17");
    line->expect(rtu("11 03 00 6B 00 03")).answer(rtu("11 03 06 02 2B 00 00 00 64"));
    line->expect(rtu("11 01 00 13 00 0A")).answer(rtu("11 01 02 CD 01"));
    line->expect(rtu("11 02 00 C4 00 01")).answer(rtu("11 02 01 01"));
    line->expect(rtu("11 04 00 08 00 01")).answer(rtu("11 04 02 00 0A"));
    EXPECT_EQ(*read(3, 0x6B, 3), hex("02 2B 00 00 00 64"));
    EXPECT_EQ(*read(1, 0x13, 10), hex("CD 01"));
    EXPECT_EQ(*read(2, 0xC4), hex("01"));
    EXPECT_EQ(*read(4, 8), hex("00 0A"));
}

TEST_F(DriverTest, ChoosesTheWriteFunctionByTheNumberOfItems) {
    use("modbus-rtu", "17");
    line->expect(rtu("11 05 00 AC FF 00")).answer(rtu("11 05 00 AC FF 00"));
    line->expect(rtu("11 06 00 01 00 03")).answer(rtu("11 06 00 01 00 03"));
    line->expect(rtu("11 0F 00 13 00 0A 02 CD 01")).answer(rtu("11 0F 00 13 00 0A"));
    line->expect(rtu("11 10 00 01 00 02 04 00 0A 01 02")).answer(rtu("11 10 00 01 00 02"));
    line->expect(rtu("11 10 00 01 00 01 02 00 0A")).answer(rtu("11 10 00 01 00 01"));
    EXPECT_EQ(shown(write(1, 0xAC, 1, "01")), "ok");
    EXPECT_EQ(shown(write(3, 1, 1, "00 03")), "ok");
    EXPECT_EQ(shown(write(1, 0x13, 10, "CD 01")), "ok");
    EXPECT_EQ(shown(write(3, 1, 2, "00 0A 01 02")), "ok");
    EXPECT_EQ(shown(write(16, 1, 1, "00 0A")), "ok");
    EXPECT_EQ(shown(write(4, 1, 1, "00 0A")), "request cannot be expressed");
    EXPECT_EQ(shown(write(3, 1, 2, "00 0A")), "request cannot be expressed");
    EXPECT_EQ(shown(read(3, 0xFFFF, 2)), "request cannot be expressed");
}

TEST_F(DriverTest, TurnsModbusExceptionsIntoWhatFollowsFromThem) {
    use("modbus-rtu", "17");
    for (const auto* code : {"01", "02", "03", "04", "0A", "0B"}) {
        line->expect(rtu("11 03 00 00 00 01")).answer(rtu(std::string("11 83") + code));
    }
    EXPECT_EQ(shown(read(3, 0)), "function not supported");
    EXPECT_EQ(shown(read(3, 0)), "no such register or data item");
    EXPECT_EQ(shown(read(3, 0)), "value refused");
    EXPECT_EQ(shown(read(3, 0)), "device failure");
    EXPECT_EQ(shown(read(3, 0)), "gateway cannot reach the device");
    EXPECT_EQ(shown(read(3, 0)), "gateway cannot reach the device");
    EXPECT_EQ(bus->statistics().exceptions, 6U);
}

TEST_F(DriverTest, AsksABusyModbusDeviceAgain) {
    use("modbus-rtu", "17");
    unit.retries = 1;
    line->expect(rtu("11 03 00 00 00 01")).answer(rtu("11 83 06"));
    line->expect(rtu("11 03 00 00 00 01")).answer(rtu("11 03 02 00 07"));
    EXPECT_EQ(*read(3, 0), hex("00 07"));
}

TEST_F(DriverTest, NeverTakesTheRequestOrBroadcastOfAnotherMasterForAnAnswer) {
    use("modbus-rtu", "17");
    line->expect(rtu("11 03 00 00 00 01"))
        .answer(rtu("00 06 00 01 00 03"), 5ms)      // broadcast
        .answer(rtu("12 03 00 00 00 01"), 10ms)     // request to another device
        .answer(rtu("12 03 02 11 11"), 20ms)        // and its answer
        .answer(rtu("11 04 02 22 22"), 30ms)        // ours, but another function
        .answer(rtu("11 03 04 33 33 33 33"), 40ms)  // ours, but another length
        .answer("11 03 02 44 44 00 00", 50ms)       // wrong checksum
        .answer(rtu("11 03 02 00 07"), 60ms);
    EXPECT_EQ(*read(3, 0), hex("00 07"));
}

TEST_F(DriverTest, FindsAModbusAnswerCutAndPrecededByNoiseAtEveryPosition) {
    use("modbus-rtu", "17");
    const auto answer = rtu("11 03 02 00 07");
    for (std::size_t cut = 0; cut < answer.size(); cut += 2) {
        line->expect(rtu("11 03 00 00 00 01"))
            .answer(answer.substr(0, cut) + "", 5ms)  // a torn copy first
            .answer("11 03", 120ms)
            .answer(answer.substr(0, cut), 130ms)
            .answer(answer.substr(cut), 140ms);
        const auto got = read(3, 0);
        ASSERT_TRUE(got.has_value()) << "cut at " << cut / 2 << ": " << shown(got);
        EXPECT_EQ(*got, hex("00 07"));
    }
}

TEST_F(DriverTest, MatchesModbusTcpAnswersByTransactionAndUnit) {
    use("modbus-tcp", "17", false);
    line->expect("0001 0000 0006 11 03 0000 0001")
        .answer("0009 0000 0005 11 03 02 1111", 1ms)
        .answer("0001 0000 0005 12 03 02 2222", 2ms)
        .answer("0001 0000 0005 11 03 02 0007", 3ms);
    line->expect("0002 0000 0006 11 03 0000 0001").answer("0002 0000 0003 11 83 02", 1ms);
    EXPECT_EQ(*read(3, 0), hex("00 07"));
    EXPECT_EQ(shown(read(3, 0)), "no such register or data item");
    EXPECT_EQ(bus->statistics().foreign, 2U);
}

TEST_F(DriverTest, BroadcastsToUnitZeroAndGivesTheDevicesTime) {
    use("modbus-rtu", "17");
    line->expect(rtu("00 06 00 01 00 32"));
    line->expect(rtu("11 03 00 00 00 01")).answer(rtu("11 03 02 00 07"));
    const auto level = hex("00 32");
    EXPECT_EQ(shown(run(driver->broadcast(unit, item(3, 1), level, Priority::schedule))), "ok");
    EXPECT_TRUE(read(3, 0).has_value());
    EXPECT_GE(line->request_times[1] - line->request_times[0], 100ms);
    CivilTime time;
    EXPECT_EQ(shown(run(driver->broadcast_time(unit, time, Priority::poll))), "request cannot be expressed");
}

TEST_F(DriverTest, CallsADevicePresentThatAnswersWithAnException) {
    use("modbus-rtu", "17");
    line->expect(rtu("11 03 00 00 00 01")).answer(rtu("11 83 02")).expect(rtu("11 03 00 00 00 01"));
    EXPECT_EQ(shown(run(driver->probe(unit, Priority::poll))), "ok");
    EXPECT_EQ(shown(run(driver->probe(unit, Priority::poll))), "no answer");
}

constexpr std::string_view m = "11 00 00 03 20 21";  // printed 212003000011

TEST_F(DriverTest, ReadsADataItemOfAMeter) {
    use("dlt645-2007", "212003000011");
    line->expect(meter(m, "11", "00 00 01 00")).answer(meter(m, "91", "00 00 01 00 56 34 12 00"));
    line->expect(meter(m, "11", "00 00 01 00")).answer(meter(m, "91", "00 00 01 00 57 34 12 00", false));
    EXPECT_EQ(*read(0, 0x00010000), hex("56 34 12 00"));
    EXPECT_EQ(*read(0, 0x00010000), hex("57 34 12 00"));
    EXPECT_EQ(line->formats.back().parity, Parity::even);
}

TEST_F(DriverTest, StepsOverTheEchoAndLateAnswersOnAMeterLine) {
    use("dlt645-2007", "212003000011");
    line->expect(meter(m, "11", "00 00 01 00"))
        .answer(meter(m, "11", "00 00 01 00"), 1ms)                        // our echo: control bit 7 is clear
        .answer(meter(m, "91", "00 01 01 02 11 22"), 50ms)                 // another data item
        .answer(meter("12 00 00 03 20 21", "91", "00 00 01 00 99"), 80ms)  // another meter
        .answer("68 16 FE", 90ms)
        .answer(meter(m, "91", "00 00 01 00 56 34 12 00"), 100ms);
    EXPECT_EQ(*read(0, 0x00010000), hex("56 34 12 00"));
}

TEST_F(DriverTest, CollectsAnAnswerThatComesInSeveralFrames) {
    use("dlt645-2007", "212003000011");
    line->expect(meter(m, "11", "00 FF 01 00")).answer(meter(m, "B1", "00 FF 01 00 01 02"));
    line->expect(meter(m, "12", "00 FF 01 00 01")).answer(meter(m, "B2", "00 FF 01 00 03 04 01"));
    line->expect(meter(m, "12", "00 FF 01 00 02")).answer(meter(m, "92", "00 FF 01 00 05 02"));
    EXPECT_EQ(*read(0, 0x0001FF00), hex("01 02 03 04 05"));
}

TEST_F(DriverTest, StopsAMeterThatAlwaysHasMore) {
    use("dlt645-2007", "212003000011");
    line->expect(meter(m, "11", "00 FF 01 00")).answer(meter(m, "B1", "00 FF 01 00 01"));
    for (int sequence = 1; sequence < dlt645::max_frames; ++sequence) {
        const auto number = text_of({static_cast<std::uint8_t>(sequence)});
        line->expect(meter(m, "12", "00 FF 01 00" + number))
            .answer(meter(m, "B2", "00 FF 01 00 01" + number));
    }
    EXPECT_EQ(shown(read(0, 0x0001FF00)), "malformed answer");
}

TEST_F(DriverTest, TurnsTheErrorsOfAMeterIntoWhatFollowsFromThem) {
    use("dlt645-2007", "212003000011");
    line->expect(meter(m, "11", "00 00 01 00")).answer(meter(m, "D1", "02"));
    line->expect(meter(m, "11", "00 00 01 00")).answer(meter(m, "D1", "04"));
    EXPECT_EQ(shown(read(0, 0x00010000)), "no such register or data item");
    EXPECT_EQ(shown(read(0, 0x00010000)), "not permitted");
    EXPECT_EQ(shown(write(0, 0x00010000, 1, "00")), "request cannot be expressed");
}

TEST_F(DriverTest, AsksALoneMeterForItsAddress) {
    use("dlt645-2007", "AAAAAAAAAAAA");
    line->expect(meter("AA AA AA AA AA AA", "13", "")).answer(meter(m, "93", m));
    line->expect(meter("AA AA AA AA AA AA", "13", "")).answer(meter(m, "93", m));
    line->expect(meter("AA AA AA AA AA AA", "11", "00 01 01 02")).answer(meter(m, "91", "00 01 01 02 05 23"));
    EXPECT_EQ(*read(1, 0), hex(m));
    EXPECT_EQ(shown(run(driver->probe(unit, Priority::poll))), "ok");
    EXPECT_EQ(*read(0, 0x02010100), hex("05 23"));
}

TEST_F(DriverTest, SetsTheClocksOfAllMetersByBroadcast) {
    use("dlt645-2007", "212003000011");
    line->expect(meter("99 99 99 99 99 99", "08", "56 34 12 24 11 26"));
    CivilTime time;
    time.year = 2026;
    time.month = 11;
    time.day = 24;
    time.hour = 12;
    time.minute = 34;
    time.second = 56;
    EXPECT_EQ(shown(run(driver->broadcast_time(unit, time, Priority::poll))), "ok");
    time.month = 13;
    EXPECT_EQ(shown(run(driver->broadcast_time(unit, time, Priority::poll))), "request cannot be expressed");
}

// Short address 5: address byte 0A for levels, 0B for commands.
TEST_F(DriverTest, SetsADaliLevelThroughTheGateway) {
    use("dali-ecodim", "12/5");
    line->expect(rtu("0C 06 00 19 0A FE")).answer(rtu("0C 06 00 19 0A FE"));
    line->expect(rtu("0C 06 00 19 0A 00")).answer(rtu("0C 86 0A"));
    EXPECT_EQ(shown(write(0, 0, 1, "FE")), "ok");
    EXPECT_EQ(shown(write(0, 0, 1, "00")), "gateway cannot reach the device");
    EXPECT_EQ(shown(write(0, 0, 1, "FF")), "request cannot be expressed");  // means no change
}

TEST_F(DriverTest, TellsADaliAnswerFromSilence) {
    use("dali-ecodim", "12/5");
    const auto ask = [this](std::string_view opcode, std::string_view status) {
        const auto frame = rtu("0C 06 00 19 0B" + std::string(opcode));
        line->expect(frame).answer(frame);
        line->expect(rtu("0C 03 00 18 00 01")).answer(rtu("0C 03 02 00" + std::string(status)));
    };
    ask("A0", "01");
    line->expect(rtu("0C 03 00 1A 00 01")).answer(rtu("0C 03 02 00 AA"));
    EXPECT_EQ(*read(0, 0xA0), hex("AA"));
    ask("A0", "00");
    EXPECT_EQ(shown(read(0, 0xA0)), "no answer");
    ask("92", "00");  // lamp failure? silence means no
    EXPECT_EQ(*read(0, 0x92), hex("00"));
    ask("92", "01");
    line->expect(rtu("0C 03 00 1A 00 01")).answer(rtu("0C 03 02 00 FF"));
    EXPECT_EQ(*read(0, 0x92), hex("FF"));
    ask("A0", "02");
    EXPECT_EQ(shown(read(0, 0xA0)), "malformed answer");
    ask("A0", "07");
    EXPECT_EQ(shown(read(0, 0xA0)), "gateway cannot reach the device");
    ask("91", "00");
    EXPECT_EQ(shown(run(driver->probe(unit, Priority::poll))), "no answer");
    EXPECT_EQ(shown(read(0, 0x20)), "request cannot be expressed");  // RESET is no query
}

TEST_F(DriverTest, KeepsADaliQueryAndItsAnswerTogether) {
    use("dali-ecodim", "12/5");
    line->expect(rtu("0C 06 00 19 0B A0")).answer(rtu("0C 06 00 19 0B A0"));
    line->expect(rtu("0C 03 00 18 00 01")).answer(rtu("0C 03 02 00 01"));
    line->expect(rtu("0C 03 00 1A 00 01")).answer(rtu("0C 03 02 00 AA"));
    line->expect(rtu("0C 06 00 19 FE 00")).answer(rtu("0C 06 00 19 FE 00"));
    const auto off = hex("00");
    const Pending<wire::Result<Bytes>> polled(io, driver->read(unit, item(0, 0xA0), Priority::poll));
    const Pending<wire::Result<void>> commanded(io,
                                                driver->broadcast(unit, item(0, 0), off, Priority::command));
    test::pump(io, timers, [&] { return polled.done() && commanded.done(); });
    EXPECT_EQ(**polled, hex("AA"));
    EXPECT_EQ(shown(*commanded), "ok");
}

TEST(Registry, ParsesTheAddressesOfEveryProtocolAndSaysWhatItExpected) {
    const auto parse = [](std::string_view protocol, std::string_view text) {
        std::string why;
        const auto address = find_protocol(protocol)->parse_address(text, why);
        return address ? std::to_string(address->number) + "/" + std::to_string(address->sub) : why;
    };
    EXPECT_EQ(parse("modbus-rtu", "247"), "247/0");
    for (const auto* wrong : {"0", "248", "", "-1", "1x", " 1", "99999999999999999999"}) {
        EXPECT_EQ(parse("modbus-tcp", wrong), "expected a Modbus unit from 1 to 247") << wrong;
    }
    EXPECT_EQ(parse("dlt645-2007", "210220003011"), "210220003011/0");
    EXPECT_EQ(parse("dlt645-2007", "7"), "7/0");
    EXPECT_EQ(parse("dlt645-2007", "aaaaaaaaaaaa"), "187649984473770/0");
    for (const auto* wrong : {"", "1234567890123", "12345678901A", "AAAA", "-5"}) {
        EXPECT_THAT(parse("dlt645-2007", wrong), testing::HasSubstr("12 decimal digits")) << wrong;
    }
    EXPECT_EQ(parse("dali-ecodim", "12/63"), "12/63");
    for (const auto* wrong : {"12", "12/", "12/64", "0/5", "/5", "12/5/6", "12/-1"}) {
        EXPECT_THAT(parse("dali-ecodim", wrong), testing::HasSubstr("such as 12/5")) << wrong;
    }
    EXPECT_EQ(find_protocol("modbus"), nullptr);
    EXPECT_EQ(protocols().size(), 4U);
}

}  // namespace
}  // namespace sl
