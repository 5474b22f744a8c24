#include "protocols/dali/frame.hpp"

#include <algorithm>
#include <cmath>

namespace sl::dali {

std::optional<double> percent_of(std::uint8_t level) noexcept {
    if (level == no_change) return std::nullopt;
    if (level == 0) return 0.0;
    return std::pow(10.0, (level - 1) * 3.0 / 253.0 - 1.0);
}

std::uint8_t level_of(double percent) noexcept {
    if (!(percent > 0.0)) return 0;
    const double level = 1.0 + (std::log10(percent) + 1.0) * 253.0 / 3.0;
    return static_cast<std::uint8_t>(std::clamp(std::round(level), 1.0, double{max_level}));
}

// The published anchor (127 = 50.0 %) is a value rounded to one decimal; the curve itself is a straight line.
std::optional<double> linear_percent_of(std::uint8_t level) noexcept {
    if (level == no_change) return std::nullopt;
    return level * 100.0 / max_level;
}

std::uint8_t linear_level_of(double percent) noexcept {
    if (!(percent > 0.0)) return 0;
    return static_cast<std::uint8_t>(
        std::clamp(std::round(percent * max_level / 100.0), 1.0, double{max_level}));
}

}  // namespace sl::dali
