// Is a device model right in itself, and does it decode its own test frames? Run by `streetlightd --check`
// and by the tests.
#pragma once

#include "gateway/site/model.hpp"

#include <string>
#include <vector>

namespace sl::device {

// Every mistake as one sentence that names the point or the vector and the mend; empty when the model is
// good.
std::vector<std::string> check(const site::DeviceModel& model);

// The part of check() that runs the model's own vectors through codec, plan and decode.
std::vector<std::string> check_vectors(const site::DeviceModel& model);

}  // namespace sl::device
