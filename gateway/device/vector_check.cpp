// Runs the test frames that a model carries through the same codec, plan and decode that serve the street.
#include "gateway/device/decode.hpp"
#include "gateway/device/model_check.hpp"
#include "protocols/dali/frame.hpp"
#include "protocols/dlt645/fields.hpp"
#include "protocols/modbus/frame.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/core.h>

namespace sl::device {
namespace {

using Data = std::span<const std::uint8_t>;
using site::DeviceModel;
using site::ModelVector;

// One vector's verdict: empty or the sentence that says what is wrong.
using Verdict = std::string;

std::optional<int> nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

// Hex text with blanks anywhere between bytes.
std::optional<Bytes> from_hex(std::string_view text) {
    Bytes bytes;
    std::optional<int> high;
    for (const char c : text) {
        if (c == ' ' && !high) continue;
        const auto digit = nibble(c);
        if (!digit) return std::nullopt;
        if (high) bytes.push_back(static_cast<std::uint8_t>(*high * 16 + *digit));
        high = high ? std::nullopt : digit;
    }
    if (high || bytes.empty()) return std::nullopt;
    return bytes;
}

std::string to_hex(Data bytes) {
    std::string text;
    for (const auto byte : bytes)
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", byte);
    return text;
}

// Floats in registers carry seven digits; a whole number must be met whatever its size.
bool same(double expected, double got) {
    return std::abs(expected - got) <= std::clamp(1e-6 * std::abs(expected), 1e-6, 0.01);
}

struct Expectation {
    std::string key;
    std::optional<double> value;  // empty: must be missing
};

std::vector<Expectation> expectations(const ModelVector& vector) {
    std::vector<Expectation> all;
    for (const auto& [key, value] : vector.expect)
        all.push_back({key, value});
    for (const auto& key : vector.expect_missing)
        all.push_back({key, std::nullopt});
    return all;
}

Verdict compare(const Expectation& expected, const site::Reading& reading) {
    const bool present = reading.quality == site::Quality::ok;
    if (!expected.value) {
        if (!present) return {};
        return fmt::format("\"{}\" should be missing but is {}", expected.key, reading.value);
    }
    if (!present) return fmt::format("\"{}\" should be {} but is missing", expected.key, *expected.value);
    if (same(*expected.value, reading.value)) return {};
    return fmt::format("\"{}\" should be {} but is {}", expected.key, *expected.value, reading.value);
}

Verdict check_read(const DeviceModel& model, Item item, Data data, const ModelVector& vector) {
    const auto block = block_of(model, item);
    const DecodeContext context;
    for (const auto& expected : expectations(vector)) {
        const auto it = std::find_if(block.points.begin(), block.points.end(), [&](const BlockPoint& at) {
            return model.points[at.point].key == expected.key;
        });
        if (it == block.points.end())
            return fmt::format("\"{}\" is not in the block of this request", expected.key);
        const auto reading = decode_point(model.points[it->point], it->offset, data, context);
        if (auto wrong = compare(expected, reading); !wrong.empty()) return wrong;
    }
    return {};
}

Verdict differs(Data built, Data written) {
    if (std::equal(built.begin(), built.end(), written.begin(), written.end())) return {};
    return fmt::format("the request would be {} but is written {}", to_hex(built), to_hex(written));
}

// What is written to one place.
struct Write {
    Item item;
    Bytes data;
};

// The expected values as one write over neighbouring registers, in ascending order of address.
wire::Result<Write> combined_write(const DeviceModel& model, const ModelVector& vector) {
    std::vector<Write> parts;
    for (const auto& [key, value] : vector.expect) {
        const auto it = std::find_if(model.points.begin(), model.points.end(),
                                     [&name = key](const site::Point& point) { return point.key == name; });
        if (it == model.points.end()) return wire::Errc::bad_request;
        const auto bytes = encode(*it, value);
        if (!bytes) return bytes.error();
        parts.push_back({write_item(*it), *bytes});
    }
    if (parts.empty()) return wire::Errc::bad_request;
    std::sort(parts.begin(), parts.end(),
              [](const Write& a, const Write& b) { return a.item.address < b.item.address; });
    Write all{parts.front().item, {}};
    all.item.count = 0;
    for (const auto& part : parts) {
        if (part.item.address != all.item.address + all.item.count) return wire::Errc::bad_request;
        all.item.count = static_cast<std::uint16_t>(all.item.count + part.item.count);
        all.data.insert(all.data.end(), part.data.begin(), part.data.end());
    }
    return all;
}

Verdict check_modbus_write(const DeviceModel& model, const modbus::Frame& request, Data request_bytes,
                           const ModelVector& vector) {
    const auto write = combined_write(model, vector);
    if (!write) return fmt::format("the expected values cannot be written: {}", write.error().message());
    Bytes built;
    const auto done = modbus::append_write_request(
        built, modbus::Framing::rtu, 0, request.unit, request.function,
        static_cast<std::uint16_t>(write->item.address), write->item.count, write->data);
    if (!done) return "the write does not fit the function of the request";
    return differs(built, request_bytes);
}

Verdict check_modbus(const DeviceModel& model, Data request_bytes, Data response, const ModelVector& vector) {
    std::string_view why;
    const auto request =
        modbus::decode_frame(request_bytes, modbus::Framing::rtu, modbus::Direction::request, &why);
    if (!request) return fmt::format("request: {}", why);
    if (!request->address) return "request: neither a read nor a write";
    const bool read = request->function >= 1 && request->function <= 4;
    modbus::Expected expected;
    expected.unit = request->unit;
    expected.function = request->function;
    expected.address = *request->address;
    expected.count = request->quantity.value_or(1);
    expected.value = request->value;
    if (!read) {
        if (auto wrong = check_modbus_write(model, *request, request_bytes, vector); !wrong.empty())
            return wrong;
        // Nobody answers a broadcast.
        if (request->unit == modbus::broadcast_unit)
            return response.empty() ? Verdict{} : "a broadcast has no response";
    }
    if (read && expected.count > model.max_count) return "the request is longer than limits.max_registers";
    const auto data = modbus::check_response(response, modbus::Framing::rtu, expected);
    if (!data) return fmt::format("response: {}", data.error().message());
    if (!read) return {};
    return check_read(model, Item{request->function, expected.address, expected.count}, *data, vector);
}

Verdict check_dlt645(const DeviceModel& model, Data request_bytes, Data response_bytes,
                     const ModelVector& vector) {
    std::string_view why;
    const auto request = dlt645::decode_frame(request_bytes, &why);
    if (!request) return fmt::format("request: {}", why);
    const auto fields = dlt645::decode_fields(*request, dlt645::Revision::y2007, &why);
    if (!fields) return fmt::format("request: {}", why);
    if (request->control != static_cast<std::uint8_t>(dlt645::Function::read))
        return "request: not a read (11)";
    Bytes built;
    dlt645::append_read(built, request->address, *fields->di);
    const auto preamble = built.size() - dlt645::overhead - request->data.size();
    auto wrong = differs(Data(built).subspan(preamble), request_bytes.subspan(request->preamble));
    if (!wrong.empty()) return wrong;
    const auto response = dlt645::decode_frame(response_bytes, &why);
    if (!response) return fmt::format("response: {}", why);
    dlt645::Expected expected;
    expected.address = request->address;
    expected.function = request->function();
    expected.di = *fields->di;
    const auto answer = dlt645::check_answer(*response, expected);
    if (!answer) return fmt::format("response: {}", answer.error().message());
    return check_read(model, Item{0, expected.di, 1}, answer->data, vector);
}

Verdict check_dali(const DeviceModel& model, Data request, Data response, const ModelVector& vector) {
    if (request.size() != 2) return "request: a DALI forward frame is two bytes";
    const auto decoded = dali::decode({request[0], request[1]});
    if (!decoded) return "request: not a DALI address byte";
    if (decoded->kind == dali::Decoded::Kind::command) {
        if (response.size() != 1) return "response: a DALI answer is one byte";
        return check_read(model, Item{0, decoded->data, 1}, response, vector);
    }
    if (decoded->kind != dali::Decoded::Kind::arc_power)
        return "request: neither a query nor an arc power level";
    const auto write = combined_write(model, vector);
    if (!write || write->data.size() != 1) return "the expected level cannot be written";
    if (!response.empty()) return "an arc power level has no response";
    const auto built = dali::arc_power(decoded->address, write->data.front());
    if (!built) return "the address cannot be built";
    return differs(*built, request);
}

Verdict run(const DeviceModel& model, const ModelVector& vector) {
    const auto request = from_hex(vector.request_hex);
    if (!request) return "request is not hex text";
    std::optional<Bytes> response = Bytes{};
    if (!vector.response_hex.empty()) response = from_hex(vector.response_hex);
    if (!response) return "response is not hex text";
    if (vector.expect.empty() && vector.expect_missing.empty()) return "it expects nothing";
    if (model.protocol == "dlt645-2007") return check_dlt645(model, *request, *response, vector);
    if (model.protocol == "dali-ecodim") return check_dali(model, *request, *response, vector);
    return check_modbus(model, *request, *response, vector);
}

}  // namespace

std::vector<std::string> check_vectors(const DeviceModel& model) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < model.vectors.size(); ++i) {
        const auto wrong = run(model, model.vectors[i]);
        if (!wrong.empty()) lines.push_back(fmt::format("vector {}: {}", i + 1, wrong));
    }
    return lines;
}

}  // namespace sl::device
