// A dimming level in whole percent; 0 is off. One number carries switch and dim.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sl::site {

class Level {
  public:
    constexpr Level() = default;
    constexpr explicit Level(int percent)
        : percent_(static_cast<std::uint8_t>(std::clamp(percent, 0, 100))) {}
    constexpr int percent() const noexcept { return percent_; }
    constexpr bool is_on() const noexcept { return percent_ > 0; }
    friend constexpr auto operator<=>(Level, Level) = default;

  private:
    std::uint8_t percent_ = 0;
};

}  // namespace sl::site
