// A toy protocol for the tests of the bus: an answer is A5 id value, a refusal E5 id code, the rest is noise.
#pragma once

#include "protocols/wire/bus.hpp"
#include "tests/support/line_fixture.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace sl {

inline wire::Judgement toy_judge(std::uint8_t id, std::span<const std::uint8_t> bytes) {
    if (bytes[0] != 0xA5 && bytes[0] != 0xE5) {
        return {wire::Verdict::noise, 1};
    }
    if (bytes.size() < 3) {
        return {wire::Verdict::more, 0};
    }
    if (bytes[1] != id) {
        return {wire::Verdict::foreign, 3};
    }
    if (bytes[0] == 0xE5) {
        return {wire::Verdict::refused, 3, static_cast<wire::Errc>(bytes[2])};
    }
    return {wire::Verdict::answer, 3};
}

// One device of the toy protocol: everything an exchange points to.
struct Toy {
    explicit Toy(std::uint8_t i) : id(i), request{0x11, i} {
        unit.address.number = i;
        unit.timeout = std::chrono::milliseconds{100};
        unit.retries = 0;
        judge = [this](std::span<const std::uint8_t> bytes) { return toy_judge(id, bytes); };
    }
    wire::Exchange exchange(Priority priority = Priority::poll) const {
        return {unit, priority, request, &judge};
    }
    std::uint8_t id;
    Bytes request;
    Unit unit;
    wire::Judge judge;
};

inline std::string shown(const wire::Result<Bytes>& result) {
    return result.has_error() ? result.error().message() : ::testing::PrintToString(*result);
}

class ToyLine : public test::LineFixture {
  protected:
    wire::Result<Bytes> ask(const Toy& toy, Priority priority = Priority::poll) {
        const auto exchange = toy.exchange(priority);
        return run(bus->transact(exchange));
    }
    Toy one{1}, two{2};
};

}  // namespace sl
