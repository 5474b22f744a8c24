#include "protocols/dlt645/fields.hpp"

#include "protocols/dlt645/value.hpp"

#include <algorithm>

namespace sl::dlt645 {
namespace {

using Data = std::span<const std::uint8_t>;
using Why = std::string_view;

// Takes the data in order; what is missing is remembered.
class Reader {
  public:
    explicit Reader(Data data) : rest_(data) {}
    Data take(std::size_t count) {
        if (rest_.size() < count) {
            failed_ = true;
            return {};
        }
        const auto taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    std::uint8_t u8() {
        const auto byte = take(1);
        return byte.empty() ? std::uint8_t{0} : byte[0];
    }
    std::uint32_t di(std::size_t size) {
        std::uint32_t value = 0;
        const auto bytes = take(size);
        for (auto i = bytes.size(); i-- > 0;)
            value = (value << 8U) | bytes[i];
        return value;
    }
    Data rest() const { return rest_; }
    bool failed() const { return failed_; }

  private:
    Data rest_;
    bool failed_ = false;
};

// ss mm hh DD MM YY
std::optional<DateTime> date_time(Data bytes) {
    if (bytes.size() != 6) return std::nullopt;
    std::array<int, 6> part{};
    for (std::size_t i = 0; i < part.size(); ++i) {
        const auto value = from_bcd(bytes[i]);
        if (!value) return std::nullopt;
        part[i] = *value;
    }
    const DateTime time{2000 + part[5], part[4], part[3], part[2], part[1], part[0]};
    if (!is_date(time)) return std::nullopt;
    return time;
}

std::optional<Address> address_of(Data bytes) {
    Address address{};
    if (bytes.size() != address.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), address.begin());
    return address;
}

void take_password(Reader& in, Fields& f) {
    f.password_level = in.u8();
    f.password = in.take(3);
    f.operator_code = in.take(4);
}

// 1C: PA P0 P1 P2 C0..C3 N1 N2 ss mm hh DD MM YY
Why control_request(Reader& in, Fields& f) {
    take_password(in, f);
    f.command = in.u8();
    f.command_detail = in.u8();
    f.time = date_time(in.take(6));
    return in.failed() || f.time ? Why{} : Why{"the time a control command is valid until is not a time"};
}

// mm hh DD MM, 99 = any
Why freeze_request(Data data) {
    if (data.size() != 4) return "a freeze command carries 4 bytes";
    constexpr std::array<int, 4> highest{59, 23, 31, 12};
    for (std::size_t i = 0; i < highest.size(); ++i) {
        const auto value = from_bcd(data[i]);
        if (!value || (*value > highest[i] && *value != 99))
            return "minute, hour, day or month is out of range";
    }
    return {};
}

Why broadcast_time(Reader& in, Fields& f) {
    const auto data = in.rest();
    if (data.size() != 6) return "a broadcast time carries 6 bytes";
    f.time = date_time(data);
    return f.time
               ? Why{}
               : Why{"the broadcast time is not a time in the order second..year (was the offset left out?)"};
}

Why address_data(Reader& in, Fields& f) {
    f.address = address_of(in.rest());
    return f.address ? Why{} : Why{"an address is 6 bytes"};
}

Why none(Reader& in) {
    return in.rest().empty() ? Why{} : Why{"no data is expected here"};
}

Why abnormal(const Frame& frame, Fields& f) {
    const auto function = static_cast<Function>(frame.function());
    const bool wide =
        (function == Function::control || function == Function::security) && frame.data.size() == 2;
    if (wide) {
        f.control_error = static_cast<std::uint16_t>(frame.data[0] | (unsigned{frame.data[1]} << 8U));
    } else if (frame.data.size() == 1) {
        f.error = frame.data[0];
    } else {
        return "an abnormal answer carries its error byte only";
    }
    return {};
}

Why follow_on(Reader& in, Fields& f) {
    f.di = in.di(4);
    f.payload = in.rest();
    if (f.payload.empty()) return "the sequence number is missing";
    f.sequence = f.payload.back();
    return {};
}

Why with_di(Reader& in, Fields& f) {
    f.di = in.di(4);
    f.payload = in.rest();
    return {};
}

Why write_request(Reader& in, Fields& f) {
    f.di = in.di(4);
    f.payload = in.rest();
    take_password(in, f);
    return {};
}

Why password_request(Reader& in, Fields& f) {
    f.di = in.di(4);
    f.payload = in.rest();
    f.password_level = in.u8();
    f.password = in.take(3);
    in.take(4);  // the new level and password
    return {};
}

Why baud(Reader& in, Fields& f) {
    f.baud = in.u8();
    return in.rest().empty() ? Why{} : Why{"one baud byte is expected"};
}

Why cleared(Reader& in, Fields& f) {
    take_password(in, f);
    return {};
}

Why decode_2007(const Frame& frame, Reader& in, Fields& f) {
    const bool answer = frame.is_answer();
    switch (static_cast<Function>(frame.function())) {
        case Function::security:
            f.name = "security authentication";
            return with_di(in, f);
        case Function::broadcast_time:
            f.name = "broadcast time";
            return broadcast_time(in, f);
        case Function::read:
            f.name = "read";
            return with_di(in, f);
        case Function::follow_on:
            f.name = "read follow-on";
            return follow_on(in, f);
        case Function::read_address:
            f.name = "read address";
            return answer ? address_data(in, f) : none(in);
        case Function::write:
            f.name = "write";
            return answer ? none(in) : write_request(in, f);
        case Function::write_address:
            f.name = "write address";
            return answer ? none(in) : address_data(in, f);
        case Function::freeze:
            f.name = "freeze";
            return answer ? none(in) : freeze_request(in.rest());
        case Function::baud:
            f.name = "change baud rate";
            return baud(in, f);
        case Function::password:
            f.name = "change password";
            return answer ? Why{} : password_request(in, f);
        case Function::clear_demand:
            f.name = "clear demand";
            return answer ? none(in) : cleared(in, f);
        case Function::clear_meter:
            f.name = "clear meter";
            return answer ? none(in) : cleared(in, f);
        case Function::clear_events:
            f.name = "clear events";
            return answer ? none(in) : cleared(in, f);
        case Function::control:
            f.name = "control";
            return answer ? none(in) : control_request(in, f);
        case Function::multi_output:
            f.name = "multi-function output";
            return {};
    }
    f.name = "unknown function";
    return {};
}

// The older edition: DI of two bytes; 01 read, 02 follow-on, 04 write, 0A write address, 0C baud, 0F
// password, 10 clear demand.
Why decode_1997(const Frame& frame, Reader& in, Fields& f) {
    switch (frame.function()) {
        case 0x01:
            f.name = "read";
            break;
        case 0x02:
            f.name = "read follow-on";
            break;
        case 0x04:
            f.name = "write";
            break;
        case 0x08:
            f.name = "broadcast time";
            return broadcast_time(in, f);
        case 0x0A:
            f.name = "write address";
            return frame.is_answer() ? none(in) : address_data(in, f);
        case 0x0C:
            f.name = "change baud rate";
            return baud(in, f);
        case 0x0F:
            f.name = "change password";
            return {};
        case 0x10:
            f.name = "clear demand";
            return {};
        default:
            f.name = "unknown function";
            return {};
    }
    if (frame.function() == 0x04 && frame.is_answer()) return none(in);
    f.di = in.di(2);
    f.payload = in.rest();
    return {};
}

}  // namespace

wire::Result<Fields> decode_fields(const Frame& frame, Revision revision, std::string_view* why) noexcept {
    Fields fields;
    Reader in(frame.data);
    Why reason;
    if (frame.is_answer() && frame.is_abnormal()) {
        fields.name = "abnormal answer";
        reason = abnormal(frame, fields);
    } else if (revision == Revision::y1997) {
        reason = decode_1997(frame, in, fields);
    } else {
        reason = decode_2007(frame, in, fields);
    }
    if (reason.empty() && in.failed()) reason = "shorter than its control code needs";
    if (why != nullptr) *why = reason;
    if (!reason.empty()) return wire::Errc::bad_frame;
    return fields;
}

}  // namespace sl::dlt645
