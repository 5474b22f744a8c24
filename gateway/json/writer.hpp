// Writes JSON text in one pass into a string. Commas are placed by the writer; numbers are written as short
// as they round-trip, integers without exponent, and what JSON cannot say (NaN, infinity) as null.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sl::json {

class Writer {
  public:
    explicit Writer(std::string& out) : out_(out) {}

    Writer& begin_object() { return open('{'); }
    Writer& end_object() { return close('}'); }
    Writer& begin_array() { return open('['); }
    Writer& end_array() { return close(']'); }
    Writer& key(std::string_view name);

    Writer& value(std::string_view text);
    Writer& value(const char* text) { return value(std::string_view{text}); }
    Writer& value(const std::string& text) { return value(std::string_view{text}); }
    Writer& value(bool flag);
    Writer& value(std::int64_t number);
    Writer& value(int number) { return value(static_cast<std::int64_t>(number)); }
    Writer& value(std::uint32_t number) { return value(static_cast<std::int64_t>(number)); }
    Writer& value(std::uint64_t number) { return value(static_cast<std::int64_t>(number)); }
    // At most `decimals` digits after the point, trailing zeros cut; -1 = shortest that reads back equal.
    Writer& value(double number, int decimals = -1);
    Writer& null();
    // Text that is JSON already.
    Writer& raw(std::string_view json);

    template <typename T>
    Writer& member(std::string_view name, const T& content) {
        key(name);
        return value(content);
    }

  private:
    Writer& open(char bracket);
    Writer& close(char bracket);
    void separate();

    std::string& out_;
    bool need_comma_ = false;
};

// Appends text as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD.
void append_quoted(std::string& out, std::string_view text);

}  // namespace sl::json
