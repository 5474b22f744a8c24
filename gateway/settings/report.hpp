// Places in text files and the list of mistakes found there.
#pragma once

#include "gateway/settings/settings.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sl::settings {

// A file that was read, as UTF-8 lines without their ends.
struct Source {
    std::string path;
    std::vector<std::string> lines;
};
std::vector<std::string> lines_of(std::string_view text);

// A stretch of one line; columns and length in code points.
struct At {
    const Source* source = nullptr;
    int line = 1, column = 1, length = 1;
};

class Report {
  public:
    // Beyond this many, mistakes are counted but no longer kept: a hostile file must not fill the memory.
    static constexpr std::size_t most = 200;

    explicit Report(std::vector<Diagnostic>& out) : out_(out) {}

    void error(const At& at, std::string message, std::string hint = {}) {
        add(at, true, std::move(message), std::move(hint));
    }
    // The stretch itself is not shown: it is a secret.
    void error_masked(const At& at, std::string message, std::string hint);
    void warning(const At& at, std::string message, std::string hint = {}) {
        add(at, false, std::move(message), std::move(hint));
    }
    void add(Diagnostic diagnostic);
    bool failed() const { return errors_ > 0; }
    // Says how many were left out, if any.
    void close();

  private:
    void add(const At& at, bool error, std::string message, std::string hint);
    std::vector<Diagnostic>& out_;
    std::size_t errors_ = 0, left_out_ = 0;
};

// Where the parts of one entity stand: its header and the value of each key.
struct Mark {
    At header;
    std::map<std::string, At, std::less<>> keys;
    const At& of(std::string_view key) const {
        const auto it = keys.find(key);
        return it == keys.end() ? header : it->second;
    }
};

// "gateway.toml:147", for a hint that points elsewhere.
std::string place(const At& at);

}  // namespace sl::settings
