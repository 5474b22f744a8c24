#include "protocols/modbus/layout.hpp"

namespace sl::modbus {
namespace {

using Data = std::span<const std::uint8_t>;

constexpr std::size_t mbap_size = 6;  // transaction 2, protocol 2, length 2; the length counts unit and PDU

Length whole(std::size_t bytes) {
    return {bytes <= max_rtu_frame, true, bytes};
}
Length wait_for(std::size_t bytes) {
    return {true, false, bytes};
}
constexpr Length impossible{};

// Read Device Identification: unit 2B 0E code conformity more next count {id length data}*
Length identification_length(Data b) {
    if (b.size() < 3) return wait_for(3);
    if (b[2] != 0x0E) return impossible;  // other MEI types do not tell their length
    if (b.size() < 8) return wait_for(8);
    std::size_t at = 8;
    for (unsigned object = 0; object < b[7]; ++object) {
        if (at + 2 > max_rtu_frame) return impossible;
        if (b.size() < at + 2) return wait_for(at + 2);
        at += std::size_t{2} + b[at + 1];
    }
    return whole(at + 2);
}

Length rtu_length(Data b) {
    if (b.size() < 2) return wait_for(5);
    if ((b[1] & 0x80U) != 0) return whole(5);
    switch (b[1]) {
        case 1:
        case 2:
        case 3:
        case 4:
        case 12:
        case 17:
        case 20:
        case 21:
        case 23:
            return b.size() < 3 ? wait_for(5) : whole(std::size_t{5} + b[2]);
        case 5:
        case 6:
        case 8:
        case 11:
        case 15:
        case 16:
            return whole(8);
        case 7:
            return whole(5);
        case 22:
            return whole(10);
        case 24:
            return b.size() < 4 ? wait_for(6) : whole(std::size_t{6} + get16(b, 2));
        case 43:
            return identification_length(b);
        default:
            return impossible;
    }
}

Length tcp_length(Data b) {
    if (b.size() > 2 && b[2] != 0) return impossible;
    if (b.size() > 3 && b[3] != 0) return impossible;
    if (b.size() < mbap_size) return wait_for(mbap_size);
    const std::size_t length = get16(b, 4);
    if (length < 2 || mbap_size + length > max_tcp_frame) return impossible;
    return {true, true, mbap_size + length};
}

Envelope open_tcp(Data frame) {
    Envelope envelope;
    if (frame.size() < mbap_size + 2) {
        envelope.why = "shorter than an MBAP header with unit and function";
    } else if (get16(frame, 2) != 0) {
        envelope.why = "protocol identifier is not 0";
    } else if (frame.size() != mbap_size + get16(frame, 4)) {
        envelope.why = "MBAP length does not match the bytes that follow";
    } else if (frame.size() > max_tcp_frame) {
        envelope.why = "longer than 260 bytes";
    } else {
        envelope.transaction = get16(frame, 0);
        envelope.unit = frame[mbap_size];
        envelope.pdu = frame.subspan(mbap_size + 1);
    }
    return envelope;
}

Envelope open_rtu(Data frame) {
    Envelope envelope;
    if (frame.size() < 4) {
        envelope.why = "shorter than 4 bytes";
    } else if (frame.size() > max_rtu_frame) {
        envelope.why = "longer than 256 bytes";
    } else if (!crc_ok(frame)) {
        envelope.why = "CRC is wrong";
    } else {
        envelope.unit = frame[0];
        envelope.pdu = frame.subspan(1, frame.size() - 3);
    }
    return envelope;
}

// Takes the fields of one PDU in order. The first thing missing is remembered; later takes give 0.
class Reader {
  public:
    explicit Reader(Data pdu) : rest_(pdu) {}
    std::uint8_t u8() { return take(1) ? taken_[0] : std::uint8_t{0}; }
    std::uint16_t u16() { return take(2) ? get16(taken_, 0) : std::uint16_t{0}; }
    Data rest() {
        const auto all = rest_;
        rest_ = {};
        return all;
    }
    std::size_t left() const { return rest_.size(); }
    bool failed() const { return failed_; }

