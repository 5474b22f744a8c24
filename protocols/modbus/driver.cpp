#include "protocols/modbus/driver.hpp"

#include "protocols/wire/bus.hpp"

#include <charconv>
#include <utility>

namespace sl::modbus {
namespace asio = boost::asio;
namespace {

// After a broadcast every device needs time to act (Modbus over serial line 1.02, 2.4.1: 100 to 200 ms).
constexpr std::chrono::milliseconds broadcast_turnaround{100};

// What the judge compares with.
struct Asked {
    Asked(Framing f, const Expected& e) : framing(f), expected(e) {}
    Framing framing;
    Expected expected;
};

wire::Judgement judge(const Asked& asked, std::span<const std::uint8_t> bytes) {
    const auto split = split_response(bytes, asked.framing, asked.expected);
    if (split.state == Split::State::need_more) {
        return {wire::Verdict::more, 0};
    }
    if (split.state == Split::State::noise) {
        return {wire::Verdict::noise, split.length};
    }
    const auto data = check_response(bytes.first(split.length), asked.framing, asked.expected);
    if (data.has_value()) {
        return {wire::Verdict::answer, split.length};
    }
    const auto error = static_cast<wire::Errc>(data.error().value());
    if (error == wire::Errc::foreign_answer) {
        return {wire::Verdict::foreign, split.length};
    }
    if (error == wire::Errc::bad_frame) {
        return {wire::Verdict::noise, split.length};
    }
    return {wire::Verdict::refused, split.length, error};
}

std::uint8_t write_function(const Item& item) noexcept {
    switch (item.table) {
        case 1:
            return item.count == 1 ? 5 : 15;
        case 3:
            return item.count == 1 ? 6 : 16;
        case 5:
        case 6:
        case 15:
        case 16:
            return static_cast<std::uint8_t>(item.table);
        default:
            return 0;  // the codec refuses it
    }
}

bool in_reach(const UnitAddress& address, const Item& item) noexcept {
    return address.number >= 1 && address.number <= 247 && item.address <= 0xFFFF;
}

class ModbusDriver final : public Driver {
  public:
    ModbusDriver(wire::Bus& bus, Framing framing) : bus_(bus), framing_(framing) {}

    asio::awaitable<wire::Result<Bytes>> read(const Unit& unit, Item item, Priority priority) override;
    asio::awaitable<wire::Result<void>> write(const Unit& unit, Item item, std::span<const std::uint8_t> data,
                                              Priority priority) override;
    asio::awaitable<wire::Result<void>> broadcast(const Unit& via, Item item,
                                                  std::span<const std::uint8_t> data,
                                                  Priority priority) override;
    asio::awaitable<wire::Result<void>> probe(const Unit& unit, Priority priority) override;
    asio::awaitable<wire::Result<void>> broadcast_time(const Unit& via, CivilTime local,
                                                       Priority priority) override;

  private:
    asio::awaitable<wire::Result<Bytes>> ask(const Unit& unit, std::span<const std::uint8_t> request,
                                             const Asked& asked, Priority priority);
    Expected expect(const Unit& unit, std::uint8_t function, const Item& item) const;

