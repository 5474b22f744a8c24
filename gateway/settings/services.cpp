// [site] [mqtt] [store] [api] [log]
#include "gateway/settings/draft.hpp"
#include "gateway/site/command.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;
using Ms = std::chrono::milliseconds;

Reader section(Reader& root, std::string_view key, const std::vector<Part>& parts) {
    return Reader{root.report(), fmt::format("[{}]", key), parts, at_node(*parts[0].source, *parts[0].table)};
}

void read_topic_word(Reader& in, std::string_view key, std::string& out, std::string_view example) {
    in.require(key, example);
    if (in.text(key, out) && !is_topic_word(out)) {
        in.refuse(key, fmt::format("\"{}\" cannot be part of a topic", out),
                  "1 to 32 of A-Z a-z 0-9 _ -, beginning with a letter or digit");
    }
}

void read_place(Reader& in, Draft& draft, const Vocabulary& vocabulary) {
    auto& place = draft.config.place;
    read_topic_word(in, "site", place.site, "\"JZ\"");
    read_topic_word(in, "gateway", place.gateway, "\"0237\"");
    in.text("name", place.name);
    if (in.text("timezone", place.timezone) && vocabulary.zone_exists &&
        !vocabulary.zone_exists(place.timezone)) {
        in.refuse("timezone", fmt::format("there is no time zone \"{}\"", place.timezone),
                  suggest(place.timezone, {"Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "UTC"}));
    }
    in.require("latitude", "37.6870");
    in.require("longitude", "112.7528");
    const bool latitude = in.number("latitude", place.latitude, -90.0, 90.0);
    const bool longitude = in.number("longitude", place.longitude, -180.0, 180.0);
    draft.has_place = latitude && longitude;
    in.number("price_per_kwh", place.price_per_kwh, 0.0, 1'000.0);
}

struct Url {
    bool tls = false, good = false, loopback = false;
};

Url parse_url(std::string_view text) {
    Url url;
    url.tls = text.starts_with("mqtts://");
    if (!url.tls && !text.starts_with("mqtt://")) return url;
    text.remove_prefix(url.tls ? 8 : 7);
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return url;
    const auto host = text.substr(0, colon);
    const auto port = parse_integer(text.substr(colon + 1));
    url.good = port && *port >= 1 && *port <= 65535 && host.find_first_of("/@ \t") == std::string_view::npos;
    // A name such as 127.evil.example is not loopback.
    const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
    url.loopback = host == "localhost" || host == "[::1]" || (host.starts_with("127.") && numeric);
    return url;
}

void check_transport(Reader& in, const site::Mqtt& mqtt) {
    const auto url = parse_url(mqtt.url);
    if (!mqtt.url.empty() && !url.good) {
        in.refuse("url", fmt::format("\"{}\" is not an address of a broker", mqtt.url),
                  "as in \"mqtts://broker.example:8883\"");
        return;
    }
    if (mqtt.url.empty()) return;
    if (url.tls && mqtt.ca_file.empty()) {
        in.refuse("url", "mqtts needs ca_file, the certificate that signs the broker's",
                  "ca_file = \"/etc/streetlight/ca.pem\"");
    }
    if (!url.tls && !url.loopback && !mqtt.insecure) {
        in.refuse("url", "plain MQTT over a network can be read and forged by anyone on the way",
                  "use mqtts://, or say insecure = true");
    }
    if (mqtt.cert_file.empty() != mqtt.key_file.empty()) {
        in.refuse(mqtt.cert_file.empty() ? "key_file" : "cert_file",
                  "cert_file and key_file belong together");
    }
    if (!mqtt.password_file.empty() && mqtt.username.empty())
        in.refuse("password_file", "password_file needs username");
}

void read_identity(Reader& in, site::Mqtt& mqtt) {
    in.require("url", "\"mqtts://broker.example:8883\"");
    in.text("url", mqtt.url);
    if (in.text("root", mqtt.root)) {
        const bool wild = mqtt.root.find_first_of("+#$ ") != std::string::npos;
        if (mqtt.root.empty() || wild || mqtt.root.starts_with('/') || mqtt.root.ends_with('/'))
            in.refuse("root", fmt::format("\"{}\" cannot begin a topic", mqtt.root), "as in \"streetlight\"");
    }
    in.id("client_id", mqtt.client_id);
    if (in.integer("version", mqtt.version, 4, 5)) {
    }
    in.text("username", mqtt.username);
    if (in.has("password")) {
        in.report().error_masked(in.at("password"), "a password does not belong into this file",
                                 "password_file = \"...\", readable by the daemon alone");
    }
    in.text("password_file", mqtt.password_file);
    in.text("ca_file", mqtt.ca_file);
    in.text("cert_file", mqtt.cert_file);
    in.text("key_file", mqtt.key_file);
    in.flag("insecure", mqtt.insecure);
}

void read_pace(Reader& in, site::Mqtt& mqtt) {
    in.span("keepalive", mqtt.keepalive, 30s, 290s);
    in.flag("retain", mqtt.retain);
    in.flag("pacing", mqtt.pacing);
    in.duration("first_retry_max", mqtt.first_retry_max, 0ms, 10min);
    in.duration("retry_cap", mqtt.retry_cap, 1s, 1h);
    in.duration("start_spread", mqtt.start_spread, 0ms, 10min);
    in.integer("max_in_flight", mqtt.max_in_flight, 1, 1'000);
    in.integer("receive_maximum", mqtt.receive_maximum, 1, 65'535);
    in.integer("hist_per_s", mqtt.hist_per_s, 1, 10'000);
    in.integer("hist_bytes_per_s", mqtt.hist_bytes_per_s, 0, 100'000'000);
    in.span("lamp_telemetry", mqtt.lamp_telemetry, 0s, 24h);
    in.span("meter_telemetry", mqtt.meter_telemetry, 1s, 24h);
    in.span("snapshot_every", mqtt.snapshot_every, 1min, 48h);
    in.span("diag_every", mqtt.diag_every, 10s, 24h);
    in.choice<bool>("rows", mqtt.rows_as_objects, {{"columns", false}, {"objects", true}});
    std::uint64_t bytes = 0;
    if (in.size("max_record", bytes, 2'048, 65'536)) mqtt.max_record_bytes = static_cast<std::size_t>(bytes);
}

std::vector<std::string> op_words() {
    std::vector<std::string> words{"*"};
    for (int i = 0; i < static_cast<int>(site::Op::count_); ++i)
        words.emplace_back(site::name(static_cast<site::Op>(i)));
    return words;
}

bool needs_admin(std::string_view op) {
    return op == "time.set" || op == "reboot";
}

void read_ops(Reader& in, site::Principal& out) {
    static const auto known = op_words();
    if (!in.words("ops", out.ops)) return;
    const auto* array = in.find("ops")->as_array();
    for (std::size_t i = 0; i < out.ops.size(); ++i) {
        const auto& op = out.ops[i];
        const auto at = in.at_element("ops", *array->get(i));
        if (std::find(known.begin(), known.end(), op) == known.end()) {
            in.report().error(at, fmt::format("there is no operation \"{}\"", op), suggest(op, known));
        } else if (needs_admin(op) && !out.admin) {
            in.report().error(at, fmt::format("{} needs admin = true", op));
        }
    }
}

void read_targets(Reader& in, site::Principal& out) {
    const auto* node = in.find("targets");
    if (node == nullptr) return;
    site::Selector selector;
    if (node->is_array()) {
        selector.kind = site::Selector::Kind::lamps;
        if (in.words("targets", selector.values)) out.targets = selector;
        return;
    }
    std::string word;
    std::string why;
    if (!in.text("targets", word)) return;
    if (const auto parsed = parse_selector(word, why)) {
        out.targets = *parsed;
    } else {
        in.refuse("targets", fmt::format("\"{}\" selects nothing", word), why);
    }
}

void read_principal(Reader& in, site::Principal& out) {
    read_topic_word(in, "id", out.id, "\"city\"");
    in.flag("admin", out.admin);
    in.require("ops", "[\"lamp.set\", \"release\", \"read\"]");
    read_ops(in, out);
    read_targets(in, out);
    in.span("max_hold", out.max_hold, 1min, 720h);
}

void read_mqtt(Reader& root, Draft& draft) {
    const auto parts = root.table("mqtt");
    if (parts.empty()) return;
    auto in = section(root, "mqtt", parts);
    auto& mqtt = draft.config.mqtt;
    mqtt.enabled = true;
    in.flag("enabled", mqtt.enabled);
    read_identity(in, mqtt);
    read_pace(in, mqtt);
    check_transport(in, mqtt);
    if (mqtt.first_retry_max > mqtt.retry_cap)
        in.refuse("first_retry_max", "first_retry_max is longer than retry_cap");
    for (const auto& part : in.tables("principal")) {
        auto one = reader_of(root.report(), "[[mqtt.principal]]", part);
        read_principal(one, mqtt.principals.emplace_back());
        draft.principals.push_back(one.finish());
    }
    draft.mqtt = in.finish();
    check_duplicates(root.report(), {"principal", ids_of(mqtt.principals), &draft.principals});
}

void read_store(Reader& root, Draft& draft) {
    const auto parts = root.table("store");
    if (parts.empty()) return;
    auto in = section(root, "store", parts);
    auto& store = draft.config.store;
    if (in.text("directory", store.directory) && !store.directory.starts_with('/'))
        in.refuse("directory", "directory must be an absolute path", "as in \"/var/lib/streetlight\"");
    in.duration("commit_every", store.commit_every, 100ms, 10min);
    std::uint64_t bytes = 0;
    if (in.size("commit_size", bytes, 1'024, 16ULL << 20U))
        store.commit_bytes = static_cast<std::size_t>(bytes);
    in.size("max_size", store.max_bytes, 8ULL << 20U, 64ULL << 30U);
    in.size("ballast", store.ballast_bytes, 0, 64ULL << 20U);
    in.span("keep_sent", store.keep_sent, 1h, 365 * 24h);
    in.span("keep_energy", store.keep_energy, 24h, 3'650 * 24h);
    if (store.ballast_bytes * 4 > store.max_bytes)
        in.refuse("ballast", "ballast is more than a quarter of max_size");
    draft.store = in.finish();
}

void read_api(Reader& root, Draft& draft) {
    const auto parts = root.table("api");
    if (parts.empty()) return;
    auto in = section(root, "api", parts);
    auto& api = draft.config.api;
    // sun_path holds 108 bytes with its zero.
    if (in.text("socket", api.socket) && (!api.socket.starts_with('/') || api.socket.size() > 107))
        in.refuse("socket", "socket must be an absolute path of at most 107 bytes");
    in.text("view_group", api.view_group);
    in.text("operator_group", api.operator_group);
    in.text("admin_group", api.admin_group);
    draft.api = in.finish();
}

void read_log(Reader& root, Draft& draft) {
    const auto parts = root.table("log");
    if (parts.empty()) return;
    auto in = section(root, "log", parts);
    in.choice<std::string>(
        "level", draft.config.log_level,
        {{"error", "error"}, {"warning", "warning"}, {"info", "info"}, {"debug", "debug"}});
    in.finish();
}

}  // namespace

void read_site(Reader& root, Draft& draft, const Vocabulary& vocabulary) {
    if (!root.require("site", "a table [site] with site, gateway, latitude and longitude")) return;
    const auto parts = root.table("site");
    if (parts.empty()) return;
    auto in = section(root, "site", parts);
    read_place(in, draft, vocabulary);
    draft.site = in.finish();
}

void read_services(Reader& root, Draft& draft) {
    read_mqtt(root, draft);
    read_store(root, draft);
    read_api(root, draft);
    read_log(root, draft);
}

}  // namespace sl::settings
