// Our words of a connection in those of Paho, and Paho's answers in ours. For paho_link.cpp alone.
#pragma once

#include "gateway/northbound/connect_check.hpp"
#include "gateway/northbound/link.hpp"

#include <string>

#include <mqtt/async_client.h>

namespace sl::northbound {

template <typename T>
T property_or(const mqtt::properties& props, mqtt::property::code code, T otherwise) {
    return props.contains(code) ? mqtt::get<T>(props, code) : otherwise;
}

std::string paho_url(const BrokerAddress& to);
// Reads the password file: may block.
mqtt::connect_options paho_options(const ConnectOptions& o, bool tls);
Connack connack_of(const mqtt::token& token, int version);
// What the broker says with a reason code, for a person. MQTT 3.1.1 codes arrive as 1..5, those of MQTT 5 as
// >= 0x80.
std::string refusal(int code);

}  // namespace sl::northbound
