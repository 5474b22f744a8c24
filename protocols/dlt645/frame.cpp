#include "protocols/dlt645/frame.hpp"

#include "protocols/dlt645/value.hpp"

#include <algorithm>
#include <numeric>

namespace sl::dlt645 {
namespace {

using Data = std::span<const std::uint8_t>;

constexpr std::uint8_t start_byte = 0x68, end_byte = 0x16, preamble_byte = 0xFE, offset = 0x33;
constexpr std::size_t preamble_sent = 4;

std::uint8_t sum(Data bytes) {
    return static_cast<std::uint8_t>(std::accumulate(bytes.begin(), bytes.end(), 0U));
}

std::array<std::uint8_t, 4> di_bytes(std::uint32_t di) {
    return {static_cast<std::uint8_t>(di), static_cast<std::uint8_t>(di >> 8U),
            static_cast<std::uint8_t>(di >> 16U), static_cast<std::uint8_t>(di >> 24U)};
}

std::size_t count_preamble(Data bytes) {
    const auto* first = std::find_if(bytes.data(), bytes.data() + bytes.size(),
                                     [](std::uint8_t byte) { return byte != preamble_byte; });
    return static_cast<std::size_t>(first - bytes.data());
}

// What stands at a start byte.
enum class Candidate : std::uint8_t { no, incomplete, whole };
struct Look {
    Candidate candidate = Candidate::no;
    std::size_t length = 0;  // whole: of the frame; incomplete: what must be there to learn more
    std::string_view why;    // no: the reason
};

Look look(Data b) {
    if (b.empty()) return {Candidate::incomplete, overhead, {}};
    if (b[0] != start_byte) return {Candidate::no, 0, "first start byte is not 68"};
    if (b.size() > 7 && b[7] != start_byte) return {Candidate::no, 0, "second start byte is not 68"};
    if (b.size() < 10) return {Candidate::incomplete, overhead, {}};
    if (b[9] > max_data) return {Candidate::no, 0, "length byte is over 200"};
    const std::size_t length = overhead + b[9];
    if (b.size() < length) return {Candidate::incomplete, length, {}};
    if (b[length - 1] != end_byte) return {Candidate::no, 0, "end byte is not 16"};
    if (sum(b.first(length - 2)) != b[length - 2]) return {Candidate::no, 0, "checksum is wrong"};
    return {Candidate::whole, length, {}};
}

// The first byte from `from` on that can belong to a frame: 68 or FE; the size when there is none.
std::size_t next_start(Data buffer, std::size_t from) {
    while (from < buffer.size() && buffer[from] != start_byte && buffer[from] != preamble_byte)
        ++from;
    return from;
}

// Where a whole frame begins behind a false or unfinished start; 0 when there is none.
std::size_t find_whole(Data buffer, std::size_t from) {
    for (auto at = from; at < buffer.size(); ++at) {
        if (buffer[at] == start_byte && look(buffer.subspan(at)).candidate == Candidate::whole) return at;
    }
    return 0;
}

bool matches(const Address& wanted, const Address& got) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] != 0xAA && wanted[i] != got[i]) return false;
    }
    return true;
}

std::size_t limit_of(std::uint8_t control) {
    const bool request = (control & 0x80U) == 0;
    return request && control == static_cast<std::uint8_t>(Function::write) ? max_write_data : max_data;
}

}  // namespace

Address address_from(std::uint64_t digits) noexcept {
    Address address{};
    for (auto& byte : address) {
        const auto pair = static_cast<unsigned>(digits % 100);
        byte = static_cast<std::uint8_t>(pair / 10 * 16 + pair % 10);
        digits /= 100;
    }
    return address;
}

std::optional<std::uint64_t> digits_of(const Address& address) noexcept {
    const auto value = decode_bcd(address, false);
    if (value.state != Bcd::State::ok) return std::nullopt;
    return static_cast<std::uint64_t>(value.value);
}

wire::Result<void> append_frame(std::vector<std::uint8_t>& out, const Address& address, std::uint8_t control,
                                Data data) {
    if (data.size() > limit_of(control)) return wire::Errc::bad_request;
    out.insert(out.end(), preamble_sent, preamble_byte);
    const auto start = out.size();
    out.push_back(start_byte);
    out.insert(out.end(), address.begin(), address.end());
    out.push_back(start_byte);
    out.push_back(control);
    out.push_back(static_cast<std::uint8_t>(data.size()));
    for (const auto byte : data)
        out.push_back(static_cast<std::uint8_t>(byte + offset));
    out.push_back(sum(Data(out).subspan(start)));
    out.push_back(end_byte);
    return {};
}

void append_read(std::vector<std::uint8_t>& out, const Address& address, std::uint32_t di) {
    const auto bytes = di_bytes(di);
    (void)append_frame(out, address, static_cast<std::uint8_t>(Function::read), bytes);
}

