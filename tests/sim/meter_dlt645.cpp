// The DL/T 645-2007 face of the meter: which data identifier carries what, and the conversation.
#include "tests/sim/meter_unit.hpp"

#include <algorithm>
#include <cmath>

namespace sl::sim {

namespace {

namespace error {
constexpr std::uint8_t no_such_data = 0x02, unauthorised = 0x04, rate = 0x08;
}
constexpr std::uint8_t more_follows = 0x20, abnormal = 0x40, from_meter = 0x80;

void append(std::vector<std::uint8_t>& to, const std::vector<std::uint8_t>& bytes) {
    for (const std::uint8_t byte : bytes)
        to.push_back(byte);
}

std::vector<std::uint8_t> scaled(double value, double resolution, int bytes) {
    return bcd(std::llround(value / resolution), bytes);
}

std::uint32_t identifier(std::span<const std::uint8_t> data) {
    return static_cast<std::uint32_t>(data[0]) | static_cast<std::uint32_t>(data[1]) << 8 |
           static_cast<std::uint32_t>(data[2]) << 16 | static_cast<std::uint32_t>(data[3]) << 24;
}

bool all_are(const std::array<std::uint8_t, 6>& address, std::uint8_t byte) {
    return std::all_of(address.begin(), address.end(), [byte](std::uint8_t a) { return a == byte; });
}

int from_bcd(std::uint8_t byte) {
    return (byte >> 4) * 10 + (byte & 0x0F);
}

// Phase quantities of class 02: resolution, bytes, and whether a total stands before the phases.
struct Column {
    double resolution;
    int bytes;
    bool has_total;
    std::array<double, 4> values;  // total, A, B, C
};

Column column_of(std::uint8_t kind, const MeterValues& v) {
    std::array<double, 4> watts{v.sum(v.watts), v.watts[0], v.watts[1], v.watts[2]};
    std::array<double, 4> vars{v.sum(v.vars), v.vars[0], v.vars[1], v.vars[2]};
    Column column{0.0001, 3, true, {}};
    for (std::size_t i = 0; i < 4; ++i) {
        const double va = std::hypot(watts[i], vars[i]);
        switch (kind) {
            case 1:
                column.values[i] = i == 0 ? 0.0 : v.volts[i - 1];
                break;
            case 2:
                column.values[i] = i == 0 ? 0.0 : v.amps[i - 1];
                break;
            case 3:
                column.values[i] = watts[i] / 1000.0;
                break;
            case 4:
                column.values[i] = vars[i] / 1000.0;
                break;
            case 5:
                column.values[i] = va / 1000.0;
                break;
            default:
                column.values[i] = va > 1e-6 ? watts[i] / va : 1.0;
                break;
        }
    }
    if (kind == 1) column = {0.1, 2, false, column.values};
    if (kind == 2) column = {0.001, 3, false, column.values};
    if (kind == 6) column = {0.001, 2, true, column.values};
    return column;
}

}  // namespace

bool Dlt645Meter::mine(const Dlt645Frame& request) const {
    if ((request.control & from_meter) != 0) return false;
    if (all_are(request.address, 0x99)) return true;
    for (std::size_t i = 0; i < 6; ++i) {
        if (request.address[i] != spec_.address[i] && request.address[i] != 0xAA) return false;
    }
    return true;
}

double Dlt645Meter::local_time_s() const {
    const World& world = meter_.world();
    return world.now().sim_s + world.offset_s() + (clock_set_ ? clock_shift_s_ : spec_.clock_error_s);
}

std::optional<std::vector<std::uint8_t>> Dlt645Meter::energy(std::uint32_t di) const {
    const MeterValues v = meter_.values();
    const auto total = bcd(static_cast<std::int64_t>(std::floor(v.sum(v.wh) / 10.0)), 4);
    const auto nothing = bcd(0, 4);
    const std::uint32_t tariff = di >> 8 & 0xFF;
    const std::uint32_t kind = di >> 16 & 0xFF;
    if ((di & 0xFF) != 0 || kind > 2) return std::nullopt;
    const bool counts = kind != 2;  // nothing is ever fed back
    if (tariff == 0xFF) {           // total and tariffs 1..4: all is bought in tariff 1
        std::vector<std::uint8_t> block;
        for (int i = 0; i < 5; ++i)
            append(block, counts && i < 2 ? total : nothing);
        return block;
    }
    if (tariff > 4) return std::nullopt;
    return counts && tariff < 2 ? total : nothing;
}

std::optional<std::vector<std::uint8_t>> Dlt645Meter::instant(std::uint32_t di) const {
    const MeterValues v = meter_.values();
    if (di == 0x02800002) return scaled(v.hertz, 0.01, 2);
    if (di == 0x02800001) return scaled(0.0, 0.001, 3);
    const auto kind = static_cast<std::uint8_t>(di >> 16 & 0xFF);
    const std::uint32_t phase = di >> 8 & 0xFF;
    if ((di & 0xFF) != 0 || kind < 1 || kind > 6) return std::nullopt;
    const Column column = column_of(kind, v);
    const std::size_t first = column.has_total ? 0 : 1;
    if (phase == 0xFF) {
        std::vector<std::uint8_t> block;
        for (std::size_t i = first; i < 4; ++i) {
            append(block, scaled(column.values[i], column.resolution, column.bytes));
        }
        return block;
    }
    if (phase < first || phase > 3) return std::nullopt;
    return scaled(column.values[phase], column.resolution, column.bytes);
}

std::optional<std::vector<std::uint8_t>> Dlt645Meter::parameter(std::uint32_t di) const {
    const CivilTime t = civil_from(local_time_s());
    switch (di) {
        case 0x04000101:
            return bcd(((t.year % 100 * 100 + t.month) * 100 + t.day) * 100LL + t.weekday, 4);
        case 0x04000102:
            return bcd((t.hour * 100 + t.minute) * 100LL + t.second, 3);
        case 0x04000401:
        case 0x04000402:
            return std::vector<std::uint8_t>(spec_.address.begin(), spec_.address.end());
        case 0x04000409:
            return bcd(6400, 3);
        case 0x04000503:
            return std::vector<std::uint8_t>{0x00, 0x00};
        default:
            return std::nullopt;
    }
}

std::optional<std::vector<std::uint8_t>> Dlt645Meter::data_of(std::uint32_t di) const {
    if (const auto fixed = spec_.fixed.find(di); fixed != spec_.fixed.end()) return fixed->second;
    switch (di >> 24) {
        case 0x00:
            return energy(di);
        case 0x02:
            return instant(di);
        case 0x04:
            return parameter(di);
        default:
            return std::nullopt;
    }
}

Dlt645Frame Dlt645Meter::refuse(std::uint8_t function, std::uint8_t code) const {
    return {spec_.address, static_cast<std::uint8_t>(from_meter | abnormal | function), {code}};
}

// One part of open_data_: DI, as many bytes as the limit lets through, and in a follow-on the sequence.
Dlt645Frame Dlt645Meter::part(std::uint8_t function, std::size_t offset,
                              std::optional<std::uint8_t> sequence) {
    const std::size_t count = std::min(spec_.reply_limit, open_data_.size() - offset);
    const bool more = offset + count < open_data_.size();
    Dlt645Frame out{spec_.address, static_cast<std::uint8_t>(from_meter | function), {}};
    if (more) out.control = static_cast<std::uint8_t>(out.control | more_follows);
    for (int shift = 0; shift < 32; shift += 8) {
        out.data.push_back(static_cast<std::uint8_t>(open_di_ >> shift & 0xFF));
    }
    for (const std::uint8_t byte : std::span{open_data_}.subspan(offset, count))
        out.data.push_back(byte);
    if (sequence) out.data.push_back(*sequence);
    return out;
}

Dlt645Frame Dlt645Meter::read(const Dlt645Frame& request) {
    if (request.data.size() < 4) return refuse(0x11, error::no_such_data);
    open_di_ = identifier(request.data);
    open_data_.clear();
    const auto data = data_of(open_di_);
    if (!data) return refuse(0x11, error::no_such_data);
    open_data_ = *data;
    return part(0x11, 0, std::nullopt);
}

Dlt645Frame Dlt645Meter::follow_on(const Dlt645Frame& request) {
    const bool known = request.data.size() == 5 && identifier(request.data) == open_di_;
    const std::size_t offset = known ? request.data[4] * spec_.reply_limit : 0;
    if (!known || request.data[4] == 0 || offset >= open_data_.size()) {
        return refuse(0x12, error::no_such_data);
    }
    return part(0x12, offset, request.data[4]);
}

// ss mm hh DD MM YY; no answer ever.
void Dlt645Meter::set_clock(std::span<const std::uint8_t> data) {
    if (data.size() != 6) return;
    const CivilTime told{2000 + from_bcd(data[5]), from_bcd(data[4]), from_bcd(data[3]),
                         from_bcd(data[2]),        from_bcd(data[1]), from_bcd(data[0])};
    if (told.month < 1 || told.month > 12 || told.day < 1 || told.day > 31 || told.hour > 23) return;
    const World& world = meter_.world();
    clock_shift_s_ = seconds_from(told) - (world.now().sim_s + world.offset_s());
    clock_set_ = true;
    ++time_broadcasts_;
}

std::optional<Dlt645Frame> Dlt645Meter::answer(const Dlt645Frame& request) {
    const bool to_all = all_are(request.address, 0x99);
    const auto function = static_cast<std::uint8_t>(request.control & 0x1F);
    if (function == 0x08) {
        set_clock(request.data);
        return std::nullopt;
    }
    if (to_all || function == 0x15) return std::nullopt;  // writing an address needs the meter's button
    switch (function) {
        case 0x11:
            return read(request);
        case 0x12:
            return follow_on(request);
        case 0x13:
            return Dlt645Frame{spec_.address, 0x93, {spec_.address.begin(), spec_.address.end()}};
        case 0x16:
            return Dlt645Frame{spec_.address, 0x96, {}};
        case 0x17:
            return refuse(function, error::rate);
        default:
            return refuse(function, error::unauthorised);
    }
}

}  // namespace sl::sim
