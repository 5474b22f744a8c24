#include "protocols/wire/error.hpp"

#include <array>
#include <string>

namespace sl::wire {
namespace {

struct Row {
    const char* name;
    Next next;
};
// In the order of Errc, from 1.
constexpr std::array<Row, 13> rows{{
    {"no answer", Next::retry},
    {"malformed answer", Next::retry},
    {"answer of another device or request", Next::retry},
    {"device busy", Next::retry},
    {"function not supported", Next::exclude_point},
    {"no such register or data item", Next::exclude_point},
    {"value refused", Next::give_up_round},
    {"not permitted", Next::give_up_round},
    {"device failure", Next::give_up_round},
    {"gateway cannot reach the device", Next::give_up_round},
    {"port lost", Next::reopen_port},
    {"cancelled", Next::give_up_round},
    {"request cannot be expressed", Next::stop_device},
}};

class WireCategory final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "field"; }
    std::string message(int code) const override { return wire::name(static_cast<Errc>(code)); }
};

const Row* row(Errc code) noexcept {
    const auto index = static_cast<std::size_t>(code) - 1;
    return index < rows.size() ? &rows[index] : nullptr;
}

}  // namespace

Next next_step(Errc code) noexcept {
    const auto* found = row(code);
    return found != nullptr ? found->next : Next::give_up_round;
}

const char* name(Errc code) noexcept {
    const auto* found = row(code);
    return found != nullptr ? found->name : "unknown";
}

const boost::system::error_category& wire_category() noexcept {
    static const WireCategory category;
    return category;
}

}  // namespace sl::wire
