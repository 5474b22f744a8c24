// The one place where the command line looks at a clock: the date of today for `sun`, which works without a
// daemon. A person asks and reads the answer at once; nothing is scheduled by it.
#include "gateway/local/ctl.hpp"
#include "gateway/local/time_text.hpp"
#include "gateway/platform/zone.hpp"

namespace sl::local {

std::string today(std::string_view zone) {
    const auto now = std::chrono::time_point_cast<site::milliseconds>(std::chrono::system_clock::now());
    const auto place = platform::load_zone(zone);
    return iso_text(site::SiteTime{now.time_since_epoch()}, *place).substr(0, 10);
}

}  // namespace sl::local
