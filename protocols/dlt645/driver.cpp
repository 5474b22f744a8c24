#include "protocols/dlt645/driver.hpp"

#include "protocols/dlt645/frame.hpp"
#include "protocols/wire/bus.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sl::dlt645 {
namespace asio = boost::asio;
namespace {

// Meters act on a broadcast within this time; the standard's figure was not available to us.
constexpr std::chrono::milliseconds broadcast_turnaround{100};
constexpr std::uint32_t address_di = 0x04000401;

wire::Judgement judge(const Expected& expected, std::span<const std::uint8_t> bytes) {
    const auto found = split(bytes);
    if (found.state == Split::State::need_more) {
        return {wire::Verdict::more, 0};
    }
    if (found.state == Split::State::noise) {
        return {wire::Verdict::noise, found.length};
    }
    const auto frame = decode_frame(bytes.first(found.length));
    if (frame.has_error()) {
        return {wire::Verdict::noise, found.length};
    }
    const auto answer = check_answer(*frame, expected);
    if (answer.has_value()) {
        return {wire::Verdict::answer, found.length};
    }
    const auto error = static_cast<wire::Errc>(answer.error().value());
    if (error == wire::Errc::foreign_answer) {
        return {wire::Verdict::foreign, found.length};
    }
    if (error == wire::Errc::bad_frame) {
        return {wire::Verdict::noise, found.length};
    }
    return {wire::Verdict::refused, found.length, error};
}

// One frame's worth of an answer.
struct Part {
    Bytes data;
    bool more = false;
};

class Dlt645Driver final : public Driver {
  public:
    explicit Dlt645Driver(wire::Bus& bus) : bus_(bus) {}

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
    asio::awaitable<wire::Result<void>> ask(const Unit& unit, std::span<const std::uint8_t> request,
                                            const Expected& expected, Priority priority, Part& part);
    asio::awaitable<wire::Result<Bytes>> read_item(const Unit& unit, std::uint32_t di, Priority priority);
    asio::awaitable<wire::Result<Bytes>> read_own_address(const Unit& unit, Priority priority);

