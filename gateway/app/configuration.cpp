#include "gateway/app/configuration.hpp"

#include "gateway/app/app.hpp"
#include "gateway/device/model_check.hpp"
#include "gateway/platform/zone.hpp"
#include "protocols/registry.hpp"

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace sl::app {
namespace {

namespace fs = std::filesystem;

// Beside the configuration, then the site's own, then the installed ones; a build tree finds those of its
// source.
std::vector<std::string> model_directories(const std::string& config) {
    std::vector<std::string> directories;
    const fs::path beside = fs::path{config}.parent_path() / "models";
    directories.push_back(beside.string());
    directories.emplace_back("/etc/streetlight/models");
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
        const fs::path bin = program.parent_path();
        directories.push_back((bin.parent_path() / "share/streetlight/models").string());
        directories.push_back((bin.parent_path().parent_path().parent_path() / "config/models").string());
    }
    directories.emplace_back("/usr/share/streetlight/models");
    return directories;
}

bool zone_exists(std::string_view name) {
    try {
        return platform::load_zone(name) != nullptr;
    } catch (const std::runtime_error&) {
        return false;
    }
}

bool check_address(std::string_view protocol, std::string_view address, std::string& why) {
    const Protocol* found = find_protocol(protocol);
    if (found == nullptr) {
        why = "unknown protocol";
        return false;
    }
    return found->parse_address(address, why).has_value();
}

}  // namespace

settings::Loaded load_configuration(const Options& options) {
    settings::Vocabulary vocabulary;
    for (const Protocol& protocol : protocols())
        vocabulary.protocols.emplace_back(protocol.name);
    vocabulary.check_address = check_address;
    vocabulary.zone_exists = zone_exists;
    vocabulary.check_model = device::check;  // a model whose own test frames fail would misread the street
    vocabulary.model_dirs = model_directories(options.config);
    settings::Loaded loaded = settings::load(options.config, vocabulary);
    if (!loaded.config) return loaded;
    if (!options.store_directory.empty()) loaded.config->store.directory = options.store_directory;
    if (!options.log_level.empty()) loaded.config->log_level = options.log_level;
    return loaded;
}

Exit check(const Options& options) {
    const settings::Loaded loaded = load_configuration(options);
    for (const settings::Diagnostic& diagnostic : loaded.diagnostics) {
        (void)std::fputs(settings::render(diagnostic).c_str(), stdout);
    }
    (void)std::fputs(settings::summary(loaded).c_str(), stdout);
    (void)std::fputs("\n", stdout);
    return loaded.config ? Exit::done : Exit::config_invalid;
}

}  // namespace sl::app
