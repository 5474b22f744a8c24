#include "gateway/platform/zone.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

#include <date/date.h>
#include <date/tz.h>

namespace sl::platform {
namespace {

class TzdbZone final : public site::Zone {
  public:
    explicit TzdbZone(const date::time_zone* zone) : zone_(zone) {}

    std::chrono::seconds offset(site::SiteTime t) const override {
        const auto at = std::chrono::floor<std::chrono::seconds>(t.time_since_epoch());
        return zone_->get_info(date::sys_seconds{at}).offset;
    }

    site::SiteTime to_utc(std::chrono::local_time<site::milliseconds> local) const override {
        const auto at = std::chrono::floor<std::chrono::seconds>(local.time_since_epoch());
        const date::local_info info = zone_->get_info(date::local_seconds{at});
        if (info.result == date::local_info::nonexistent) {
            return site::SiteTime{info.first.end.time_since_epoch()};
        }
        return site::SiteTime{local.time_since_epoch() - info.first.offset};
    }

    std::string_view name() const override { return zone_->name(); }

  private:
    const date::time_zone* zone_;
};

}  // namespace

std::unique_ptr<site::Zone> load_zone(std::string_view name) {
    try {
        return std::make_unique<TzdbZone>(date::locate_zone(std::string{name}));
    } catch (const std::exception&) {
        throw std::runtime_error{"time zone \"" + std::string{name} + "\" is not known to this system"};
    }
}

std::optional<site::SiteTime> parse_time(const std::string& text) {
    for (const char* format : {"%FT%T%Ez", "%FT%TZ", "%FT%H:%M%Ez", "%FT%H:%MZ"}) {
        std::istringstream in{text};
        date::sys_time<std::chrono::milliseconds> time;
        in >> date::parse(format, time);
        if (!in.fail() && in.peek() == std::char_traits<char>::eof())
            return site::SiteTime{time.time_since_epoch()};
    }
    return std::nullopt;
}

}  // namespace sl::platform
