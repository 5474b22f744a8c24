#include "gateway/settings/models.hpp"

#include "gateway/settings/model_point.hpp"
#include "gateway/settings/reader.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace sl::settings {
namespace {

constexpr std::size_t max_files = 2'000;

void read_title(Reader& in, site::DeviceModel& out) {
    if (!in.require("title", "\"Example meter\"")) return;
    const auto* node = in.find("title");
    if (!node->is_table()) {
        in.text("title", out.title);
        return;
    }
    const auto parts = in.table("title");
    Reader title{in.report(), "title", parts, in.at("title")};
    title.require("en", "\"Example meter\"");
    title.text("en", out.title);
    title.text("zh-CN", out.title_zh);
    title.finish();
}

void read_limits(Reader& root, site::DeviceModel& out) {
    using std::chrono_literals::operator""ms;
    using std::chrono_literals::operator""s;
    const auto parts = root.table("limits");
    if (parts.empty()) return;
    root.find("limits");
    Reader in{root.report(), "limits", parts, root.at("limits")};
    in.integer("max_registers", out.max_count, 1, 125);
    in.integer("max_gap", out.max_gap, 0, 125);
    in.flag("broadcast", out.broadcast);
    in.duration("timeout", out.timeout, 10ms, 60s);
    in.duration("turnaround", out.turnaround, 0ms, 10s);
    in.finish();
}

void read_points(Reader& root, site::DeviceModel& out) {
    if (!root.require("point", "a table [point]")) return;
    const auto parts = root.table("point");
    for (const auto& part : parts) {
        for (const auto& [key, node] : *part.table) {
            const auto* table = node.as_table();
            const auto at = at_key(*part.source, key);
            if (table == nullptr) {
                root.report().error(at, fmt::format("point \"{}\" must be a table", key.str()),
                                    "as in power = { kind = \"power_w\", ... }");
                continue;
            }
            Reader in{root.report(), fmt::format("point \"{}\"", key.str()), {{part.source, table}}, at};
            auto& point = out.points.emplace_back();
            point.key = std::string{key.str()};
            read_point(in, point, out.protocol, out.heads);
            in.finish();
            const auto same = [&](const site::Point& other) {
                return &other != &point && other.quantity == point.quantity && other.phase == point.phase &&
                       other.head == point.head;
            };
            const auto twin = std::find_if(out.points.begin(), out.points.end(), same);
            if (twin != out.points.end()) {
                root.report().error(
                    at, fmt::format("points \"{}\" and \"{}\" are the same quantity, phase and head",
                                    twin->key, point.key));
            }
        }
    }
}

bool is_hex(std::string_view text) {
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == ' ') continue;
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex) return false;
        ++digits;
    }
    return digits > 0 && digits % 2 == 0;
}

bool has_point(const site::DeviceModel& model, std::string_view key) {
    return std::any_of(model.points.begin(), model.points.end(),
                       [key](const site::Point& point) { return point.key == key; });
}

std::vector<std::string> point_keys(const site::DeviceModel& model) {
    std::vector<std::string> keys;
    for (const auto& point : model.points)
        keys.push_back(point.key);
    return keys;
}

void read_expect(Reader& in, const site::DeviceModel& model, site::ModelVector& out) {
    const auto parts = in.table("expect");
    for (const auto& part : parts) {
        for (const auto& [key, node] : *part.table) {
            const auto at = at_key(*part.source, key);
            if (!has_point(model, key.str())) {
                in.report().error(at, fmt::format("the model has no point \"{}\"", key.str()),
                                  suggest(key.str(), point_keys(model)));
            } else if (!node.is_number()) {
                in.report().error(at, fmt::format("{} must be a number", key.str()));
            } else {
                out.expect.emplace_back(key.str(), node.value<double>().value_or(0.0));
            }
        }
    }
    in.words("expect_missing", out.expect_missing);
    for (const auto& key : out.expect_missing) {
        if (!has_point(model, key)) {
            in.refuse("expect_missing", fmt::format("the model has no point \"{}\"", key),
                      suggest(key, point_keys(model)));
        }
    }
}

void read_vectors(Reader& root, site::DeviceModel& out) {
    if (!root.require("vector", "at least one [[vector]] with request, response and expect")) return;
    for (const auto& part : root.tables("vector")) {
        auto in = reader_of(root.report(), "[[vector]]", part);
        auto& vector = out.vectors.emplace_back();
        in.require("request", "\"01 04 ..\"");
        for (const auto& [key, target] :
             {std::pair{"request", &vector.request_hex}, {"response", &vector.response_hex}}) {
            if (in.text(key, *target) && !is_hex(*target))
                in.refuse(key, fmt::format("{} must be bytes in hex", key));
        }
        in.text("source", vector.source);
        read_expect(in, out, vector);
        in.finish();
    }
}

