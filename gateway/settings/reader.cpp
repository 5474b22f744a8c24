#include "gateway/settings/reader.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {

Reader::Reader(Report& report, std::string title, std::vector<Part> parts, At header)
    : report_(report), title_(std::move(title)), parts_(std::move(parts)) {
    mark_.header = header;
}

Reader reader_of(Report& report, std::string title, const Part& part) {
    return Reader{report, std::move(title), {part}, at_node(*part.source, *part.table)};
}

namespace {

struct Found {
    const toml::node* node = nullptr;
    At key;
};

Found find_in(const Part& part, std::string_view key) {
    for (const auto& [name, node] : *part.table)
        if (name.str() == key) return {&node, at_key(*part.source, name)};
    return {};
}

}  // namespace

const toml::node* Reader::find(std::string_view key) {
    const bool first_time = std::find(known_.begin(), known_.end(), key) == known_.end();
    if (first_time) known_.emplace_back(key);
    const toml::node* result = nullptr;
    At first;
    for (const auto& part : parts_) {
        const auto found = find_in(part, key);
        if (found.node == nullptr) continue;
        if (result == nullptr) {
            result = found.node;
            first = found.key;
            mark_.keys.insert_or_assign(std::string{key}, at_node(*part.source, *found.node));
        } else if (first_time && !(result->is_table() && found.node->is_table())) {
            const auto where = title_.empty() ? std::string{} : " in " + title_;
            report_.error(found.key, fmt::format("\"{}\"{} is set twice", key, where),
                          fmt::format("first set at {}", place(first)));
        }
    }
    return result;
}

void Reader::wrong_type(std::string_view key, std::string_view expected) {
    report_.error(at(key), fmt::format("{} must be {}", key, expected));
}

bool Reader::text(std::string_view key, std::string& out) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto value = node->value_exact<std::string>();
    if (!value) {
        wrong_type(key, "text in quotes");
        return false;
    }
    if (value->size() > 1024 || value->find('\0') != std::string::npos) {
        wrong_type(key, "at most 1024 bytes without a zero byte");
        return false;
    }
    out = *value;
    return true;
}

bool Reader::id(std::string_view key, std::string& out) {
    std::string value;
    if (!text(key, value)) return false;
    const auto why = bad_id(value);
    if (!why.empty()) {
        report_.error(at(key), fmt::format("{} {}", key, why));
    }
    out = value;  // even a bad one, so that later messages can name it
    return why.empty();
}

bool Reader::flag(std::string_view key, bool& out) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto value = node->value_exact<bool>();
    if (!value) {
        wrong_type(key, "true or false, without quotes");
        return false;
    }
    out = *value;
    return true;
}

bool Reader::integer_value(std::string_view key, std::int64_t& out, Bounds bounds) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto value = node->value_exact<std::int64_t>();
    if (!value) {
        wrong_type(key, "a whole number, without quotes");
        return false;
    }
    if (*value < bounds.least || *value > bounds.most) {
        report_.error(
            at(key), fmt::format("{} must be from {} to {}, not {}", key, bounds.least, bounds.most, *value));
        return false;
    }
    out = *value;
    return true;
}

bool Reader::number(std::string_view key, double& out, double least, double most) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto value = node->is_number() ? node->value<double>() : std::optional<double>{};
    if (!value) {
        wrong_type(key, "a number, without quotes");
        return false;
    }
    if (!(*value >= least && *value <= most)) {
        report_.error(at(key), fmt::format("{} must be from {} to {}, not {}", key, least, most, *value));
        return false;
    }
    out = *value;
    return true;
}

bool Reader::duration(std::string_view key, Ms& out, Ms least, Ms most) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto word = node->value_exact<std::string>();
    const auto value = word ? parse_duration(*word, least < Ms{0}) : std::optional<Ms>{};
    if (!value) {
        report_.error(at(key), fmt::format("{} must be a duration with its unit", key),
                      "as in \"300ms\", \"20s\", \"5m\", \"2h\" or \"7d\"");
        return false;
    }
    if (*value < least || *value > most) {
        report_.error(
            at(key), fmt::format("{} must be from {} to {}", key, duration_text(least), duration_text(most)));
        return false;
    }
    out = *value;
    return true;
}

bool Reader::size(std::string_view key, std::uint64_t& out, std::uint64_t least, std::uint64_t most) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto word = node->value_exact<std::string>();
    const auto value = word ? parse_size(*word) : std::optional<std::uint64_t>{};
    if (!value) {
        report_.error(at(key), fmt::format("{} must be a size with its unit", key),
                      "as in \"64KB\" or \"200MB\"");
        return false;
    }
    if (*value < least || *value > most) {
        report_.error(at(key), fmt::format("{} must be from {}KB to {}KB", key, least / 1024, most / 1024));
        return false;
    }
    out = *value;
    return true;
}

bool Reader::words(std::string_view key, std::vector<std::string>& out) {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* array = node->as_array();
    std::vector<std::string> values;
    bool good = array != nullptr;
    for (std::size_t i = 0; good && i < array->size(); ++i) {
        const auto value = array->get(i)->value_exact<std::string>();
        if (value) values.push_back(*value);
        good = value.has_value();
    }
    if (!good) {
        wrong_type(key, "a list of texts, as in [\"a\", \"b\"]");
        return false;
    }
    out = std::move(values);
    return true;
}

std::vector<Part> Reader::tables(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    std::vector<Part> result;
    for (const auto& part : parts_) {
        const auto found = find_in(part, key);
        if (found.node == nullptr) continue;
        const auto* array = found.node->as_array();
        const bool good = array != nullptr && std::all_of(array->begin(), array->end(),
                                                          [](const auto& e) { return e.is_table(); });
        if (!good) {
            report_.error(found.key, fmt::format("{} must be a list of tables, written [[{}]]", key, key));
            continue;
        }
        for (const auto& element : *array)
            result.push_back({part.source, element.as_table()});
    }
    return result;
}

std::vector<Part> Reader::table(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    std::vector<Part> result;
    for (const auto& part : parts_) {
        const auto found = find_in(part, key);
        if (found.node == nullptr) continue;
        if (const auto* table = found.node->as_table()) {
            result.push_back({part.source, table});
        } else {
            report_.error(found.key, fmt::format("{} must be a table, written [{}]", key, key));
        }
    }
    return result;
}

bool Reader::require(std::string_view key, std::string_view example) {
    if (has(key)) return true;
    report_.error(mark_.header,
                  fmt::format("{} lacks \"{}\"", title_.empty() ? "the configuration" : title_, key),
                  fmt::format("as in {} = {}", key, example));
    return false;
}

void Reader::unknown_word(std::string_view key, std::string_view word,
                          const std::vector<std::string>& names) {
    report_.error(at(key), fmt::format("\"{}\" is not a value of {}", word, key), suggest(word, names));
}

At Reader::at_element(std::string_view key, const toml::node& element) const {
    const auto& whole = at(key);
    return whole.source == nullptr ? whole : at_node(*whole.source, element);
}

Mark Reader::finish() {
    for (const auto& part : parts_) {
        for (const auto& [name, node] : *part.table) {
            if (std::find(known_.begin(), known_.end(), name.str()) != known_.end()) continue;
            const auto where = title_.empty() ? std::string{"at the top of the file"} : "in " + title_;
            report_.error(at_key(*part.source, name), fmt::format("unknown key \"{}\" {}", name.str(), where),
                          suggest(name.str(), known_));
        }
    }
    return mark_;
}

}  // namespace sl::settings
