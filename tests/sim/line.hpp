// One field line: which devices sit on it, what time its wire takes, what is broken on it.
#pragma once

#include "tests/sim/codec_dlt645.hpp"
#include "tests/sim/codec_modbus.hpp"
#include "tests/sim/loop.hpp"
#include "tests/sim/meter_unit.hpp"

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sl::sim {

struct LineSpec {
    std::string id;
    std::string pty;            // path of the symlink; empty: TCP
    int tcp_port = 0;           // 0 = any free one; always on loopback
    bool rtu_over_tcp = false;  // TCP without MBAP: a transparent serial server
    unsigned baud = 9600;       // this and the format only matter when paced
    std::string format = "8E1";
    unsigned bits_per_char() const { return format == "8N1" ? 10 : 11; }  // with start and stop
    bool pace = false;
    double answer_ms = 0.0;  // thinking time of the devices
    bool echo = false;       // the adapter hears itself
};

// Where answers go: a pty or one TCP connection.
class Endpoint : public std::enable_shared_from_this<Endpoint> {
  public:
    Endpoint() = default;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    virtual ~Endpoint() = default;
    virtual void send(std::span<const std::uint8_t> bytes) = 0;
    std::vector<std::uint8_t> received;  // not yet understood
    std::uint64_t generation = 0;        // counts arrivals, to notice silence
};

enum class Spoil : std::uint8_t {
    none,
    bad_crc,
    wrong_unit,
    wrong_count,
    exception,
    truncated,
    noise,
    silent
};
struct AnswerFault {
    Spoil spoil = Spoil::none;
    std::uint8_t code = 4;  // of Spoil::exception
    unsigned every = 1;     // spoils each n-th answer
    int left = -1;          // -1 = until lifted
    double late_ms = 0.0;   // apart from spoiling
};

struct UnitStats {
    std::uint64_t requests = 0, reads = 0, writes = 0, broadcasts = 0, answers = 0, exceptions = 0,
                  spoiled = 0;
};

struct Unit {
    RegisterDevice* modbus = nullptr;
    Dlt645Meter* meter = nullptr;
    AnswerFault fault;
    UnitStats stats;
};

struct LineStats {
    std::uint64_t frames = 0, answers = 0, unanswered = 0, broadcasts = 0, garbage_bytes = 0;
    std::uint64_t early_requests = 0;  // paced: began before 3.5 characters (less a tolerance) of silence
};

class Line {
  public:
    Line(Loop& loop, LineSpec spec) : loop_(loop), spec_(std::move(spec)) {}

    const LineSpec& spec() const { return spec_; }
    LineSpec& settings() { return spec_; }
    void add(std::uint8_t unit, RegisterDevice& device) { units_[unit].modbus = &device; }
    void add(Dlt645Meter& meter);
    Unit* modbus_unit(unsigned unit) { return unit < units_.size() ? &units_[unit] : nullptr; }
    std::vector<Unit>& meters() { return meters_; }
    const LineStats& stats() const { return stats_; }

    // Bytes have been appended to endpoint.received.
    void on_serial(Endpoint& endpoint);
    void on_mbap(Endpoint& endpoint);
    void open(std::shared_ptr<Endpoint> endpoint) { endpoints_.push_back(endpoint); }
    bool open() const;

    void set_noise(double bytes_per_s);
    // Another master talks: everybody on the line hears it, the gateway included.
    void foreign_frame(std::span<const std::uint8_t> bytes);
    double extra_delay_ms = 0.0;

  private:
    void consume(Endpoint& endpoint, bool silence);
    void await_silence(Endpoint& endpoint);
    void serve_rtu(Endpoint& endpoint, std::span<const std::uint8_t> frame);
    void serve_dlt645(Endpoint& endpoint, std::span<const std::uint8_t> frame);
    bool run(std::uint8_t unit, std::span<const std::uint8_t> pdu, Frame& answer);
    void broadcast(std::span<const std::uint8_t> pdu);
    Spoil spoil_now(Unit& unit);
    static void spoil_pdu(Spoil spoil, const AnswerFault& fault, Frame& frame, std::size_t unit_at);
    void reply(Endpoint& endpoint, std::span<const std::uint8_t> bytes, const AnswerFault& fault);
    void occupy(std::size_t request_bytes);
    void everyone(std::span<const std::uint8_t> bytes);
    void schedule_noise();

    Loop& loop_;
    LineSpec spec_;
    std::array<Unit, 248> units_{};
    std::vector<Unit> meters_;
    std::vector<std::weak_ptr<Endpoint>> endpoints_;
    LineStats stats_;
    std::int64_t request_end_ns_ = 0;  // paced: when the request's last bit was on the wire
    std::int64_t busy_until_ns_ = 0;
    double noise_per_s_ = 0.0;
    std::uint64_t noise_epoch_ = 0;
    std::mt19937 random_{12345};
};

}  // namespace sl::sim
