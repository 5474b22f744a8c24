#include "gateway/northbound/paho_link_words.hpp"

#include <fstream>

namespace sl::northbound {
namespace {

std::string read_secret(const std::string& file) {
    std::ifstream in{file};
    std::string text;
    std::getline(in, text);
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

mqtt::will_options will_of(const ConnectOptions& o) {
    mqtt::will_options will{o.will.topic, mqtt::binary_ref{o.will.payload}, 1, o.will.retain};
    if (o.version >= 5) {
        mqtt::properties props;
        props.add({mqtt::property::WILL_DELAY_INTERVAL, static_cast<int>(o.will.delay.count())});
        will.set_properties(std::move(props));
    }
    return will;
}

mqtt::ssl_options ssl_of(const ConnectOptions& o) {
    mqtt::ssl_options ssl;
    if (!o.ca_file.empty()) ssl.set_trust_store(o.ca_file);
    if (!o.cert_file.empty()) ssl.set_key_store(o.cert_file);
    if (!o.key_file.empty()) ssl.set_private_key(o.key_file);
    ssl.set_enable_server_cert_auth(true);
    ssl.set_verify(true);  // the name as well
    return ssl;
}

}  // namespace

std::string paho_url(const BrokerAddress& to) {
    const bool v6 = to.host.find(':') != std::string::npos;
    return (to.tls ? "ssl://" : "tcp://") + (v6 ? "[" + to.host + "]" : to.host) + ":" + to.port;
}

mqtt::connect_options paho_options(const ConnectOptions& o, bool tls) {
    mqtt::connect_options out;
    out.set_mqtt_version(o.version >= 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
    out.set_keep_alive_interval(static_cast<int>(o.keepalive.count()));
    out.set_connect_timeout(static_cast<int>(o.connect_timeout.count()));
    out.set_automatic_reconnect(false);
    out.set_max_inflight(65'535);  // the session keeps the window
    if (!o.username.empty()) out.set_user_name(o.username);
    if (!o.password_file.empty()) out.set_password(mqtt::binary_ref{read_secret(o.password_file)});
    if (o.version >= 5) {
        out.set_clean_start(o.clean_start);
        mqtt::properties props;
        props.add({mqtt::property::SESSION_EXPIRY_INTERVAL, static_cast<int>(o.session_expiry.count())});
        props.add({mqtt::property::RECEIVE_MAXIMUM, static_cast<int>(o.receive_maximum)});
        props.add({mqtt::property::MAXIMUM_PACKET_SIZE, static_cast<int>(o.maximum_packet_size)});
        out.set_properties(std::move(props));
    } else {
        out.set_clean_session(o.clean_start);
    }
    if (!o.will.topic.empty()) out.set_will(will_of(o));
    if (tls) out.set_ssl(ssl_of(o));
    return out;
}

Connack connack_of(const mqtt::token& token, int version) {
    Connack out;
    const auto response = token.get_connect_response();
    out.session_present = response.is_session_present();
    if (version < 5) return out;
    const auto& props = response.get_properties();
    using Property = mqtt::property;
    out.receive_maximum = property_or<std::uint16_t>(props, Property::RECEIVE_MAXIMUM, 65'535);
    out.maximum_packet_size = property_or<std::uint32_t>(props, Property::MAXIMUM_PACKET_SIZE, 0);
    out.retain_available = property_or<std::uint8_t>(props, Property::RETAIN_AVAILABLE, 1) != 0;
    if (props.contains(Property::SERVER_KEEP_ALIVE))
        out.server_keep_alive =
            std::chrono::seconds{mqtt::get<std::uint16_t>(props, Property::SERVER_KEEP_ALIVE)};
    return out;
}

std::string refusal(int code) {
    switch (code) {
        case 0x84:
        case 1:
            return "the broker does not speak this version of MQTT";
        case 0x85:
        case 2:
            return "the broker refuses the client id";
        case 0x86:
        case 4:
            return "the broker refuses user name or password";
        case 0x87:
        case 5:
            return "the broker does not authorise this gateway";
        case 0x88:
        case 3:
            return "the broker is not available now";
        case 0x8E:
            return "another client has taken over this client id";
        case 0x9A:
            return "the broker does not allow retained messages";
        default:
            return "the broker refuses with reason " + std::to_string(code);
    }
}

}  // namespace sl::northbound
