// Real streams against servers that others wrote, and against pseudo-terminals.
#include "protocols/modbus/driver.hpp"
#include "protocols/wire/asio_timers.hpp"
#include "protocols/wire/bus.hpp"
#include "protocols/wire/serial_stream.hpp"
#include "protocols/wire/stream_factory.hpp"
#include "tests/support/child.hpp"

#include <optional>
#include <pty.h>
#include <termios.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Child;

class RealLine {
  public:
    explicit RealLine(const std::string& device) : timers(io.get_executor()) {
        std::string why;
        auto stream = wire::make_stream(io, device, {}, why);
        EXPECT_TRUE(stream) << why;
        bus.emplace(io.get_executor(), std::move(stream), timers, wire::BusSettings());
        asio::co_spawn(io, bus->run(), [this](const std::exception_ptr& error) {
            EXPECT_FALSE(error);
            ended_ = true;
        });
    }
    ~RealLine() {
        bus->stop();
        while (!ended_ && io.run_one() > 0) {
        }
    }
    RealLine(const RealLine&) = delete;
    RealLine& operator=(const RealLine&) = delete;

    template <typename T>
    T run(asio::awaitable<T> work) {
        std::optional<T> result;
        asio::co_spawn(io, std::move(work), [&result](const std::exception_ptr& error, T value) {
            EXPECT_FALSE(error);
            result.emplace(std::move(value));
        });
        while (!result) {
            io.run_one();
        }
        return *result;
    }
    void until_up() {
        bool up = false;
        asio::co_spawn(io, bus->until_up(), [&up](const std::exception_ptr&) { up = true; });
        while (!up) {
            io.run_one();
        }
    }

    asio::io_context io;
    wire::AsioTimers timers;
    std::optional<wire::Bus> bus;

  private:
    bool ended_ = false;
};

template <typename T>
std::string shown(const wire::Result<T>& result) {
    return result.has_error() ? result.error().message() : "ok";
}

Item item_of(std::uint32_t table, std::uint32_t address, std::uint16_t count) {
    Item item;
    item.table = table;
    item.address = address;
    item.count = count;
    return item;
}

class Conversation {
  public:
    Conversation(const std::string& device, modbus::Framing framing)
        : line(device), driver(modbus::make_driver(*line.bus, framing)) {
        unit.address.number = 17;
        unit.timeout = 2s;
        unit.retries = 0;
        line.until_up();
    }
    wire::Result<Bytes> read(std::uint32_t table, std::uint32_t address, std::uint16_t count) {
        return line.run(driver->read(unit, item_of(table, address, count), Priority::poll));
    }
    wire::Result<void> write(std::uint32_t table, std::uint32_t address, std::uint16_t count,
                             const Bytes& data) {
        return line.run(driver->write(unit, item_of(table, address, count), data, Priority::command));
    }
    RealLine line;
    std::unique_ptr<Driver> driver;
    Unit unit;
};

void read_everything(Conversation& talk) {
    const auto holding = talk.read(3, 100, 3);
    ASSERT_TRUE(holding.has_value()) << shown(holding);
    EXPECT_EQ(*holding, (Bytes{0x01, 0x2C, 0x01, 0x2F, 0x01, 0x32}));  // 300 303 306
    const auto longest = talk.read(3, 0, 125);
    ASSERT_TRUE(longest.has_value()) << shown(longest);
    EXPECT_EQ(longest->size(), 250U);
    EXPECT_EQ(longest->back(), 0x74);                            // 3 * 124 = 0x174
    EXPECT_EQ(*talk.read(4, 199, 1), (Bytes{0x04, 0xAF}));       // 1199
    EXPECT_EQ(*talk.read(1, 0, 10), (Bytes{0b01001001, 0b10}));  // 0 3 6 9
    EXPECT_EQ(*talk.read(2, 1, 8), (Bytes{0b01010101}));
    EXPECT_EQ(shown(talk.read(3, 199, 2)), "no such register or data item");
}