    wire::Bus& bus_;
};

Address address_of(const Unit& unit) noexcept {
    return unit.address.number == any_number ? any_address : address_from(unit.address.number);
}

asio::awaitable<wire::Result<void>> Dlt645Driver::ask(const Unit& unit, std::span<const std::uint8_t> request,
                                                      const Expected& expected, Priority priority,
                                                      Part& part) {
    const wire::Judge judged = [&expected](std::span<const std::uint8_t> bytes) {
        return judge(expected, bytes);
    };
    wire::Exchange exchange(unit, priority, request, &judged);
    exchange.answer_names_request = true;
    const auto bytes = co_await bus_.transact(exchange);
    if (bytes.has_error()) {
        co_return bytes.error();
    }
    const auto frame = decode_frame(*bytes);
    if (frame.has_error()) {
        co_return frame.error();
    }
    const auto answer = check_answer(*frame, expected);
    if (answer.has_error()) {
        co_return answer.error();
    }
    part.data.insert(part.data.end(), answer->data.begin(), answer->data.end());
    part.more = answer->more;
    co_return wire::Result<void>();
}

asio::awaitable<wire::Result<Bytes>> Dlt645Driver::read_item(const Unit& unit, std::uint32_t di,
                                                             Priority priority) {
    Expected expected;
    expected.address = address_of(unit);
    expected.function = static_cast<std::uint8_t>(Function::read);
    expected.di = di;
    Bytes request;
    append_read(request, expected.address, di);
    Part part;
    for (int frames = 1;; ++frames) {
        const auto done = co_await ask(unit, request, expected, priority, part);
        if (done.has_error()) {
            co_return done.error();
        }
        if (!part.more) {
            co_return std::move(part.data);
        }
        if (frames >= max_frames) {
            co_return wire::Errc::bad_frame;
        }
        expected.function = static_cast<std::uint8_t>(Function::follow_on);
        expected.sequence = static_cast<std::uint8_t>(frames);
        request.clear();
        append_follow_on(request, expected.address, di, expected.sequence);
    }
}

// Asked with wildcards: right only on a line with one meter.
asio::awaitable<wire::Result<Bytes>> Dlt645Driver::read_own_address(const Unit& unit, Priority priority) {
    Expected expected;
    expected.address = any_address;
    expected.function = static_cast<std::uint8_t>(Function::read_address);
    Bytes request;
    append_read_address(request);
    Part part;
    const auto done = co_await ask(unit, request, expected, priority, part);
    if (done.has_error()) {
        co_return done.error();
    }
    co_return std::move(part.data);
}

asio::awaitable<wire::Result<Bytes>> Dlt645Driver::read(const Unit& unit, Item item, Priority priority) {
    if (item.table == 0) {
        co_return co_await read_item(unit, item.address, priority);
    }
    if (item.table == 1) {
        co_return co_await read_own_address(unit, priority);
    }
    co_return wire::Errc::bad_request;
}

asio::awaitable<wire::Result<void>> Dlt645Driver::write(const Unit& /*unit*/, Item /*item*/,
                                                        std::span<const std::uint8_t> /*data*/,
                                                        Priority /*priority*/) {
    co_return wire::Errc::bad_request;
}

asio::awaitable<wire::Result<void>> Dlt645Driver::broadcast(const Unit& /*via*/, Item /*item*/,
                                                            std::span<const std::uint8_t> /*data*/,
                                                            Priority /*priority*/) {
    co_return wire::Errc::bad_request;
}

// The address item with the meter's own address; function 13 where only wildcards are known.
asio::awaitable<wire::Result<void>> Dlt645Driver::probe(const Unit& unit, Priority priority) {
    Item item;
    item.table = unit.address.number == any_number ? 1 : 0;
    item.address = address_di;
    const auto answer = co_await read(unit, item, priority);
    if (answer.has_value()) {
        co_return wire::Result<void>();
    }
    const auto error = static_cast<wire::Errc>(answer.error().value());
    const bool there = error == wire::Errc::no_such_point || error == wire::Errc::not_permitted ||
                       error == wire::Errc::device_failure || error == wire::Errc::bad_value;
    if (there) {
        co_return wire::Result<void>();
    }
    co_return answer.error();
}

asio::awaitable<wire::Result<void>> Dlt645Driver::broadcast_time(const Unit& via, CivilTime local,
                                                                 Priority priority) {
    DateTime time;
    time.year = local.year;
    time.month = local.month;
    time.day = local.day;
    time.hour = local.hour;
    time.minute = local.minute;
    time.second = local.second;
    Bytes request;
    const auto made = append_broadcast_time(request, time);
    if (made.has_error()) {
        co_return made.error();
    }
    wire::Exchange exchange(via, priority, request, nullptr);
    exchange.silence_after = broadcast_turnaround;
    const auto sent = co_await bus_.transact(exchange);
    if (sent.has_error()) {
        co_return sent.error();
    }
    co_return wire::Result<void>();
}

}  // namespace

std::unique_ptr<Driver> make_driver(wire::Bus& bus) {
    return std::make_unique<Dlt645Driver>(bus);
}

std::optional<UnitAddress> parse_address(std::string_view text, std::string& why) {
    UnitAddress address;
    const bool wildcard = text.size() == 12 &&
                          std::all_of(text.begin(), text.end(), [](char c) { return c == 'A' || c == 'a'; });
    if (wildcard) {
        address.number = any_number;
        return address;
    }
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, address.number);
    if (text.size() > 12 || error != std::errc() || stop != end) {
        why =
            "expected the meter's address of up to 12 decimal digits, or AAAAAAAAAAAA on a line with one "
            "meter";
        return std::nullopt;
    }
    return address;
}

}  // namespace sl::dlt645
