// A cabinet with two feeders and four lamps, as the API sees it.
#pragma once

#include "gateway/local/api_context.hpp"

#include <string>

namespace sl::local {

// UTC+8 all year, without the system's database.
class FixedZone final : public site::Zone {
  public:
    std::chrono::seconds offset(site::SiteTime) const override { return std::chrono::hours{8}; }
    site::SiteTime to_utc(std::chrono::local_time<site::milliseconds> local) const override {
        return site::SiteTime{local.time_since_epoch() - std::chrono::hours{8}};
    }
    std::string_view name() const override { return "Asia/Shanghai"; }
};

struct Cabinet {
    site::Config config;
    site::SiteState state;
    FixedZone zone;
    ApiContext api;
    site::SiteTime now = site::site_ms(1'795'438'904'000);  // 2026-11-23 21:01:44 in Shanghai

    Cabinet() {
        config.place.site = "JZ";
        config.place.gateway = "JZ-17";
        config.place.name = "迎宾西街 17# 箱变";
        config.place.latitude = 37.6872;
        config.place.longitude = 112.7528;
        add_feeder("F1", "K1", "M1");
        add_feeder("F2", "K2", "");
        add_lamp("L001", "F1", 1, {"crossing"});
        add_lamp("L002", "F1", 2, {});
        add_lamp("L003", "F2", 1, {});
        add_lamp("L004", "F2", 2, {"crossing"});
        config.plant.meters.resize(1);
        config.plant.meters[0].id = "M1";
        state.meters.resize(1);
        config.groups.push_back({"south", "南侧", {site::Selector::Kind::feeder, {"F2"}, 0, 0}});
        api.config = &config;
        api.state = &state;
        api.zone = &zone;
        api.version = "1.2.3";
        api.now = [this] { return now; };
    }

    void set(std::size_t lamp, site::Quantity quantity, double value) {
        state.lamps[lamp][quantity] = {value, now - std::chrono::seconds{2}, site::Quality::ok};
    }

  private:
    void add_feeder(const std::string& id, const std::string& contactor, const std::string& meter) {
        site::Feeder feeder;
        feeder.id = id;
        feeder.name = id + " 路";
        feeder.contactor = contactor;
        feeder.meter = meter;
        config.plant.feeders.push_back(feeder);
        site::FeederState live;
        live.energised = live.wanted = true;
        live.energised_since = now - std::chrono::hours{3};
        state.feeders.push_back(live);
    }
    void add_lamp(const std::string& id, const std::string& feeder, std::uint32_t order,
                  std::vector<std::string> tags) {
        site::Lamp lamp;
        lamp.id = id;
        lamp.feeder = feeder;
        lamp.order = order;
        lamp.tags = std::move(tags);
        lamp.rated_w = 120.0;
        config.plant.lamps.push_back(lamp);
        site::LampState live;
        live.online = true;
        live.last_answer = now - std::chrono::seconds{2};
        live.target = site::Level{60};
        live.source = site::Source::program;
        state.lamps.push_back(live);
    }
};

}  // namespace sl::local
