// The routes of the local API, the same on every transport: who may call what, and which view answers.
#pragma once

#include "gateway/local/api_context.hpp"
#include "gateway/local/request.hpp"

namespace sl::local {

class Router {
  public:
    // The context must outlive the router.
    explicit Router(const ApiContext& api) : api_(api) {}
    void handle(const Request& request, const Reply& reply) const;

  private:
    const ApiContext& api_;
};

}  // namespace sl::local
