// Device model files: finding them by id and reading them.
#pragma once

#include "gateway/settings/files.hpp"
#include "gateway/settings/settings.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sl::settings {

std::optional<site::DeviceModel> read_model(const Document& document, Report& report);

// All model files below the directories. Files are opened at construction for their ids only; mistakes are
// reported for those that are used.
class ModelShelf {
  public:
    ModelShelf(const Vocabulary& vocabulary, Digest& digest);
    // The model, or nullptr: unknown (not reported) or broken (reported once).
    const site::DeviceModel* find(const std::string& id, Report& report);
    bool knows(const std::string& id) const { return files_.contains(id); }
    std::vector<std::string> ids() const;

  private:
    struct File {
        std::string path;
        std::unique_ptr<Document> document;
        std::optional<site::DeviceModel> model;
        bool read = false;
    };
    void scan(const std::string& dir);
    std::map<std::string, File> files_;
    void read(const std::string& id, File& file, Report& report);
    const Vocabulary& vocabulary_;
    Digest& digest_;
};

}  // namespace sl::settings
