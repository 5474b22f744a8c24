// A Modbus receive buffer with anything in it: cutting makes progress, checking and decoding stay inside the
// frame.
#include "check.hpp"
#include "protocols/modbus/frame.hpp"

#include <algorithm>

namespace {

using sl::fuzz::require;
namespace modbus = sl::modbus;
using Data = std::span<const std::uint8_t>;

bool inside(Data part, Data whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.size() <= whole.size() &&
            static_cast<std::size_t>(part.data() - whole.data()) <= whole.size() - part.size());
}

// What a sound request of a known function says is enough to build it again.
void rebuild(Data bytes, modbus::Framing framing) {
    const auto f = modbus::decode_frame(bytes, framing, modbus::Direction::request);
    if (!f) return;
    require(inside(f->data, bytes), "data of a request lies outside of it");
    if (!f->defect.empty() || f->address.value_or(0) + f->quantity.value_or(1) > 0x10000) return;
    std::vector<std::uint8_t> out;
    if (f->function <= 4) {
        const auto done = modbus::append_read_request(out, framing, f->transaction, f->unit, f->function,
                                                      *f->address, *f->quantity);
        require(done.has_value(), "a decoded read cannot be built");
    } else if (f->function == 16) {
        const auto done = modbus::append_write_request(out, framing, f->transaction, f->unit, f->function,
                                                       *f->address, *f->quantity, f->data);
        require(done.has_value(), "a decoded write cannot be built");
    } else {
        return;
    }
    require(std::equal(out.begin(), out.end(), bytes.begin(), bytes.end()), "a request is built differently");
}

void cut(Data buffer, modbus::Framing framing, const modbus::Expected& expected) {
    while (true) {
        const auto split = modbus::split_response(buffer, framing, expected);
        if (split.state == modbus::Split::State::need_more) {
            require(split.length > buffer.size(), "asks for what it has");
            require(split.length <= modbus::max_tcp_frame, "asks for more than a frame");
            return;
        }
        require(split.length > 0 && split.length <= buffer.size(), "cutting makes no progress");
        const auto frame = buffer.first(split.length);
        if (split.state == modbus::Split::State::frame) {
            const auto checked = modbus::check_response(frame, framing, expected);
            require(!checked || inside(*checked, frame), "answer data lies outside of the frame");
            const auto decoded = modbus::decode_frame(frame, framing, modbus::Direction::response);
            require(!decoded || inside(decoded->data, frame), "decoded data lies outside of the frame");
            require(!checked || decoded.has_value(), "an accepted answer cannot be decoded");
        }
        buffer = buffer.subspan(split.length);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Data input(bytes, size);
    if (size < 6 || size > 600) return 0;
    const auto framing = (input[0] & 1U) != 0 ? modbus::Framing::tcp : modbus::Framing::rtu;
    modbus::Expected expected;
    expected.unit = input[1];
    expected.function = static_cast<std::uint8_t>(1 + input[2] % 24);
    expected.count = input[3];
    expected.address = input[4];
    const auto rest = input.subspan(5);
    cut(rest, framing, expected);
    rebuild(rest, framing);
    return 0;
}
