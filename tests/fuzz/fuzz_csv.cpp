// lamps.csv from any bytes: encoding, records, cells and the checks behind them.
#include "gateway/settings/draft.hpp"
#include "gateway/settings/files.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace settings = sl::settings;
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    std::string why;
    int line = 1;
    const auto text = settings::decode_text(bytes, why, line);
    if (!text) return why.empty() ? (std::abort(), 0) : 0;
    if (settings::invalid_utf8(*text) != std::string_view::npos) std::abort();

    settings::Source source{"lamps.csv", settings::lines_of(*text)};
    std::vector<settings::Diagnostic> diagnostics;
    settings::Report report{diagnostics};
    settings::Draft draft;
    draft.config.plant.lines.emplace_back().id = "L";
    draft.lines.emplace_back();
    draft.config.plant.feeders.emplace_back().id = "F1";
    draft.feeders.emplace_back();
    draft.feeder_notes.emplace_back();
    draft.default_line = "L";
    draft.has_place = true;
    settings::read_lamps(source, *text, draft, report);
    settings::check_lamps(draft, settings::Vocabulary{}, report);
    settings::check_safety(draft, report);
    for (const auto& diagnostic : diagnostics) {
        if (diagnostic.line < 1 || diagnostic.column < 1 || settings::render(diagnostic).empty())
            std::abort();
    }
    return 0;
}