void read_head(Reader& in, site::DeviceModel& out) {
    int schema = 1;
    in.require("schema", "1");
    in.integer("schema", schema, 1, 1);
    in.require("id", "\"lamp/example\"");
    in.text("id", out.id);
    read_title(in, out);
    in.require("kind", "\"lamp\"");
    in.choice<site::DeviceKind>(
        "kind", out.kind,
        {{"lamp", site::DeviceKind::lamp}, {"meter", site::DeviceKind::meter}, {"io", site::DeviceKind::io}});
    in.require("protocol", "\"modbus-rtu\"");
    in.text("protocol", out.protocol);
    in.integer("heads", out.heads, 1, 16);
    std::int64_t boot = 0;
    if (in.integer("boot_s", boot, 0, 3'600)) out.boot = std::chrono::seconds{boot};
    in.choice<site::FailsafeKind>("failsafe", out.failsafe,
                                  {{"none", site::FailsafeKind::none},
                                   {"fixed_level", site::FailsafeKind::fixed_level},
                                   {"profile_since_power_on", site::FailsafeKind::profile_since_power_on},
                                   {"stored_schedule", site::FailsafeKind::stored_schedule}});
    in.require("source", "\"manual of the device, table 3\"");
    in.text("source", out.source);
    in.words("caveats", out.caveats);
}

}  // namespace

std::optional<site::DeviceModel> read_model(const Document& document, Report& report) {
    std::vector<Diagnostic> own;
    Report inner{own};
    site::DeviceModel model;
    Reader in{inner, "", {{&document.source, &document.table}}, At{&document.source, 1, 1, 1}};
    read_head(in, model);
    read_limits(in, model);
    read_points(in, model);
    read_vectors(in, model);
    in.finish();
    inner.close();
    for (const auto& diagnostic : own)
        report.add(diagnostic);
    if (inner.failed()) return std::nullopt;
    return model;
}

ModelShelf::ModelShelf(const Vocabulary& vocabulary, Digest& digest)
    : vocabulary_(vocabulary), digest_(digest) {
    for (const auto& dir : vocabulary.model_dirs)
        scan(dir);
}

void ModelShelf::scan(const std::string& dir) {
    namespace fs = std::filesystem;
    std::vector<std::string> paths;
    std::error_code error;
    fs::recursive_directory_iterator it{dir, fs::directory_options::skip_permission_denied, error};
    for (; !error && it != fs::recursive_directory_iterator{} && paths.size() < max_files;
         it.increment(error))
        if (it->path().extension() == ".toml") paths.push_back(it->path().string());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        // The id is the path below the directory without its ending; the file is opened when it is used.
        const auto relative = fs::path{path}.lexically_relative(dir).replace_extension();
        files_.try_emplace(relative.generic_string(), File{path, nullptr, std::nullopt, false});
    }
}

std::vector<std::string> ModelShelf::ids() const {
    std::vector<std::string> ids;
    for (const auto& [id, file] : files_)
        ids.push_back(id);
    return ids;
}

const site::DeviceModel* ModelShelf::find(const std::string& id, Report& report) {
    const auto it = files_.find(id);
    if (it == files_.end()) return nullptr;
    auto& file = it->second;
    if (!std::exchange(file.read, true)) read(id, file, report);
    return file.model ? &*file.model : nullptr;
}

void ModelShelf::read(const std::string& id, File& file, Report& report) {
    std::string why;
    const auto bytes = read_file(file.path, max_toml_bytes, why);
    if (!bytes) {
        const Source nowhere{file.path, {}};
        report.error(At{&nowhere, 1, 1, 1}, fmt::format("the model {}", why));
        return;
    }
    digest_.add(*bytes);
    file.document = parse_toml(file.path, *bytes, report);
    if (file.document) file.model = read_model(*file.document, report);
    if (!file.model) return;
    const At top{&file.document->source, 1, 1, 1};
    bool good = file.model->id == id;
    if (!good)
        report.error(top, fmt::format("the file says id = \"{}\", its path \"{}\"", file.model->id, id));
    if (good && vocabulary_.check_model) {
        for (const auto& mistake : vocabulary_.check_model(*file.model)) {
            report.error(top, mistake);
            good = false;
        }
    }
    if (!good) file.model.reset();
}

std::optional<site::DeviceModel> load_model(const std::string& path, std::vector<Diagnostic>& diagnostics) {
    Report report{diagnostics};
    std::string why;
    const auto bytes = read_file(path, max_toml_bytes, why);
    if (!bytes) {
        const Source nowhere{path, {}};
        report.error(At{&nowhere, 1, 1, 1}, fmt::format("the model {}", why));
        return std::nullopt;
    }
    const auto document = parse_toml(path, *bytes, report);
    if (!document) return std::nullopt;
    return read_model(*document, report);
}

}  // namespace sl::settings
