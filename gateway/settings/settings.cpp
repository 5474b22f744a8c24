// The order of reading, and the verdict.
#include "gateway/settings/settings.hpp"

#include "gateway/settings/draft.hpp"
#include "gateway/settings/files.hpp"
#include "gateway/settings/models.hpp"
#include "gateway/settings/report.hpp"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>

#include <fmt/format.h>

namespace sl::settings {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_included = 64;

class Loader {
  public:
    Loader(std::string path, const Vocabulary& vocabulary)
        : path_(std::move(path)),
          folder_(fs::path{path_}.parent_path()),
          vocabulary_(vocabulary),
          report_(found_) {}

    Loaded run() {
        if (read_document(path_, At{nullptr})) {
            read_includes();
            read_sections();
        }
        Loaded loaded;
        report_.close();
        order_diagnostics();
        if (!report_.failed()) {
            draft_.config.sha256 = digest_.hex();
            loaded.config = std::move(draft_.config);
        }
        loaded.diagnostics = std::move(found_);
        return loaded;
    }

  private:
    // A file that cannot be read is reported at `from`, where it is named; the first at itself.
    std::optional<std::string> read_bytes(const std::string& path, std::size_t limit, const At& from) {
        std::string why;
        auto bytes = read_file(path, limit, why);
        read_order_.push_back(path);
        if (bytes) {
            digest_.add(*bytes);
            return bytes;
        }
        const Source nowhere{path, {}};
        report_.error(from.source == nullptr ? At{&nowhere, 1, 1, 1} : from, fmt::format("{} {}", path, why));
        return std::nullopt;
    }

    bool read_document(const std::string& path, const At& from) {
        const auto bytes = read_bytes(path, max_toml_bytes, from);
        if (!bytes) return false;
        auto document = parse_toml(path, *bytes, report_);
        if (!document) return false;
        documents_.push_back(std::move(document));
        return true;
    }

    void read_includes() {
        const auto& main = *documents_.front();
        Reader in{report_, "", {{&main.source, &main.table}}, At{&main.source, 1, 1, 1}};
        std::vector<std::string> patterns;
        if (!in.words("include", patterns)) return;
        const auto* array = in.find("include")->as_array();
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            const auto& pattern = patterns[i];
            const auto at = in.at_element("include", *array->get(i));
            const auto paths = matches(pattern);
            const bool wild = pattern.find_first_of("*?[") != std::string::npos;
            if (paths.empty() && !wild) report_.error(at, fmt::format("\"{}\" does not exist", pattern));
            for (const auto& path : paths) {
                if (documents_.size() > max_included) {
                    report_.error(at, fmt::format("more than {} files are included", max_included));
                    return;
                }
                read_document(path, at);
            }
        }
    }

    // Wildcards stand in the last part of a pattern only. Name order.
    std::vector<std::string> matches(const std::string& pattern) const {
        const auto full = folder_ / pattern;
        std::vector<std::string> found;
        std::error_code error;
        const auto dir = full.has_parent_path() ? full.parent_path() : fs::path{"."};
        fs::directory_iterator it{dir, error};
        for (; !error && it != fs::directory_iterator{}; it.increment(error)) {
            const auto name = it->path().filename().string();
            if (fnmatch(full.filename().c_str(), name.c_str(), FNM_PERIOD) == 0)
                found.push_back((full.parent_path() / name).string());
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    void read_sections() {
        std::vector<Part> parts;
        for (const auto& document : documents_)
            parts.push_back({&document->source, &document->table});
        Reader root{report_, "", parts, At{&documents_.front()->source, 1, 1, 1}};
        int schema = 1;
        root.integer("schema", schema, 1, 1);
        root.find("include");
        for (std::size_t i = 1; i < documents_.size(); ++i)
            refuse_include(*documents_[i]);
        read_site(root, draft_, vocabulary_);
        read_cabinet(root, draft_, vocabulary_);
        read_plan(root, draft_);
        read_services(root, draft_);
        root.finish();
        read_lamp_file();
        ModelShelf shelf{vocabulary_, digest_};
        read_models(draft_, shelf, report_);
        check_plant(draft_, vocabulary_, report_);
        check_lamps(draft_, vocabulary_, report_);
        check_safety(draft_, report_);
        check_plan(draft_, report_);
    }

    void refuse_include(const Document& document) {
        for (const auto& [key, node] : document.table) {
            if (key.str() == "include")
                report_.error(at_key(document.source, key), "an included file cannot include others");
        }
    }

    void read_lamp_file() {
        if (draft_.lamps_file.empty()) return;
        const auto at = draft_.lamps.of("file");
        const auto path = (folder_ / draft_.lamps_file).string();
        const auto bytes = read_bytes(path, max_csv_bytes, at);
        if (!bytes) return;
        std::string why;
        int line = 1;
        lamp_source_.path = path;
        const auto text = decode_text(*bytes, why, line);
        if (!text) {
            report_.error(At{&lamp_source_, line, 1, 1}, fmt::format("the file {}", why));
            return;
        }
        lamp_source_.lines = lines_of(*text);
        read_lamps(lamp_source_, *text, draft_, report_);
    }

    // By file in the order read, then by place: the order in which a person mends them.
    void order_diagnostics() {
        const auto rank = [this](const Diagnostic& d) {
            return std::find(read_order_.begin(), read_order_.end(), d.file) - read_order_.begin();
        };
        std::stable_sort(found_.begin(), found_.end(), [&](const Diagnostic& a, const Diagnostic& b) {
            return std::tuple{rank(a), a.line, a.column} < std::tuple{rank(b), b.line, b.column};
        });
    }

    std::string path_;
    fs::path folder_;
    const Vocabulary& vocabulary_;
    std::vector<Diagnostic> found_;
    Report report_;
    Digest digest_;
    std::vector<std::string> read_order_;
    std::vector<std::unique_ptr<Document>> documents_;
    Source lamp_source_;
    Draft draft_;
};

}  // namespace

void read_models(Draft& draft, ModelShelf& shelf, Report& report) {
    std::map<std::string, bool> reported;
    const auto use = [&](const std::string& who, const std::string& id, const At& at) {
        if (id.empty() || draft.config.models.contains(id) || reported.contains(id)) return;
        if (!shelf.knows(id)) {
            check_reference(report, at, who, id, {"model", shelf.ids(), nullptr});
            return;
        }
        reported[id] = true;
        if (const auto* model = shelf.find(id, report)) draft.config.models.emplace(id, *model);
    };
    const auto& plant = draft.config.plant;
    for (std::size_t i = 0; i < plant.meters.size(); ++i) {
        use(fmt::format("meter \"{}\"", plant.meters[i].id), plant.meters[i].model,
            draft.meters[i].of("model"));
    }
    for (std::size_t i = 0; i < plant.modules.size(); ++i) {
        use(fmt::format("module \"{}\"", plant.modules[i].id), plant.modules[i].model,
            draft.modules[i].of("model"));
    }
    if (!draft.default_model.empty() && !shelf.knows(draft.default_model))
        use("[lamps]", draft.default_model, draft.lamps.of("model"));
    for (std::size_t i = 0; i < plant.lamps.size(); ++i) {
        if (plant.lamps[i].model != draft.default_model || shelf.knows(draft.default_model)) {
            use(fmt::format("lamp \"{}\"", plant.lamps[i].id), plant.lamps[i].model,
                draft.lamp_marks[i].of(Column::model));
        }
    }
}

Loaded load(const std::string& gateway_toml_path, const Vocabulary& vocabulary) {
    return Loader{gateway_toml_path, vocabulary}.run();
}

}  // namespace sl::settings
