#include "protocols/dali/driver.hpp"

#include "protocols/dali/frame.hpp"
#include "protocols/modbus/driver.hpp"
#include "protocols/wire/turn.hpp"

#include <charconv>
#include <utility>

namespace sl::dali {
namespace asio = boost::asio;
namespace {

class Gw2Driver final : public Driver {
  public:
    explicit Gw2Driver(wire::Bus& bus) : modbus_(modbus::make_driver(bus, modbus::Framing::rtu)) {}

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
    asio::awaitable<wire::Result<std::uint16_t>> register_of(const Unit& unit, std::uint16_t address,
                                                             Priority priority);
    asio::awaitable<wire::Result<void>> send(const Unit& unit, Forward frame, Priority priority);
    asio::awaitable<wire::Result<std::uint8_t>> query(const Unit& unit, Forward frame, Priority priority);
    asio::awaitable<wire::Result<void>> set_level(const Unit& unit, Address to, std::uint8_t level,
                                                  Priority priority);

    std::unique_ptr<Driver> modbus_;
    // Command, status and answer are three exchanges that belong together: a command in between would replace
    // the answer.
    wire::Turn turn_;
};

Address short_address(const Unit& unit) noexcept {
    Address to;
    to.number = unit.address.sub;
    return to;
}

bool is_level(const Item& item, std::span<const std::uint8_t> data) noexcept {
    return item.table == 0 && data.size() == 1 && data.front() <= max_level;
}

asio::awaitable<wire::Result<std::uint16_t>> Gw2Driver::register_of(const Unit& unit, std::uint16_t address,
                                                                    Priority priority) {
    Item item;
    item.table = 3;
    item.address = address;
    const auto bytes = co_await modbus_->read(unit, item, priority);
    if (bytes.has_error()) {
        co_return bytes.error();
    }
    co_return static_cast<std::uint16_t>((*bytes)[0] << 8U | (*bytes)[1]);
}

// A lost acknowledgement sends the frame again: level and query frames may be repeated without harm.
asio::awaitable<wire::Result<void>> Gw2Driver::send(const Unit& unit, Forward frame, Priority priority) {
    Item item;
    item.table = 3;
    item.address = gw2_command_register;
    co_return co_await modbus_->write(unit, item, frame, priority);
}

asio::awaitable<wire::Result<std::uint8_t>> Gw2Driver::query(const Unit& unit, Forward frame,
                                                             Priority priority) {
    const auto sent = co_await send(unit, frame, priority);
    if (sent.has_error()) {
        co_return sent.error();
    }
    const auto status = co_await register_of(unit, gw2_status_register, priority);
    if (status.has_error()) {
        co_return status.error();
    }
    switch (static_cast<Gw2Status>(*status)) {
        case Gw2Status::silent:
            co_return wire::Errc::timeout;
        case Gw2Status::collision:
            co_return wire::Errc::bad_frame;
        case Gw2Status::answered:
            break;
        default:
            co_return wire::Errc::path_unavailable;
    }
    const auto answer = co_await register_of(unit, gw2_answer_register, priority);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return static_cast<std::uint8_t>(*answer & 0xFFU);
}

asio::awaitable<wire::Result<Bytes>> Gw2Driver::read(const Unit& unit, Item item, Priority priority) {
    const auto frame = command(short_address(unit), static_cast<std::uint8_t>(item.address & 0xFFU));
    if (item.table != 0 || item.address > 0xFF || frame.has_error()) {
        co_return wire::Errc::bad_request;
    }
    const auto meaning = decode(*frame);
    if (meaning.has_error() || meaning->reply == ReplyKind::none) {
        co_return wire::Errc::bad_request;  // a command, not a query
    }
    if (!turn_.try_take()) {
        co_await turn_.wait(priority);
    }
    const auto answer = co_await query(unit, *frame, priority);
    turn_.pass_on();
    Bytes data;
    if (answer.has_value()) {
        data.push_back(*answer);
    } else if (meaning->reply == ReplyKind::yes_no &&
               answer.error() == wire::make_error_code(wire::Errc::timeout)) {
        data.push_back(0);
    } else {
        co_return answer.error();
    }
    co_return data;
}

asio::awaitable<wire::Result<void>> Gw2Driver::set_level(const Unit& unit, Address to, std::uint8_t level,
                                                         Priority priority) {
    const auto frame = arc_power(to, level);
    if (frame.has_error()) {
        co_return frame.error();
    }
    if (!turn_.try_take()) {
        co_await turn_.wait(priority);
    }
    const auto sent = co_await send(unit, *frame, priority);
    turn_.pass_on();
    co_return sent;
}

asio::awaitable<wire::Result<void>> Gw2Driver::write(const Unit& unit, Item item,
                                                     std::span<const std::uint8_t> data, Priority priority) {
    if (!is_level(item, data)) {
        co_return wire::Errc::bad_request;
    }
    const auto to = short_address(unit);
    co_return co_await set_level(unit, to, data.front(), priority);
}

asio::awaitable<wire::Result<void>> Gw2Driver::broadcast(const Unit& via, Item item,
                                                         std::span<const std::uint8_t> data,
                                                         Priority priority) {
    if (!is_level(item, data)) {
        co_return wire::Errc::bad_request;
    }
    Address everybody;
    everybody.kind = Address::Kind::broadcast;
    co_return co_await set_level(via, everybody, data.front(), priority);
}

asio::awaitable<wire::Result<void>> Gw2Driver::probe(const Unit& unit, Priority priority) {
    const auto frame = command(short_address(unit), query_gear_present);
    if (frame.has_error()) {
        co_return frame.error();
    }
    if (!turn_.try_take()) {
        co_await turn_.wait(priority);
    }
    const auto answer = co_await query(unit, *frame, priority);
    turn_.pass_on();
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return wire::Result<void>();
}

asio::awaitable<wire::Result<void>> Gw2Driver::broadcast_time(const Unit& /*via*/, CivilTime /*local*/,
                                                              Priority /*priority*/) {
    co_return wire::Errc::bad_request;  // DALI control gear has no clock
}

}  // namespace

std::unique_ptr<Driver> make_driver(wire::Bus& bus) {
    return std::make_unique<Gw2Driver>(bus);
}

std::optional<UnitAddress> parse_address(std::string_view text, std::string& why) {
    const auto slash = text.find('/');
    const auto tail = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    unsigned number = 0;
    const auto* end = tail.data() + tail.size();
    const auto [stop, error] = std::from_chars(tail.data(), end, number);
    auto address = modbus::parse_address(text.substr(0, slash), why);
    if (!address || tail.empty() || error != std::errc() || stop != end || number > 63) {
        why = "expected gateway unit (1..247) and DALI short address (0..63), such as 12/5";
        return std::nullopt;
    }
    address->sub = static_cast<std::uint8_t>(number);
    return address;
}

}  // namespace sl::dali
