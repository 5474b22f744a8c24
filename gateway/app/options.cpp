#include "gateway/app/options.hpp"

#include "gateway/platform/zone.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <getopt.h>

namespace sl::app {
namespace {

enum Key : int {
    key_config = 256,
    key_check,
    key_speed,
    key_start,
    key_store,
    key_wire,
    key_level,
    key_version,
    key_help
};

constexpr double fastest = 100'000.0;

bool take(Options& options, int key, const char* value, std::string& why) {
    switch (key) {
        case key_config:
            options.config = value;
            return true;
        case key_check:
            options.check = true;
            return true;
        case key_store:
            options.store_directory = value;
            return true;
        case key_wire:
            options.wire_log = value;
            return true;
        case key_level:
            options.log_level = value;
            return true;
        case key_version:
            options.version = true;
            return true;
        case key_help:
            options.help = true;
            return true;
        case key_speed: {
            char* end = nullptr;
            options.speed = std::strtod(value, &end);
            if (*end == '\0' && options.speed >= 0.01 && options.speed <= fastest) return true;
            why = std::string{"--speed wants a number from 0.01 to 100000, not \""} + value + "\"";
            return false;
        }
        case key_start: {
            const auto time = platform::parse_time(value);
            if (time) {
                options.start = *time;
                return true;
            }
            why =
                std::string{"--start wants a time such as 2026-11-23T16:00:00+08:00, not \""} + value + "\"";
            return false;
        }
        default:
            return false;
    }
}

std::string unknown_option(const std::string& word) {
    return "\"" + word + "\" is no option, or its value is missing; see streetlightd --help";
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, std::string& why) {
    static const std::array<option, 10> table{{{"config", required_argument, nullptr, key_config},
                                               {"check", no_argument, nullptr, key_check},
                                               {"speed", required_argument, nullptr, key_speed},
                                               {"start", required_argument, nullptr, key_start},
                                               {"store", required_argument, nullptr, key_store},
                                               {"wire-log", required_argument, nullptr, key_wire},
                                               {"log-level", required_argument, nullptr, key_level},
                                               {"version", no_argument, nullptr, key_version},
                                               {"help", no_argument, nullptr, key_help},
                                               {nullptr, 0, nullptr, 0}}};
    Options options;
    optind = 1;
    opterr = 0;
    for (;;) {
        const int key = ::getopt_long(argc, argv, "", table.data(), nullptr);
        if (key == -1) break;
        if (!take(options, key, optarg, why)) {
            if (why.empty()) why = unknown_option(argv[optind - 1]);
            return std::nullopt;
        }
    }
    if (options.check && optind + 1 == argc) options.config = argv[optind++];
    if (optind < argc) {
        why = std::string{"unexpected argument \""} + argv[optind] + "\"; see streetlightd --help";
        return std::nullopt;
    }
    return options;
}

std::string help_text() {
    return R"(streetlightd - the street-lighting gateway of one feeder cabinet

  --config FILE      configuration (default /etc/streetlight/gateway.toml)
  --check [FILE]     read the whole configuration, report every error, touch nothing; exit 8 when it is invalid
  --store DIR        where records are kept, instead of [store] directory
  --log-level LEVEL  debug, info, warning, error
  --wire-log LINE    log every byte of a line (or "all")
  --speed N          run site time N times as fast (demo, tests)
  --start TIME       begin at that site time, e.g. 2026-11-23T16:00:00+08:00
  --version, --help

Exit codes: 0 done, 1 failed, 2 usage, 8 configuration invalid.
)";
}

}  // namespace sl::app
