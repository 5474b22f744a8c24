// Reading the API's answers without a thought about what may be missing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace sl::local {

// A member, null when there is none.
const boost::json::value& at(const boost::json::value& object, std::string_view key);
std::string text_of(const boost::json::value& value);  // "" unless a string
std::optional<double> number_of(const boost::json::value& value);
long long integer_of(const boost::json::value& value, long long otherwise = 0);
bool flag_of(const boost::json::value& value);
const boost::json::array& list_of(const boost::json::value& value);  // empty unless an array

}  // namespace sl::local
