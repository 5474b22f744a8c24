// gateway.toml and device models from any bytes. Nothing but the text is read: includes and lamp files do not
// exist below the folder.
#include "gateway/settings/files.hpp"
#include "gateway/settings/models.hpp"
#include "gateway/settings/settings.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

// A folder in memory-backed storage when there is one, removed at exit.
class Scratch {
  public:
    Scratch() {
        std::string pattern =
            std::filesystem::exists("/dev/shm") ? "/dev/shm/sl-fuzz-XXXXXX" : "/tmp/sl-fuzz-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::string put(std::string_view text) const {
        const auto path = folder_ + "/gateway.toml";
        auto* file = std::fopen(path.c_str(), "wb");
        if (file == nullptr) std::abort();
        std::fwrite(text.data(), 1, text.size(), file);
        std::fclose(file);
        return path;
    }

  private:
    std::string folder_;
};

// A verdict is either a configuration or an error, and every diagnostic can be shown.
void check(const std::vector<sl::settings::Diagnostic>& diagnostics, bool accepted) {
    if (accepted != sl::settings::count(diagnostics).valid()) std::abort();
    for (const auto& diagnostic : diagnostics) {
        if (diagnostic.line < 1 || diagnostic.column < 1 || diagnostic.caret_length < 1) std::abort();
        if (sl::settings::render(diagnostic).empty()) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch scratch;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const sl::settings::Vocabulary vocabulary;
    const auto loaded = sl::settings::load(scratch.put(text), vocabulary);
    check(loaded.diagnostics, loaded.config.has_value());

    std::vector<sl::settings::Diagnostic> diagnostics;
    sl::settings::Report report{diagnostics};
    const auto document = sl::settings::parse_toml("model.toml", text, report);
    if (document) check(diagnostics, sl::settings::read_model(*document, report).has_value());
    return 0;
}
