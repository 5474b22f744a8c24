// The whole configuration of one gateway as plain values. Filled by settings/, read by app/.
#pragma once

#include "gateway/site/model.hpp"
#include "gateway/site/plan.hpp"
#include "gateway/site/plant.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sl::site {

struct Place {
    std::string site;     // the city or district, first part of every topic
    std::string gateway;  // the cabinet
    std::string name;
    std::string timezone = "Asia/Shanghai";
    double latitude = 0.0, longitude = 0.0;  // degrees, WGS-84, north and east positive
    double price_per_kwh = 0.0;              // for the saving figure only
};

struct Polling {
    std::chrono::milliseconds lamps{0};  // 0 = as fast as the line allows
    int offline_after = 3;               // misses
    std::chrono::seconds backoff_max{600};
    double baseline_w = 0.0;  // per lamp head before the retrofit; 0 = unknown
};

// What one MQTT principal may do.
struct Principal {
    std::string id;
    std::vector<std::string> ops;  // empty = none; "*" = all that need no admin right
    bool admin = false;
    std::optional<Selector> targets;  // nullopt = all
    std::chrono::seconds max_hold{86'400};
};

struct Mqtt {
    bool enabled = false;
    std::string url;  // "mqtts://host:8883", "mqtt://127.0.0.1:1883"
    std::string root = "streetlight";
    std::string client_id;  // empty = {site}-{gw}
    int version = 5;        // 5 or 4 (3.1.1)
    std::chrono::seconds keepalive{120};
    std::string username, password_file, ca_file, cert_file, key_file;
    bool insecure = false;
    bool retain = true;
    bool pacing = true;   // periodic records are sent shifted by hash(gw) mod 60 s (contract section 1)
    std::chrono::milliseconds first_retry_max{30'000}, retry_cap{300'000}, start_spread{60'000};
    int max_in_flight = 10;
    int receive_maximum = 20;
    int hist_per_s = 5;
    int hist_bytes_per_s = 2'000;  // 0 = no limit
    std::chrono::seconds lamp_telemetry{1'800}, meter_telemetry{300}, snapshot_every{21'600}, diag_every{900};
    bool rows_as_objects = false;
    std::size_t max_record_bytes = 16'384;
    std::vector<Principal> principals;
};

struct Store {
    std::string directory = "/var/lib/streetlight";
    std::chrono::milliseconds commit_every{30'000};
    std::size_t commit_bytes = 65'536;
    std::uint64_t max_bytes = 200ULL << 20;  // all files of the store together
    std::uint64_t ballast_bytes = 1ULL << 20;
    std::chrono::hours keep_sent{24 * 7}, keep_energy{24 * 400};
};

struct Api {
    std::string socket = "/run/streetlight/api.sock";
    std::string view_group = "streetlight-view", operator_group = "streetlight-op",
                admin_group = "streetlight-admin";
};

struct Config {
    Place place;
    Plant plant;
    Polling polling;
    Astro astro;
    std::vector<Group> groups;
    std::vector<Profile> profiles;
    std::vector<ScheduleRule> schedules;
    std::vector<Calendar> calendars;
    std::map<std::string, DeviceModel> models;  // those that the plant uses, by id
    Mqtt mqtt;
    Store store;
    Api api;
    std::string log_level = "info";
    std::string sha256;  // over all files read, in the order read
};

}  // namespace sl::site
