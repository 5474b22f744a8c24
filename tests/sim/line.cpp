#include "tests/sim/line.hpp"

#include <algorithm>
#include <cmath>

namespace sl::sim {

namespace {

constexpr std::int64_t silence_ns = 25'000'000;  // unpaced: what is still incomplete after this is noise

std::int64_t wire_ns(const LineSpec& spec, double characters) {
    return std::llround(characters * spec.bits_per_char() * 1e9 / spec.baud);
}

std::int64_t ms_ns(double ms) {
    return std::llround(ms * 1e6);
}

}  // namespace

void Line::add(Dlt645Meter& meter) {
    Unit unit;
    unit.meter = &meter;
    meters_.push_back(unit);
}

bool Line::open() const {
    return std::any_of(endpoints_.begin(), endpoints_.end(), [](auto& e) { return !e.expired(); });
}

void Line::everyone(std::span<const std::uint8_t> bytes) {
    std::erase_if(endpoints_, [](auto& e) { return e.expired(); });
    const auto present = endpoints_;
    for (const auto& weak : present) {
        if (const auto endpoint = weak.lock()) endpoint->send(bytes);
    }
}

void Line::on_serial(Endpoint& endpoint) {
    if (spec_.echo) endpoint.send(endpoint.received);
    ++endpoint.generation;
    consume(endpoint, false);
    if (!endpoint.received.empty()) await_silence(endpoint);
}

void Line::await_silence(Endpoint& endpoint) {
    std::weak_ptr<Endpoint> weak = endpoint.weak_from_this();
    const std::uint64_t generation = endpoint.generation;
    loop_.at(loop_.now().real_ns + silence_ns, [this, weak, generation] {
        const auto same = weak.lock();
        if (same && same->generation == generation) consume(*same, true);
    });
}

// Both protocols are tried at every place; a frame is what has the right length and checksum.
void Line::consume(Endpoint& endpoint, bool silence) {
    std::vector<std::uint8_t>& bytes = endpoint.received;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto rest = std::span<const std::uint8_t>{bytes}.subspan(at);
        const Scanned meter = scan_dlt645(rest, silence);
        const Scanned modbus = meter.what == Scan::frame ? Scanned{} : scan_rtu(rest, silence);
        if (meter.what == Scan::frame) {
            serve_dlt645(endpoint, rest.first(meter.length));
            at += meter.length;
        } else if (modbus.what == Scan::frame) {
            serve_rtu(endpoint, rest.first(modbus.length));
            at += modbus.length;
        } else if (meter.what == Scan::need_more || modbus.what == Scan::need_more) {
            break;
        } else {
            ++stats_.garbage_bytes;
            ++at;
        }
    }
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

// A paced line: the request came through the pty at once but takes its time on the wire.
void Line::occupy(std::size_t request_bytes) {
    ++stats_.frames;
    if (!spec_.pace) return;
    const std::int64_t now = loop_.now().real_ns;
    if (busy_until_ns_ != 0 && now < busy_until_ns_ + wire_ns(spec_, 2.5)) ++stats_.early_requests;
    request_end_ns_ = std::max(now, busy_until_ns_) + wire_ns(spec_, static_cast<double>(request_bytes));
    busy_until_ns_ = request_end_ns_;
}

// The whole answer is handed over when its last byte would have arrived; the silence after it is the
// master's.
void Line::reply(Endpoint& endpoint, std::span<const std::uint8_t> bytes, const AnswerFault& fault) {
    ++stats_.answers;
    const double late_ms = fault.late_ms + extra_delay_ms;
    if (!spec_.pace && late_ms + spec_.answer_ms <= 0.0) return endpoint.send(bytes);
    std::int64_t due =
        (spec_.pace ? request_end_ns_ : loop_.now().real_ns) + ms_ns(spec_.answer_ms + late_ms);
    if (spec_.pace) {
        due += wire_ns(spec_, 3.5 + static_cast<double>(bytes.size()));
        busy_until_ns_ = std::max(busy_until_ns_, due);
    }
    std::weak_ptr<Endpoint> weak = endpoint.weak_from_this();
    loop_.at(due, [weak, copy = std::vector<std::uint8_t>(bytes.begin(), bytes.end())] {
        if (const auto still = weak.lock()) still->send(copy);
    });
}

void Line::broadcast(std::span<const std::uint8_t> pdu) {
    ++stats_.broadcasts;
    if (!is_write(pdu[0])) return;
    for (Unit& unit : units_) {
        if (unit.modbus == nullptr || !unit.modbus->alive()) continue;
        ++unit.stats.broadcasts;
        unit.modbus->heard();
        Frame ignored;
        serve(*unit.modbus, pdu, true, ignored);
    }
}

// Answers whether there is anything to say.
bool Line::run(std::uint8_t number, std::span<const std::uint8_t> pdu, Frame& answer) {
    if (number == 0) {
        broadcast(pdu);
        return false;
    }
    Unit& unit = units_[number];
    if (unit.modbus == nullptr) {
        ++stats_.unanswered;
        return false;
    }
    ++unit.stats.requests;
    ++(is_write(pdu[0]) ? unit.stats.writes : unit.stats.reads);
    if (!unit.modbus->alive()) {
        ++stats_.unanswered;
        return false;
    }
    unit.modbus->heard();
    const std::size_t start = answer.size;
    serve(*unit.modbus, pdu, false, answer);
    if ((answer.bytes[start] & 0x80) != 0) ++unit.stats.exceptions;
    ++unit.stats.answers;
    return true;
}

Spoil Line::spoil_now(Unit& unit) {
    AnswerFault& fault = unit.fault;
    if (fault.spoil == Spoil::none || fault.left == 0) return Spoil::none;
    if (fault.every > 1 && unit.stats.answers % fault.every != 0) return Spoil::none;
    if (fault.left > 0) --fault.left;
    ++unit.stats.spoiled;
    return fault.spoil;
}

void Line::spoil_pdu(Spoil spoil, const AnswerFault& fault, Frame& frame, std::size_t unit_at) {
    std::uint8_t& function = frame.bytes[unit_at + 1];
    if (spoil == Spoil::wrong_unit)
        frame.bytes[unit_at] = static_cast<std::uint8_t>(frame.bytes[unit_at] % 247 + 1);
    if (spoil == Spoil::wrong_count) {
        frame.bytes[unit_at + 2] = static_cast<std::uint8_t>(frame.bytes[unit_at + 2] ^ 2U);
    }
    if (spoil == Spoil::exception) {
        function = static_cast<std::uint8_t>(function | 0x80);
        frame.bytes[unit_at + 2] = fault.code;
        frame.size = unit_at + 3;
    }
}

void Line::serve_rtu(Endpoint& endpoint, std::span<const std::uint8_t> request) {
    occupy(request.size());
    Frame answer;
    answer.add(request[0]);
    if (!run(request[0], request.subspan(1, request.size() - 3), answer)) return;
    Unit& unit = units_[request[0]];
    const Spoil spoil = spoil_now(unit);
    if (spoil == Spoil::silent) return;
    spoil_pdu(spoil, unit.fault, answer, 0);
    const std::uint16_t crc = modbus_crc(answer.view());
    answer.add(static_cast<std::uint8_t>(crc & 0xFF));
    answer.add(static_cast<std::uint8_t>(crc >> 8));
    if (spoil == Spoil::bad_crc) answer.bytes[answer.size - 1] ^= 0x55;
    if (spoil == Spoil::truncated) answer.size -= 3;
    std::vector<std::uint8_t> bytes;
    if (spoil == Spoil::noise) bytes = {0xFF, 0x00, 0x68, 0xFE};
    if (bytes.empty()) return reply(endpoint, answer.view(), unit.fault);
    bytes.insert(bytes.end(), answer.view().begin(), answer.view().end());
    reply(endpoint, bytes, unit.fault);
}

void Line::serve_dlt645(Endpoint& endpoint, std::span<const std::uint8_t> bytes) {
    occupy(bytes.size());
    const Dlt645Frame request = parse_dlt645(bytes);
    bool heard = false;
    for (Unit& unit : meters_) {
        if (!unit.meter->mine(request)) continue;
        heard = true;
        ++unit.stats.requests;
        auto answer = unit.meter->answer(request);
        if (!answer) {
            ++unit.stats.broadcasts;
            continue;
        }
        ++unit.stats.reads;
        ++unit.stats.answers;
        const Spoil spoil = spoil_now(unit);
        if (spoil == Spoil::silent) continue;
        if (spoil == Spoil::wrong_unit) answer->address[0] ^= 0x01;
        if (spoil == Spoil::exception) {
            answer->control = static_cast<std::uint8_t>(answer->control | 0x40);
            answer->data = {unit.fault.code};
        }
        auto out = build_dlt645(*answer, unit.meter->preamble());
        if (spoil == Spoil::bad_crc) out[out.size() - 2] ^= 0x55;
        if (spoil == Spoil::wrong_count) out[out.size() - 3 - answer->data.size()] ^= 0x02;
        if (spoil == Spoil::truncated) out.resize(out.size() - 3);
        if (spoil == Spoil::noise) out.insert(out.begin(), {0xFF, 0x00, 0x68, 0xFE});
        reply(endpoint, out, unit.fault);
    }
    if (!heard) ++stats_.unanswered;
}

// tid2 proto2 len2 unit1 PDU. Pipelined requests are answered one by one, in order.
void Line::on_mbap(Endpoint& endpoint) {
    std::vector<std::uint8_t>& bytes = endpoint.received;
    std::size_t at = 0;
    while (bytes.size() - at >= 8) {
        const std::span<const std::uint8_t> rest = std::span<const std::uint8_t>{bytes}.subspan(at);
        const std::size_t length = static_cast<std::size_t>(rest[4] << 8 | rest[5]);
        if (rest[2] != 0 || rest[3] != 0 || length < 2 || length > 254) {
            stats_.garbage_bytes += rest.size();
            at = bytes.size();
            break;
        }
        if (rest.size() < 6 + length) break;
        at += 6 + length;
        occupy(6 + length);
        Frame answer;
        for (std::size_t i = 0; i < 4; ++i)
            answer.add(rest[i]);
        answer.add16(0);
        answer.add(rest[6]);
        if (rest[6] > 247 || !run(rest[6], rest.subspan(7, length - 1), answer)) continue;
        Unit& unit = units_[rest[6]];
        const Spoil spoil = spoil_now(unit);
        if (spoil == Spoil::silent) continue;
        spoil_pdu(spoil, unit.fault, answer, 6);
        answer.bytes[5] = static_cast<std::uint8_t>(answer.size - 6);
        if (spoil == Spoil::bad_crc) answer.bytes[1] ^= 0x55;  // TCP has no checksum: the wrong transaction
        if (spoil == Spoil::truncated) answer.size -= 3;
        reply(endpoint, answer.view(), unit.fault);
    }
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

void Line::set_noise(double bytes_per_s) {
    noise_per_s_ = bytes_per_s;
    ++noise_epoch_;
    schedule_noise();
}

void Line::schedule_noise() {
    if (noise_per_s_ <= 0.0) return;
    std::exponential_distribution<double> wait{noise_per_s_};
    const std::uint64_t epoch = noise_epoch_;
    loop_.at(loop_.now().real_ns + std::llround(wait(random_) * 1e9), [this, epoch] {
        if (epoch != noise_epoch_) return;
        const auto byte = static_cast<std::uint8_t>(random_() & 0xFF);
        everyone({&byte, 1});
        schedule_noise();
    });
}

void Line::foreign_frame(std::span<const std::uint8_t> bytes) {
    everyone(bytes);
    // Nobody answers to us what another master asked for: only broadcasts act.
    if (scan_rtu(bytes, true).what == Scan::frame && bytes[0] == 0) {
        broadcast(bytes.subspan(1, bytes.size() - 3));
    } else if (scan_dlt645(bytes, true).what == Scan::frame) {
        const Dlt645Frame frame = parse_dlt645(bytes);
        for (Unit& unit : meters_) {
            if (unit.meter->mine(frame)) unit.meter->answer(frame);
        }
    }
}

}  // namespace sl::sim