void write_everything(Conversation& talk) {
    EXPECT_EQ(shown(talk.write(3, 10, 1, {0x12, 0x34})), "ok");
    EXPECT_EQ(shown(talk.write(3, 11, 2, {0x56, 0x78, 0x9A, 0xBC})), "ok");
    EXPECT_EQ(*talk.read(3, 10, 3), (Bytes{0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC}));
    EXPECT_EQ(shown(talk.write(1, 1, 1, {1})), "ok");
    EXPECT_EQ(shown(talk.write(1, 2, 4, {0b1011})), "ok");
    EXPECT_EQ(*talk.read(1, 0, 8), (Bytes{0b01101111}));
}

// The next reading proves that the broadcast was heard and that nobody answered it.
void broadcast(Conversation& talk) {
    const Bytes level{0x00, 0x32};
    const auto item = item_of(3, 20, 1);
    EXPECT_EQ(shown(talk.line.run(talk.driver->broadcast(talk.unit, item, level, Priority::schedule))), "ok");
    EXPECT_EQ(*talk.read(3, 20, 1), level);
}

void miss_a_unit(Conversation& talk) {
    auto nobody = talk.unit;
    nobody.address.number = 18;
    nobody.timeout = 50ms;
    EXPECT_EQ(shown(talk.line.run(talk.driver->probe(nobody, Priority::poll))), "no answer");
    EXPECT_EQ(shown(talk.line.run(talk.driver->probe(talk.unit, Priority::poll))), "ok");
    EXPECT_EQ(talk.line.bus->statistics().timeouts, 1U);
}

TEST(Pymodbus, AnswersOverTcp) {
    Child server({"/usr/bin/python3", SL_TEST_DIR "/support/pymodbus_server.py", "tcp"});
    Conversation talk("tcp://127.0.0.1:" + server.line_after("listening on "), modbus::Framing::tcp);
    read_everything(talk);
    write_everything(talk);
    miss_a_unit(talk);
}

TEST(Pymodbus, AnswersRtuOverAPseudoTerminal) {
    Child server({"/usr/bin/python3", SL_TEST_DIR "/support/pymodbus_server.py", "rtu"});
    Child cable({"socat", "-d", "-d", "PTY,rawer", "TCP:127.0.0.1:" + server.line_after("listening on ")});
    const auto terminal = cable.line_after("PTY is ");
    cable.line_after("starting data transfer");
    Conversation talk(terminal, modbus::Framing::rtu);
    read_everything(talk);
    write_everything(talk);
    broadcast(talk);
    miss_a_unit(talk);
}

TEST(Libmodbus, AnswersOverTcp) {
    Child server({SL_BIN_DIR "/libmodbus_server", "tcp"});
    Conversation talk("tcp://127.0.0.1:" + server.line_after("listening on "), modbus::Framing::tcp);
    read_everything(talk);
    write_everything(talk);
}

// A libmodbus server waits for the answer of the unit that was asked instead of it, so no other unit is asked
// here.
TEST(Libmodbus, AnswersRtuOverAPairOfPseudoTerminals) {
    Child cable({"socat", "-d", "-d", "PTY,rawer", "PTY,rawer"});
    const auto ours = cable.line_after("PTY is ");
    const auto theirs = cable.line_after("PTY is ");
    cable.line_after("starting data transfer");
    Child server({SL_BIN_DIR "/libmodbus_server", "rtu", theirs});
    server.line_after("ready");
    Conversation talk(ours, modbus::Framing::rtu);
    read_everything(talk);
    write_everything(talk);
    broadcast(talk);
}

TEST(TcpStream, ReportsAServerThatDiesAndOneThatIsNotThere) {
    Child server({SL_BIN_DIR "/libmodbus_server", "tcp"});
    Conversation talk("tcp://127.0.0.1:" + server.line_after("listening on "), modbus::Framing::tcp);
    EXPECT_TRUE(talk.read(3, 0, 1).has_value());
    std::vector<std::string> states;
    talk.line.bus->set_line_state(
        [&](bool up, std::string_view why) { states.push_back(up ? std::string("up") : std::string(why)); });
    server.end();
    EXPECT_EQ(shown(talk.read(3, 0, 1)), "port lost");
    EXPECT_EQ(shown(talk.read(3, 0, 1)), "port lost");
    ASSERT_EQ(states.size(), 1U);
    EXPECT_NE(states[0], "up");
}