void append_follow_on(std::vector<std::uint8_t>& out, const Address& address, std::uint32_t di,
                      std::uint8_t sequence) {
    const auto di_part = di_bytes(di);
    const std::array<std::uint8_t, 5> bytes{di_part[0], di_part[1], di_part[2], di_part[3], sequence};
    (void)append_frame(out, address, static_cast<std::uint8_t>(Function::follow_on), bytes);
}

void append_read_address(std::vector<std::uint8_t>& out) {
    (void)append_frame(out, any_address, static_cast<std::uint8_t>(Function::read_address), {});
}

wire::Result<void> append_broadcast_time(std::vector<std::uint8_t>& out, const DateTime& time) {
    if (!is_date(time)) return wire::Errc::bad_request;
    const std::array<std::uint8_t, 6> bytes{to_bcd(time.second), to_bcd(time.minute),
                                            to_bcd(time.hour),   to_bcd(time.day),
                                            to_bcd(time.month),  to_bcd(time.year - 2000)};
    return append_frame(out, broadcast_address, static_cast<std::uint8_t>(Function::broadcast_time), bytes);
}

Split split(Data buffer) noexcept {
    const auto preamble = count_preamble(buffer);
    if (preamble == buffer.size()) {
        // Nothing but preamble yet. A line stuck at FE must not make the buffer grow for ever.
        if (preamble > max_data) return {Split::State::noise, preamble - preamble_sent};
        return {Split::State::need_more, preamble + overhead};
    }
    const auto found = look(buffer.subspan(preamble));
    if (found.candidate == Candidate::whole) return {Split::State::frame, preamble + found.length};
    if (found.candidate == Candidate::no) return {Split::State::noise, next_start(buffer, preamble + 1)};
    if (const auto whole = find_whole(buffer, preamble + 1); whole != 0) return {Split::State::noise, whole};
    return {Split::State::need_more, preamble + found.length};
}

wire::Result<Frame> decode_frame(Data bytes, std::string_view* why) {
    const auto preamble = count_preamble(bytes);
    const auto body = bytes.subspan(preamble);
    auto found = look(body);
    if (found.candidate == Candidate::incomplete) found.why = "shorter than its length byte says";
    if (found.candidate == Candidate::whole && found.length != body.size())
        found.why = "bytes after the end byte";
    if (why != nullptr) *why = found.why;
    if (!found.why.empty()) return wire::Errc::bad_frame;
    Frame frame;
    frame.preamble = preamble;
    std::copy_n(body.begin() + 1, frame.address.size(), frame.address.begin());
    frame.control = body[8];
    const auto data = body.subspan(10, body[9]);
    frame.data.reserve(data.size());
    for (const auto byte : data)
        frame.data.push_back(static_cast<std::uint8_t>(byte - offset));
    return frame;
}

wire::Errc errc_of_error(std::uint8_t error) noexcept {
    if ((error & 0x02U) != 0) return wire::Errc::no_such_point;
    if ((error & 0x04U) != 0) return wire::Errc::not_permitted;
    if ((error & 0x78U) != 0) return wire::Errc::bad_value;
    return wire::Errc::device_failure;
}

std::string_view error_text(std::uint8_t error) noexcept {
    static constexpr std::array<std::string_view, 8> texts{"other error",
                                                           "no requested data",
                                                           "password wrong or not authorised",
                                                           "baud rate cannot change",
                                                           "too many year zones",
                                                           "too many day slots",
                                                           "too many tariffs",
                                                           "reserved error bit"};
    for (std::size_t bit = 0; bit < texts.size(); ++bit) {
        if ((error & (1U << bit)) != 0) return texts[bit];
    }
    return "no error bit set";
}

wire::Result<Answer> check_answer(const Frame& frame, const Expected& expected) noexcept {
    if (!frame.is_answer() || frame.function() != expected.function) return wire::Errc::foreign_answer;
    if (!matches(expected.address, frame.address)) return wire::Errc::foreign_answer;
    if (frame.is_abnormal()) {
        // One byte ERR; functions 03 and 1C answer two bytes SERR with a meaning of their own.
        if (frame.data.empty() || frame.data.size() > 2) return wire::Errc::bad_frame;
        return frame.data.size() == 1 ? errc_of_error(frame.data[0]) : wire::Errc::not_permitted;
    }
    Data data = frame.data;
    const bool follow_on = expected.function == static_cast<std::uint8_t>(Function::follow_on);
    if (follow_on || expected.function == static_cast<std::uint8_t>(Function::read)) {
        if (data.size() < 4) return wire::Errc::bad_frame;
        const auto di = di_bytes(expected.di);
        if (!std::equal(di.begin(), di.end(), data.begin())) return wire::Errc::foreign_answer;
        data = data.subspan(4);
    }
    if (follow_on) {
        if (data.empty()) return wire::Errc::bad_frame;
        if (data.back() != expected.sequence) return wire::Errc::foreign_answer;
        data = data.first(data.size() - 1);
    }
    if (expected.function == static_cast<std::uint8_t>(Function::read_address) && data.size() != 6) {
        return wire::Errc::bad_frame;
    }
    return Answer{data, frame.has_more()};
}

}  // namespace sl::dlt645
