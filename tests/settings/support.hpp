// A configuration in a folder of its own, thrown away with the test.
#pragma once

#include "gateway/settings/settings.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sl::test {

inline std::string slurp(const std::string& path) {
    const std::ifstream file{path, std::ios::binary};
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

class Folder {
  public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sl-settings-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path{*this / name}.parent_path());
        std::ofstream{*this / name, std::ios::binary} << text;
    }

  private:
    std::string path_;
};

// What the daemon would give, with the models of the project and two protocols' rules for addresses.
inline settings::Vocabulary vocabulary() {
    settings::Vocabulary out;
    out.protocols = {"modbus-rtu", "modbus-tcp", "dlt645-2007", "dali-ecodim"};
    out.check_address = [](std::string_view protocol, std::string_view address, std::string& why) {
        const bool digits = address.find_first_not_of("0123456789") == std::string_view::npos;
        if (protocol == "dlt645-2007") {
            why = "12 digits, as printed on the meter";
            return digits && address.size() == 12;
        }
        why = "a unit from 1 to 247";
        const int unit = digits && address.size() <= 3 ? std::atoi(std::string{address}.c_str()) : 0;
        return unit >= 1 && unit <= 247;
    };
    out.zone_exists = [](std::string_view zone) { return zone == "Asia/Shanghai" || zone == "UTC"; };
    out.model_dirs = {SL_SOURCE_DIR "/config/models"};
    return out;
}

// All diagnostics as text, with the folder taken out of the paths.
inline std::string rendered(const settings::Loaded& loaded, const Folder& folder) {
    std::string out;
    for (const auto& diagnostic : loaded.diagnostics)
        out += settings::render(diagnostic);
    const std::string prefix = folder / "";
    for (auto at = out.find(prefix); at != std::string::npos; at = out.find(prefix))
        out.erase(at, prefix.size());
    return out;
}

// One small valid cabinet: a switched feeder with an astronomical timer, one meter, two lamps.
inline std::string small_cabinet() {
    return R"([site]
site = "JZ"
gateway = "0237"
latitude = 37.687
longitude = 112.7528
[[line]]
id = "lamps"
device = "/dev/ttyS2"
protocol = "modbus-rtu"
[[module]]
id = "IO1"
line = "lamps"
model = "io/wb-mrm2"
address = "200"
[[contactor]]
id = "K1"
module = "IO1"
dead_state = "astro-timer"
[[feeder]]
id = "F1"
contactor = "K1"
failsafe = 100
[lamps]
file = "lamps.csv"
model = "lamp/generic-modbus-2ch"
line = "lamps"
[[profile]]
id = "night"
steps = [ { at = "dusk", level = 100 }, { at = "dawn", level = 0 } ]
[[schedule]]
id = "everyday"
priority = 10
group = "all"
profile = "night"
)";
}
inline std::string small_lamps() {
    return "id,address,feeder,road_class\nL1,1,F1,main\nL2,2,F1,main\n";
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == std::string::npos) throw std::logic_error("not in the text: " + from);
    return text.replace(at, from.size(), to);
}

// Loads a small cabinet with this text and these lamps.
inline settings::Loaded load_small(const Folder& folder, const std::string& toml, const std::string& csv) {
    folder.write("gateway.toml", toml);
    folder.write("lamps.csv", csv);
    return settings::load(folder / "gateway.toml", vocabulary());
}

}  // namespace sl::test
