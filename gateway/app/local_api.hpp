// The local API of the running gateway: fills what local/ shows, and lets commands of people at the cabinet
// through.
#pragma once

#include "gateway/local/api_context.hpp"
#include "gateway/local/changes.hpp"
#include "gateway/local/http_server.hpp"
#include "gateway/local/router.hpp"
#include "gateway/site/alarm.hpp"

#include <memory>
#include <string>

namespace sl::app {

class Runtime;

class LocalApi {
  public:
    // `runtime` must outlive it.
    explicit LocalApi(Runtime& runtime);
    ~LocalApi();

    void start();  // a socket that cannot be opened is logged; the lights do not depend on it
    void stop();
    void tick();  // once a second
    void alarm(const site::AlarmTransition& transition);

  private:
    void fill();
    void fill_numbers();
    local::NightInfo night() const;
    std::vector<local::LineInfo> lines() const;
    local::OutboxInfo outbox() const;
    void command(const std::string& json, local::Role role, const std::string& user,
                 const local::ApiContext::CommandDone& done);

    Runtime& runtime_;
    local::ApiContext context_;
    local::Router router_;
    local::Changes changes_;
    std::unique_ptr<local::HttpServer> server_;
};

}  // namespace sl::app
