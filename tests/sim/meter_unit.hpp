// The meter in front of the feeders. Its registers are computed from the lamps behind it, so they agree with
// them: lamps + controllers + line loss + other loads + the cabinet's own consumption.
#pragma once

#include "tests/sim/codec_dlt645.hpp"
#include "tests/sim/codec_modbus.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sl::sim {

struct MeterSpec {
    std::string id;
    std::vector<std::size_t> feeders;
    double standby_w = 6.0;  // gateway, modem, relays: on L1
    double initial_kwh = 0.0;
    int ct_ratio = 1;  // registers show secondary values: primary / ratio
};

struct MeterValues {
    std::array<double, 3> volts{}, amps{}, watts{}, vars{}, wh{};
    double hertz = 50.0;
    double sum(const std::array<double, 3>& of) const { return of[0] + of[1] + of[2]; }
};

class Meter {
  public:
    Meter(World& world, MeterSpec spec)
        : world_(world), spec_(std::move(spec)), start_s_(world.now().sim_s) {}
    MeterValues values() const;  // secondary
    double primary_wh() const;   // since the start of the simulation, without the initial reading
    const MeterSpec& spec() const { return spec_; }
    World& world() const { return world_; }

  private:
    World& world_;
    MeterSpec spec_;
    double start_s_;
};

struct Dlt645Spec {
    std::array<std::uint8_t, 6> address{};  // wire order
    int preamble = 4;                       // FE bytes before an answer
    std::size_t reply_limit = 200;          // longer answers need a follow-on request
    double clock_error_s = 0.0;             // until the first time broadcast
    // Fixed answers (DI -> data in wire order): to replay published frames.
    std::map<std::uint32_t, std::vector<std::uint8_t>> fixed;
};

class Dlt645Meter {
  public:
    Dlt645Meter(Meter& meter, Dlt645Spec spec) : meter_(meter), spec_(std::move(spec)) {}
    bool mine(const Dlt645Frame& request) const;  // wildcard and broadcast addresses included
    std::optional<Dlt645Frame> answer(const Dlt645Frame& request);
    int preamble() const { return spec_.preamble; }
    const std::array<std::uint8_t, 6>& address() const { return spec_.address; }
    void fix(std::uint32_t di, std::vector<std::uint8_t> data) { spec_.fixed[di] = std::move(data); }
    double local_time_s() const;
    const Meter& meter() const { return meter_; }
    std::uint32_t time_broadcasts() const { return time_broadcasts_; }

  private:
    std::optional<std::vector<std::uint8_t>> data_of(std::uint32_t di) const;
    std::optional<std::vector<std::uint8_t>> energy(std::uint32_t di) const;
    std::optional<std::vector<std::uint8_t>> instant(std::uint32_t di) const;
    std::optional<std::vector<std::uint8_t>> parameter(std::uint32_t di) const;
    Dlt645Frame read(const Dlt645Frame& request);
    Dlt645Frame follow_on(const Dlt645Frame& request);
    void set_clock(std::span<const std::uint8_t> data);
    Dlt645Frame part(std::uint8_t function, std::size_t offset, std::optional<std::uint8_t> sequence);
    Dlt645Frame refuse(std::uint8_t function, std::uint8_t error) const;

    Meter& meter_;
    Dlt645Spec spec_;
    double clock_shift_s_ = 0.0;
    bool clock_set_ = false;
    std::uint32_t time_broadcasts_ = 0;
    // The long answer that a follow-on continues.
    std::uint32_t open_di_ = 0;
    std::vector<std::uint8_t> open_data_;
};

// Eastron SDM630: float32 in pairs of input registers, high word first.
class Sdm630Meter : public RegisterDevice {
  public:
    explicit Sdm630Meter(Meter& meter) : meter_(meter) {}
    bool alive() const override { return true; }
    std::uint8_t read_registers(int table, std::uint16_t address, std::span<std::uint16_t> out) override;

  private:
    float value_at(std::uint16_t address, const MeterValues& values) const;
    Meter& meter_;
};

}  // namespace sl::sim