// A pseudo-terminal whose other end the test holds.
struct Terminal {
    Terminal() {
        char name[64] = {};
        termios raw{};
        ::cfmakeraw(&raw);
        EXPECT_EQ(::openpty(&far, &near, name, &raw, nullptr), 0);
        path = name;
    }
    ~Terminal() {
        unplug();
        ::close(near);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    void unplug() {
        if (far >= 0) {
            ::close(far);
            far = -1;
        }
    }
    int far = -1, near = -1;
    std::string path;
};

TEST(SerialStream, IsOpenedByOneProgramOnly) {
    const Terminal terminal;
    RealLine line(terminal.path);
    line.until_up();
    std::string why;
    const auto second = wire::make_stream(line.io, terminal.path, {}, why);
    EXPECT_TRUE(line.run(second->open()));
}

TEST(SerialStream, SetsEveryFormatOfTheFieldAndRefusesOthers) {
    const Terminal terminal;
    asio::io_context io;
    std::string why;
    RealLine line(terminal.path);
    line.until_up();
    line.bus->stop();
    const auto stream = wire::make_stream(line.io, terminal.path, {}, why);
    ASSERT_FALSE(line.run(stream->open()));
    for (const std::uint32_t baud :
         {600U, 1200U, 2400U, 4800U, 9600U, 19200U, 38400U, 57600U, 115200U, 230400U}) {
        LineFormat format;
        format.baud = baud;
        format.stop_bits = 2;
        EXPECT_FALSE(stream->set_format(format)) << baud;
        EXPECT_TRUE(wire::serial_rate_known(baud));
        termios port{};
        ASSERT_EQ(::tcgetattr(terminal.near, &port), 0);
        EXPECT_NE(port.c_cflag & static_cast<tcflag_t>(CSTOPB), 0U);
        EXPECT_EQ(port.c_lflag & static_cast<tcflag_t>(ICANON | ECHO), 0U);
    }
    LineFormat odd_rate;
    odd_rate.baud = 1234;
    EXPECT_TRUE(stream->set_format(odd_rate));
    LineFormat five_bits;
    five_bits.data_bits = 5;
    EXPECT_TRUE(stream->set_format(five_bits));
}

TEST(SerialStream, SaysWhenThePortIsPulledOut) {
    Terminal terminal;
    Conversation talk(terminal.path, modbus::Framing::rtu);
    auto unplug = talk.line.timers.make_timer();
    unplug->arm(talk.line.timers.now() + 20ms, [&terminal] { terminal.unplug(); });
    EXPECT_EQ(shown(talk.read(3, 0, 1)), "port lost");
    EXPECT_FALSE(talk.line.bus->up());
}

TEST(StreamFactory, SaysWhatADeviceMayBe) {
    asio::io_context io;
    std::string why;
    for (const auto* good :
         {"/dev/ttyS1", "tcp://127.0.0.1:502", "tcp://gateway.local:4001", "tcp://[::1]:502"}) {
        EXPECT_TRUE(wire::make_stream(io, good, {}, why)) << good;
    }
    for (const auto* bad : {"", "ttyS1", "tcp://", "tcp://host", "tcp://host:", "tcp://host:0",
                            "tcp://host:65536", "tcp://:502", "tcp://::1:502", "udp://host:1"}) {
        why.clear();
        EXPECT_FALSE(wire::make_stream(io, bad, {}, why)) << bad;
        EXPECT_EQ(why, "expected a device path such as /dev/ttyS1 or tcp://host:port");
    }
}

TEST(SerialStream, RefusesAFileThatIsNoTerminal) {
    asio::io_context io;
    std::string why;
    const auto stream = wire::make_stream(io, "/dev/null", {}, why);
    RealLine helper("tcp://127.0.0.1:1");
    EXPECT_TRUE(helper.run(stream->open()));
}

}  // namespace
}  // namespace sl
