// gateway.toml, the files it includes, lamps.csv and the device models -> site::Config, or every mistake at
// once.
#pragma once

#include "gateway/site/config.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sl::settings {

// One mistake (or, with error = false, one warning). Line and column count from 1, columns in code points.
struct Diagnostic {
    std::string file;
    int line = 1, column = 1;
    bool error = true;
    std::string message;
    std::string source_line;
    int caret_length = 1;  // code points
    std::string hint;      // what to write instead; may be empty
};

// What settings cannot know by itself: protocols, the zone database and where the device models lie.
// An absent function accepts everything.
struct Vocabulary {
    std::vector<std::string> protocols;
    std::function<bool(std::string_view protocol, std::string_view address, std::string& why)> check_address;
    std::function<bool(std::string_view zone)> zone_exists;
    // Mistakes of a model that its schema does not show, each a sentence.
    std::function<std::vector<std::string>(const site::DeviceModel& model)> check_model;
    std::vector<std::string> model_dirs;  // searched in this order; the first file with an id wins
};

struct Loaded {
    std::optional<site::Config> config;  // empty when there is an error
    std::vector<Diagnostic> diagnostics;
};

// Reads the whole configuration. Never throws for what stands in a file.
Loaded load(const std::string& gateway_toml_path, const Vocabulary& vocabulary);

// Reads one device model; appends to `diagnostics`.
std::optional<site::DeviceModel> load_model(const std::string& path, std::vector<Diagnostic>& diagnostics);

// "file:line:column: error: message", the source line, and a caret that stands under the place also behind
// full-width characters. Ends with a newline.
std::string render(const Diagnostic& diagnostic);

struct CheckResult {
    int errors = 0, warnings = 0;
    bool valid() const { return errors == 0; }
};
CheckResult count(const std::vector<Diagnostic>& diagnostics);
// The last line of a check: "3 errors. The running configuration is untouched."
std::string summary(const Loaded& loaded);

}  // namespace sl::settings
