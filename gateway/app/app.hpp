// What main() can do.
#pragma once

#include "gateway/app/options.hpp"

namespace sl::app {

// Reads the whole configuration and reports every mistake; touches nothing.
Exit check(const Options& options);
// The daemon, until SIGTERM or SIGINT.
Exit run(const Options& options);

}  // namespace sl::app