    wire::Bus& bus_;
    Framing framing_;
    std::uint16_t transaction_ = 0;
};

Expected ModbusDriver::expect(const Unit& unit, std::uint8_t function, const Item& item) const {
    Expected expected;
    expected.transaction = transaction_;
    expected.unit = static_cast<std::uint8_t>(unit.address.number);
    expected.function = function;
    expected.address = static_cast<std::uint16_t>(item.address);
    expected.count = item.count;
    return expected;
}

// The answer's data alone; the frame around it is cut off in place.
asio::awaitable<wire::Result<Bytes>> ModbusDriver::ask(const Unit& unit,
                                                       std::span<const std::uint8_t> request,
                                                       const Asked& asked, Priority priority) {
    const wire::Judge judged = [&asked](std::span<const std::uint8_t> bytes) { return judge(asked, bytes); };
    wire::Exchange exchange(unit, priority, request, &judged);
    exchange.answer_names_request = framing_ == Framing::tcp;
    auto frame = co_await bus_.transact(exchange);
    if (frame.has_value()) {
        const auto data = check_response(*frame, asked.framing, asked.expected);
        if (data.has_error()) {
            co_return data.error();
        }
        const auto before =
            data->empty() ? frame->size() : static_cast<std::size_t>(data->data() - frame->data());
        const auto size = data->size();
        frame->erase(frame->begin(), frame->begin() + static_cast<std::ptrdiff_t>(before));
        frame->resize(size);
    }
    co_return frame;
}

asio::awaitable<wire::Result<Bytes>> ModbusDriver::read(const Unit& unit, Item item, Priority priority) {
    if (!in_reach(unit.address, item) || item.table < 1 || item.table > 4) {
        co_return wire::Errc::bad_request;
    }
    const auto function = static_cast<std::uint8_t>(item.table);
    const auto start = static_cast<std::uint16_t>(item.address);
    const auto number = static_cast<std::uint8_t>(unit.address.number);
    ++transaction_;
    Bytes request;
    request.reserve(12);
    const auto made =
        append_read_request(request, framing_, transaction_, number, function, start, item.count);
    if (made.has_error()) {
        co_return made.error();
    }
    const Asked asked(framing_, expect(unit, function, item));
    co_return co_await ask(unit, request, asked, priority);
}

asio::awaitable<wire::Result<void>> ModbusDriver::write(const Unit& unit, Item item,
                                                        std::span<const std::uint8_t> data,
                                                        Priority priority) {
    if (!in_reach(unit.address, item)) {
        co_return wire::Errc::bad_request;
    }
    const auto function = write_function(item);
    const auto start = static_cast<std::uint16_t>(item.address);
    const auto number = static_cast<std::uint8_t>(unit.address.number);
    ++transaction_;
    Bytes request;
    const auto made =
        append_write_request(request, framing_, transaction_, number, function, start, item.count, data);
    if (made.has_error()) {
        co_return made.error();
    }
    const Asked asked(framing_, expect(unit, function, item));
    const auto answer = co_await ask(unit, request, asked, priority);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return wire::Result<void>();
}

asio::awaitable<wire::Result<void>> ModbusDriver::broadcast(const Unit& via, Item item,
                                                            std::span<const std::uint8_t> data,
                                                            Priority priority) {
    if (item.address > 0xFFFF) {
        co_return wire::Errc::bad_request;
    }
    const auto function = write_function(item);
    const auto start = static_cast<std::uint16_t>(item.address);
    ++transaction_;
    Bytes request;
    const auto made = append_write_request(request, framing_, transaction_, broadcast_unit, function, start,
                                           item.count, data);
    if (made.has_error()) {
        co_return made.error();
    }
    wire::Exchange exchange(via, priority, request, nullptr);
    if (framing_ == Framing::rtu) {
        exchange.silence_after = broadcast_turnaround;
    }
    const auto sent = co_await bus_.transact(exchange);
    if (sent.has_error()) {
        co_return sent.error();
    }
    co_return wire::Result<void>();
}

// One register; a device that says no is there.
asio::awaitable<wire::Result<void>> ModbusDriver::probe(const Unit& unit, Priority priority) {
    Item item;
    item.table = 3;
    const auto answer = co_await read(unit, item, priority);
    if (answer.has_value()) {
        co_return wire::Result<void>();
    }
    switch (static_cast<wire::Errc>(answer.error().value())) {
        case wire::Errc::busy:
        case wire::Errc::unsupported:
        case wire::Errc::no_such_point:
        case wire::Errc::bad_value:
        case wire::Errc::device_failure:
            co_return wire::Result<void>();
        default:
            co_return answer.error();
    }
}

asio::awaitable<wire::Result<void>> ModbusDriver::broadcast_time(const Unit& /*via*/, CivilTime /*local*/,
                                                                 Priority /*priority*/) {
    co_return wire::Errc::bad_request;  // Modbus has no such frame
}

}  // namespace

std::unique_ptr<Driver> make_driver(wire::Bus& bus, Framing framing) {
    return std::make_unique<ModbusDriver>(bus, framing);
}

std::optional<UnitAddress> parse_address(std::string_view text, std::string& why) {
    unsigned number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number < 1 || number > 247) {
        why = "expected a Modbus unit from 1 to 247";
        return std::nullopt;
    }
    UnitAddress address;
    address.number = number;
    return address;
}

}  // namespace sl::modbus