  private:
    bool take(std::size_t count) {
        if (failed_ || rest_.size() < count) {
            failed_ = true;
            return false;
        }
        taken_ = rest_.first(count);
        rest_ = rest_.subspan(count);
        return true;
    }
    Data rest_, taken_;
    bool failed_ = false;
};

constexpr std::string_view bad_quantity = "quantity out of range";
constexpr std::string_view too_long = "longer than its function allows";
constexpr std::string_view bad_count = "byte count does not match the quantity";

std::uint16_t read_limit(std::uint8_t function) {
    return function <= 2 ? max_read_bits : max_read_registers;
}

void check_quantity(Frame& f, std::uint16_t limit) {
    if (*f.quantity == 0 || *f.quantity > limit) f.defect = bad_quantity;
}

void write_multiple_request(Reader& in, Frame& f) {
    f.address = in.u16();
    f.quantity = in.u16();
    f.byte_count = in.u8();
    f.data = in.rest();
    if (*f.byte_count != data_size(f.function, *f.quantity) || f.data.size() != *f.byte_count)
        f.defect = bad_count;
    check_quantity(f, f.function == 15 ? max_write_bits : max_write_registers);
}

void read_write_request(Reader& in, Frame& f) {
    f.address = in.u16();
    f.quantity = in.u16();
    f.write_address = in.u16();
    f.write_quantity = in.u16();
    f.byte_count = in.u8();
    f.data = in.rest();
    if (*f.byte_count != *f.write_quantity * 2 || f.data.size() != *f.byte_count) f.defect = bad_count;
    if (*f.write_quantity == 0 || *f.write_quantity > 121) f.defect = bad_quantity;
    check_quantity(f, max_read_registers);
}

void mask_write(Reader& in, Frame& f) {
    f.address = in.u16();
    f.and_mask = in.u16();
    f.or_mask = in.u16();
}

void single_write(Reader& in, Frame& f) {
    f.address = in.u16();
    f.value = in.u16();
    if (f.function == 5 && *f.value != 0 && *f.value != 0xFF00)
        f.defect = "a coil is written with FF00 or 0000 only";
}

void diagnostics(Reader& in, Frame& f) {
    f.sub_function = in.u16();
    f.data = in.rest();
}

void encapsulated(Reader& in, Frame& f) {
    f.sub_function = in.u8();
    f.data = in.rest();
}

void decode_request(Reader& in, Frame& f) {
    switch (f.function) {
        case 1:
        case 2:
        case 3:
        case 4:
            f.address = in.u16();
            f.quantity = in.u16();
            check_quantity(f, read_limit(f.function));
            break;
        case 5:
        case 6:
            single_write(in, f);
            break;
        case 7:
        case 11:
        case 12:
        case 17:
            break;
        case 8:
            diagnostics(in, f);
            break;
        case 15:
        case 16:
            write_multiple_request(in, f);
            break;
        case 20:
        case 21:
            f.byte_count = in.u8();
            f.data = in.rest();
            if (f.data.size() != *f.byte_count) f.defect = bad_count;
            break;
        case 22:
            mask_write(in, f);
            break;
        case 23:
            read_write_request(in, f);
            break;
        case 24:
            f.address = in.u16();
            break;
        case 43:
            encapsulated(in, f);
            break;
        default:
            f.data = in.rest();
    }
}

// Answers state their length; one that lies about it is malformed. Returns the reason.
std::string_view counted(Reader& in, Frame& f, bool wide) {
    f.byte_count = wide ? in.u16() : in.u8();
    if (!in.failed() && in.left() != *f.byte_count) return "byte count does not match the data";
    if ((f.function == 3 || f.function == 4 || f.function == 23) && *f.byte_count % 2 != 0) {
        return "odd byte count of registers";
    }
    if (f.function == 12 && in.left() >= 6) {
        f.value = in.u16();
        f.quantity = in.u16();
    }
    if (f.function == 24) f.value = in.u16();
    f.data = in.rest();
    return {};
}

std::string_view decode_response(Reader& in, Frame& f) {
    switch (f.function) {
        case 1:
        case 2:
        case 3:
        case 4:
        case 12:
        case 17:
        case 20:
        case 21:
        case 23:
            return counted(in, f, false);
        case 24:
            return counted(in, f, true);
        case 5:
        case 6:
            single_write(in, f);
            break;
        case 7:
            f.value = in.u8();
            break;
        case 8:
            diagnostics(in, f);
            break;
        case 11:
            f.value = in.u16();
            f.quantity = in.u16();
            break;
        case 15:
        case 16:
            f.address = in.u16();
            f.quantity = in.u16();
            break;
        case 22:
            mask_write(in, f);
            break;
        case 43:
            encapsulated(in, f);
            break;
        default:
            f.data = in.rest();
    }
    return {};
}

std::string_view decode_pdu(Data pdu, Direction direction, Frame& f) {
    Reader in(pdu.subspan(1));
    f.function = pdu[0] & 0x7FU;
    std::string_view why;
    if (direction == Direction::request) {
        if ((pdu[0] & 0x80U) != 0) return "a request cannot have the exception bit";
        decode_request(in, f);
        if (in.left() != 0) {
            f.data = in.rest();
            f.defect = too_long;
        }
    } else if ((pdu[0] & 0x80U) != 0) {
        f.exception = in.u8();
    } else {
        why = decode_response(in, f);
    }
    if (f.function == 0) return "function 0 does not exist";
    if (in.failed()) return "shorter than its function needs";
    if (why.empty() && in.left() != 0) return too_long;
    return why;
}

}  // namespace

bool crc_ok(Data frame) noexcept {
    if (frame.size() < 4) return false;
    const auto body = frame.first(frame.size() - 2);
    const unsigned sent = frame[frame.size() - 2] | (unsigned{frame[frame.size() - 1]} << 8U);
    return crc16(body) == sent;
}

Envelope open(Data frame, Framing framing) noexcept {
    return framing == Framing::tcp ? open_tcp(frame) : open_rtu(frame);
}

Length response_length(Data bytes, Framing framing) noexcept {
    return framing == Framing::tcp ? tcp_length(bytes) : rtu_length(bytes);
}

wire::Result<Frame> decode_frame(Data bytes, Framing framing, Direction direction,
                                 std::string_view* why) noexcept {
    const auto envelope = open(bytes, framing);
    std::string_view reason = envelope.why;
    Frame frame;
    if (reason.empty()) {
        frame.transaction = envelope.transaction;
        frame.unit = envelope.unit;
        reason = decode_pdu(envelope.pdu, direction, frame);
    }
    if (why != nullptr) *why = reason;
    if (!reason.empty()) return wire::Errc::bad_frame;
    return frame;
}

}  // namespace sl::modbus
