// Any two bytes on the DALI line, any answer byte and any percentage.
#include "check.hpp"
#include "protocols/dali/frame.hpp"

#include <cmath>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using sl::fuzz::require;
    namespace dali = sl::dali;
    const std::span<const std::uint8_t> input(bytes, size);
    if (size < 12) return 0;
    const auto d = dali::decode({input[0], input[1]}, input[2]);
    if (d) {
        const auto built = d->kind == dali::Decoded::Kind::special ? dali::special(d->special_byte, d->data)
                           : d->kind == dali::Decoded::Kind::arc_power ? dali::arc_power(d->address, d->data)
                                                                       : dali::command(d->address, d->data);
        require(built.has_value() && (*built)[0] == input[0] && (*built)[1] == input[1],
                "a frame is built differently");
    }
    require(dali::encode(dali::decode_status(input[3])) == input[3],
            "a status answer is encoded differently");
    double percent = 0.0;
    std::memcpy(&percent, input.data() + 4, sizeof percent);
    const auto level = dali::level_of(percent);
    const auto linear = dali::linear_level_of(percent);
    require(level <= dali::max_level && linear <= dali::max_level, "a level beyond 254");
    require((percent > 0.0) == (level > 0) && (percent > 0.0) == (linear > 0), "off and on are confused");
    return 0;
}
