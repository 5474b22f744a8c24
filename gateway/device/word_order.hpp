// Byte orders of values that span several registers.
#pragma once

#include "gateway/site/model.hpp"

#include <algorithm>
#include <span>

namespace sl::device {

// Between the order on the wire and most-significant-first; its own inverse. On 64 bits "word" is a register
// all the same.
inline void reorder(std::span<std::uint8_t> bytes, site::WordOrder order) {
    const bool low_word_first = order == site::WordOrder::cdab || order == site::WordOrder::dcba;
    const bool low_byte_first = order == site::WordOrder::badc || order == site::WordOrder::dcba;
    if (low_word_first) std::reverse(bytes.begin(), bytes.end());
    // Reversing everything swapped the bytes inside the words as well.
    if (low_word_first != low_byte_first) {
        for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
            std::swap(bytes[i], bytes[i + 1]);
    }
}

}  // namespace sl::device
