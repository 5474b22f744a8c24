// The command line of streetlightd.
#pragma once

#include "gateway/site/time.hpp"

#include <optional>
#include <string>

namespace sl::app {

// Exit codes shared with streetlightctl.
enum class Exit : int { done = 0, failed = 1, usage = 2, config_invalid = 8 };

struct Options {
    std::string config = "/etc/streetlight/gateway.toml";
    bool check = false;  // --check: read everything, touch nothing, report
    bool version = false, help = false;
    double speed = 1.0;           // site time runs this much faster (demo and tests)
    site::SiteTime start;         // site time at start; 0 = now
    std::string store_directory;  // overrides [store] directory
    std::string wire_log;         // line id, or "all"
    std::string log_level;        // overrides [log] level
};

// Parses arguments; on failure `why` holds one line for stderr.
std::optional<Options> parse_options(int argc, char** argv, std::string& why);
std::string help_text();

}  // namespace sl::app
