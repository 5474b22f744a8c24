// Reading files: caps, encodings, the checks that keep toml++ out of trouble, and one hash over all of it.
#pragma once

#include "gateway/settings/report.hpp"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace sl::settings {

constexpr std::size_t max_toml_bytes = 256 * 1024;
constexpr std::size_t max_csv_bytes = 4 * 1024 * 1024;  // 20,000 rows of 200 bytes
constexpr std::size_t max_line_bytes = 4 * 1024;
constexpr int max_key_parts = 8;

// SHA-256 over the bytes of all files in the order they are added.
class Digest {
  public:
    Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;
    ~Digest();
    void add(std::string_view bytes);
    std::string hex();  // once, at the end

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Whole content of a regular file, or why not.
std::optional<std::string> read_file(const std::string& path, std::size_t limit, std::string& why);

// Takes off a byte order mark; text that is not UTF-8 is read as GB18030. On failure `why` names the byte.
std::optional<std::string> decode_text(std::string_view bytes, std::string& why, int& line);
bool is_gb18030(std::string_view bytes);
// Offset of the first byte that is no UTF-8, or npos.
std::size_t invalid_utf8(std::string_view bytes);

struct Document {
    Source source;
    toml::table table;
};

// Parses TOML text; on failure reports and returns nullptr.
std::unique_ptr<Document> parse_toml(std::string path, std::string_view bytes, Report& report);

// Where a key or a value stands.
At at_key(const Source& source, const toml::key& key);
At at_node(const Source& source, const toml::node& node);

}  // namespace sl::settings
