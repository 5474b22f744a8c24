// `sun`: from the daemon for its own place, or computed here for any place.
#include "gateway/local/ctl.hpp"
#include "gateway/local/dates.hpp"
#include "gateway/local/query.hpp"
#include "gateway/local/sun_view.hpp"
#include "gateway/platform/zone.hpp"

#include <cmath>
#include <filesystem>
#include <stdexcept>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sl::local {
namespace {

// Name of this machine's zone, from where /etc/localtime points to.
std::string machine_zone() {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink("/etc/localtime", error).string();
    constexpr std::string_view folder = "zoneinfo/";
    const std::size_t found = target.rfind(folder);
    return error || found == std::string::npos ? "UTC" : target.substr(found + folder.size());
}

Exit usage(std::string_view text) {
    fmt::print(stderr, "streetlightctl: {}\n", text);
    return Exit::usage;
}

Exit from_daemon(const CtlOptions& options, const SunRequest& request) {
    std::string target = fmt::format("/api/v1/sun?days={}", request.days);
    if (!request.from.empty()) target += "&from=" + percent_encode(request.from);
    return show(options, target, &View::sun);
}

}  // namespace

Exit sun(const CtlOptions& options, const SunRequest& request) {
    if (request.latitude.has_value() != request.longitude.has_value())
        return usage("--lat and --lon go together");
    if (!request.latitude) {
        if (!request.zone.empty())
            return usage("--zone goes with --lat and --lon; the gateway has its own zone");
        return from_daemon(options, request);
    }
    const schedule::GeoPoint place{*request.latitude, *request.longitude};
    if (!(std::abs(place.latitude) <= 90.0) || !(std::abs(place.longitude) <= 180.0))
        return usage("--lat is -90..90 and --lon -180..180, in degrees");
    const std::string name = request.zone.empty() ? machine_zone() : request.zone;
    std::unique_ptr<site::Zone> zone;
    try {
        zone = platform::load_zone(name);
    } catch (const std::runtime_error& error) {
        return usage(error.what());
    }
    const auto from = read_date(request.from.empty() ? today(name) : request.from);
    if (!from) return usage("--from wants a date such as 2026-11-23, not '" + request.from + "'");
    const std::string body = sun_json(schedule::sun_days(place, *zone, *from, request.days), place, *zone);
    const std::string text = options.json == JsonMode::pretty ? pretty(body)
                             : options.json == JsonMode::short_
                                 ? body
                                 : View{options.legend, options.colour}.sun(boost::json::parse(body));
    std::fwrite(text.data(), 1, text.size(), stdout);
    return Exit::done;
}

}  // namespace sl::local
