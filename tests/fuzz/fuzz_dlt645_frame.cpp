// A DL/T 645 receive buffer with anything in it.
#include "check.hpp"
#include "protocols/dlt645/fields.hpp"
#include "protocols/dlt645/value.hpp"

#include <algorithm>

namespace {

using sl::fuzz::require;
namespace dlt645 = sl::dlt645;
using Data = std::span<const std::uint8_t>;

void take_apart(Data bytes) {
    std::string_view why;
    const auto frame = dlt645::decode_frame(bytes, &why);
    require(frame.has_value() && why.empty(), "a frame that was cut out cannot be decoded");
    std::vector<std::uint8_t> out;
    const auto built = dlt645::append_frame(out, frame->address, frame->control, frame->data);
    if (built) {
        require(std::equal(out.begin() + 4, out.end(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(frame->preamble), bytes.end()),
                "a frame is built differently");
    }
    for (const auto revision : {dlt645::Revision::y1997, dlt645::Revision::y2007}) {
        const auto fields = dlt645::decode_fields(*frame, revision, &why);
        require(fields.has_value() == why.empty(), "a refusal without a reason");
        if (fields) require(fields->payload.size() <= frame->data.size(), "payload is longer than the data");
    }
    dlt645::Expected expected;
    expected.address = dlt645::any_address;
    expected.function = frame->function();
    if (frame->data.size() >= 4) {
        for (std::size_t i = 4; i-- > 0;)
            expected.di = (expected.di << 8U) | frame->data[i];
    }
    const auto answer = dlt645::check_answer(*frame, expected);
    if (!answer) return;
    require(answer->data.size() <= frame->data.size(), "answer is longer than the data");
    for (std::size_t n = 0; n <= std::min<std::size_t>(answer->data.size(), 12); ++n) {
        for (const bool is_signed : {false, true}) {
            const auto value = dlt645::decode_bcd(answer->data.first(n), is_signed);
            require(value.state == dlt645::Bcd::State::ok || value.value == 0,
                    "a number out of what is none");
        }
    }
    (void)dlt645::decode_text(answer->data);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size > 1000) return 0;
    Data buffer(bytes, size);
    while (true) {
        const auto split = dlt645::split(buffer);
        if (split.state == dlt645::Split::State::need_more) {
            require(split.length > buffer.size(), "asks for what it has");
            return 0;
        }
        require(split.length > 0 && split.length <= buffer.size(), "cutting makes no progress");
        if (split.state == dlt645::Split::State::frame) take_apart(buffer.first(split.length));
        buffer = buffer.subspan(split.length);
    }
}
