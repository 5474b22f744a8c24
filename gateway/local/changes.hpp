// What a listener of the event stream is told about lamps and feeders: that they changed.
#pragma once

#include "gateway/local/api_context.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sl::local {

// Compared at the owner's pace, so that a lamp that changes often is told of once a step.
class Changes {
  public:
    using Publish = std::function<void(std::string_view topic, std::string_view json)>;

    // `api` must outlive it.
    explicit Changes(const ApiContext& api) : api_(api) {}

    // One message for every lamp and feeder a person would see differently than at the last step; the first
    // step tells nothing.
    void step(const Publish& publish);

  private:
    const ApiContext& api_;
    std::vector<std::string> lamps_, feeders_;  // what was told last, without the time
};

}  // namespace sl::local
