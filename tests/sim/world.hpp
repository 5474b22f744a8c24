// The street and the cabinet without any protocol: who has mains, who draws what. Holds no descriptors.
#pragma once

#include "tests/sim/clock.hpp"
#include "tests/sim/physics.hpp"

#include <array>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sl::sim {

enum class ContactorFault : std::uint8_t { none, welded, no_close };

struct Contactor {
    std::string id;
    double close_s = 0.06, open_s = 0.03;
    ContactorFault fault = ContactorFault::none;
    bool coil = false;
    bool closed = false;        // main contacts, and with them the auxiliary contact
    double coil_since_s = 0.0;  // simulated
    std::uint32_t operations = 0;
    void drive(double sim_s, bool on);
    void step(double sim_s);
};

struct Feeder {
    std::string id;
    std::optional<std::size_t> contactor;  // none: always live
    double other_loads_w = 0.0;
    std::array<int, 3> cut_after = no_cut;  // lamps of a higher order have no mains
    std::array<bool, 3> phase_lost{};
    static constexpr std::array<int, 3> no_cut{
        std::numeric_limits<int>::max(), std::numeric_limits<int>::max(), std::numeric_limits<int>::max()};
    double other_wh = 0.0;
};

struct PhaseSums {
    std::array<double, 3> watts{}, amps{}, volts{}, vars{};
};

// What hangs on a lamp position and wants to know about mains: a controller or a DALI gear.
class MainsConsumer {
  public:
    MainsConsumer() = default;
    MainsConsumer(const MainsConsumer&) = delete;
    MainsConsumer& operator=(const MainsConsumer&) = delete;
    virtual ~MainsConsumer() = default;
    virtual std::size_t first_head() const = 0;  // decides feeder, phase and order
    virtual void mains(bool present) = 0;        // called on every step; edges are the consumer's to see
    virtual void step() {}
};

class World {
  public:
    World(const Now& now, int offset_s) : now_(now), offset_s_(offset_s) {}

    std::size_t add_head(HeadSpec spec);
    std::size_t add_feeder(Feeder feeder);
    std::size_t add_contactor(Contactor contactor);
    void add_consumer(MainsConsumer& consumer) { consumers_.push_back(&consumer); }

    const Now& now() const { return now_; }
    int offset_s() const { return offset_s_; }
    LampHead& head(std::size_t index) { return heads_[index]; }
    std::vector<LampHead>& heads() { return heads_; }
    std::vector<Feeder>& feeders() { return feeders_; }
    std::vector<Contactor>& contactors() { return contactors_; }
    LampHead* find_head(const std::string& id);
    Feeder* find_feeder(const std::string& id);
    Contactor* find_contactor(const std::string& id);
    std::optional<std::size_t> head_index(const std::string& id) const;

    // Contactors, mains, cable and heat up to now. Called on every tick and after every coil write.
    void step();
    bool phase_live(std::size_t feeder, int phase) const;
    double busbar_volts(int phase) const;
    // Loads of these feeders as a meter in front of them sees them, line loss included.
    PhaseSums load(const std::vector<std::size_t>& feeders);
    double load_wh(const std::vector<std::size_t>& feeders, int phase);

    double loss_pct = 1.5;
    double ambient_c = 10.0;
    double cable_ohm_per_span = 0.02;
    std::array<bool, 3> grid_lost{};

  private:
    bool supplied(const HeadSpec& spec) const;
    void update_voltages();

    const Now& now_;
    int offset_s_;
    double last_step_s_ = 0.0;
    std::vector<LampHead> heads_;
    std::map<std::string, std::size_t> head_by_id_;
    std::vector<Feeder> feeders_;
    std::vector<Contactor> contactors_;
    std::vector<MainsConsumer*> consumers_;
};

}  // namespace sl::sim
