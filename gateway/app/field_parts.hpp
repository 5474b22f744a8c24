// What one line consists of; shared by the two halves of Field.
#pragma once

#include "gateway/app/field.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sl::app {

// What stands behind one target: the heads of one controller, a meter, or a module.
struct TargetObjects {
    ObjectKind kind = ObjectKind::lamp;
    std::vector<std::size_t> indices;
};

struct Field::LineParts {
    std::unique_ptr<wire::Bus> bus;
    std::vector<std::pair<std::string, std::unique_ptr<Driver>>> drivers;  // by protocol
    std::vector<device::Target> targets;
    std::vector<std::string> keys;       // protocol and address of each target
    std::vector<TargetObjects> objects;  // parallel to targets
    std::unique_ptr<device::Poller> poller;
    bool up = false, written_off = false;
    std::optional<wire::TimePoint> down_since;
};

// A raw input becomes a state only after it has been the same for the input's debounce time.
void debounce(const site::Input& input, site::InputState& state, bool active, site::SiteTime at);

// Completion handler of the long coroutines: whatever ends one of them is said.
std::function<void(std::exception_ptr)> log_failure(const std::string& what);

}  // namespace sl::app
