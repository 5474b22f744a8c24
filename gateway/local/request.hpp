// One request to the local API and its answer, free of any transport.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sl::local {

// What the peer may do; each includes the one before.
enum class Role : std::uint8_t { none, view, operator_, admin };

struct Request {
    std::string method;  // "GET"
    std::string path;    // "/api/v1/lamps", without the query, not percent-decoded
    std::string query;   // "select=F1", without the question mark
    std::string body;
    Role role = Role::none;
    std::string user;  // name of the peer's user, or "uid-1234"
};

struct Response {
    int status = 200;
    std::string body;
    std::string allow;  // methods, for 405
};

// Called once, on the reactor thread, at once or later.
using Reply = std::function<void(Response)>;
using Handler = std::function<void(const Request&, Reply)>;

}  // namespace sl::local
