// Loading the configuration with all that settings/ cannot know by itself.
#pragma once

#include "gateway/app/options.hpp"
#include "gateway/settings/settings.hpp"
#include "gateway/site/config.hpp"

#include <optional>
#include <string>

namespace sl::app {

// Loads and checks, device models' own test frames included; command-line overrides are applied.
settings::Loaded load_configuration(const Options& options);

}  // namespace sl::app
