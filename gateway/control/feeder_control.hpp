// The power of the site: which feeders are wanted live, their contactors in turn, and which lamps may be
// judged because their controllers are up.
#pragma once

#include "gateway/control/contactor.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sl::control {

inline constexpr std::chrono::seconds lead_margin{60};  // on top of boot_s, before the first light is due
inline constexpr std::chrono::seconds close_spacing{2};

// What the caller knows of one feeder at this instant.
struct FeederInput {
    bool wanted = false;  // from feeder_wanted(), or a hold that is on
    bool held_off = false, protective_off = false, manual = false;
    bool lamps_dark = true, registers_read = true;
    std::optional<bool> voltage;  // behind the contactor
    site::Source source = site::Source::program;
};

struct FeederAction {
    RelayAction action = RelayAction::reassert;
    std::size_t contactor = 0;
    bool closed = false;               // state to write for close, open and reassert
    std::vector<std::size_t> feeders;  // behind it
    std::string_view reason;
};

class FeederControl {
  public:
    // `config` must outlive it. `random_start`: 0..10 s drawn by the caller at start, the same for all
    // contactors of the cabinet.
    FeederControl(const site::Config& config, site::SiteTime start, std::chrono::milliseconds random_start);

    // `inputs` by feeder. Reads contactors' output and aux from `seen`, by contactor.
    struct ContactorSeen {
        std::optional<Seen> output, aux;
    };
    std::vector<FeederAction> step(site::SiteTime now, std::span<const FeederInput> inputs,
                                   std::span<const ContactorSeen> seen);

    // Writes feeders, contactors and LampState::powered; a lamp that loses power has its misses cleared and
    // its values marked no_power, one that gains it starts afresh. Returns the lamps that became powered.
    std::vector<std::size_t> publish(site::SiteTime now, site::SiteState& state) const;

    // Instant from which lamps of this feeder count as powered; nullopt while it is dead.
    std::optional<site::SiteTime> powered_from(std::size_t lamp) const;
    bool energised(std::size_t feeder) const;
    // How long before light is due the feeder is to be closed: the slowest controller on it, and a margin.
    std::chrono::seconds lead(std::size_t feeder) const { return lead_.at(feeder); }
    const ContactorControl& contactor(std::size_t index) const { return contactors_.at(index); }

    // Operations of the last hour, to persist: ("contactor.<id>", text).
    std::vector<std::pair<std::string, std::string>> changes();
    void restore(std::span<const std::pair<std::string, std::string>> pairs);

  private:
    ContactorInput gather(std::size_t contactor, std::span<const FeederInput> inputs,
                          const ContactorSeen& seen) const;

    const site::Config& config_;
    std::vector<ContactorControl> contactors_;
    std::vector<std::vector<std::size_t>> feeders_of_;        // by contactor
    std::vector<std::optional<std::size_t>> contactor_of_;    // by feeder
    std::vector<std::optional<std::size_t>> feeder_of_lamp_;  // by lamp
    std::vector<std::chrono::seconds> boot_;                  // by lamp
    std::vector<std::chrono::seconds> lead_;                  // by feeder
    std::vector<FeederInput> last_;                           // by feeder
    std::vector<bool> always_live_;                           // by feeder, measured
    std::vector<site::SiteTime> always_since_;                // by feeder
    std::optional<site::SiteTime> last_close_;
    std::map<std::string, std::string> saved_;
};

// A switched feeder is wanted live from `lead` before the first of its lamps is due to burn until all of them
// are wanted at 0 (opening then waits for them to be dark and for open_delay). `now` and `ahead` are the
// levels wanted of its lamps at this instant and `lead` later; the caller skips `ahead` for lamps whose
// winner is an override that ends before.
bool feeder_wanted(std::span<const site::Level> now, std::span<const site::Level> ahead) noexcept;

}  // namespace sl::control
