#include "gateway/local/ctl_values.hpp"

#include <boost/json.hpp>

namespace sl::local {

namespace json = boost::json;

const json::value& at(const json::value& object, std::string_view key) {
    static const json::value nothing;
    const auto* members = object.if_object();
    const auto* found =
        members != nullptr ? members->if_contains(json::string_view{key.data(), key.size()}) : nullptr;
    return found != nullptr ? *found : nothing;
}

std::string text_of(const json::value& value) {
    const auto* text = value.if_string();
    return text != nullptr ? std::string{text->data(), text->size()} : std::string{};
}

std::optional<double> number_of(const json::value& value) {
    if (const auto* real = value.if_double()) return *real;
    if (const auto* whole = value.if_int64()) return static_cast<double>(*whole);
    if (const auto* whole = value.if_uint64()) return static_cast<double>(*whole);
    return std::nullopt;
}

long long integer_of(const json::value& value, long long otherwise) {
    const auto* whole = value.if_int64();
    return whole != nullptr ? static_cast<long long>(*whole) : otherwise;
}

bool flag_of(const json::value& value) {
    const auto* flag = value.if_bool();
    return flag != nullptr && *flag;
}

const json::array& list_of(const json::value& value) {
    static const json::array nothing;
    const auto* list = value.if_array();
    return list != nullptr ? *list : nothing;
}

}  // namespace sl::local
