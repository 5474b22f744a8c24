// Who rules a lamp or a feeder now: the layers of lighting safety, highest first, each lamp with exactly one
// winner. Level overrides end by themselves; a hold that keeps a feeder off never does.
#pragma once

#include "gateway/schedule/planner.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/plant.hpp"
#include "gateway/site/time.hpp"

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sl::schedule {

inline constexpr std::chrono::seconds default_hold{7'200};
inline constexpr std::chrono::minutes warn_before_end{10};
inline constexpr std::chrono::hours overdue_repeat{1};

// A level set by somebody, for one lamp in one layer.
struct Override {
    site::Level level;
    std::chrono::seconds fade{0};
    site::SiteTime start;
    std::optional<site::SiteTime> end;  // empty: until released
    std::string command, principal;
    bool warned = false;
    friend bool operator==(const Override&, const Override&) = default;
};

// A person's word on a feeder.
struct FeederHold {
    bool on = false;
    site::SiteTime start;
    std::optional<site::SiteTime> end;  // on: when it ends; off: when it becomes overdue
    site::SiteTime last_alarm;          // off: 0 = not yet overdue
    std::string command, principal;
    friend bool operator==(const FeederHold&, const FeederHold&) = default;
};

// What a layer other than the program wants of one lamp.
struct OverrideRequest {
    std::vector<std::size_t> lamps;
    site::Level level;
    std::chrono::seconds fade{0};
    site::Source layer = site::Source::override_;  // override_ or emergency
    site::Hold hold = site::HoldFor{};
    std::string command, principal;
};

// The one winner for a lamp.
struct Wanted {
    site::Level level;
    std::chrono::seconds fade{0};
    site::Source source = site::Source::program;
    std::string ref;             // command id, rule id, or empty
    site::SiteTime valid_until;  // ask again then at the latest; far_future = no end
    std::string reason;          // for a person
};
inline constexpr site::SiteTime far_future = site::site_ms(253'402'300'799'000);  // 9999-12-31

struct ArbitrationEvent {
    enum class Kind : std::uint8_t { override_ending, override_ended, hold_overdue, on_hold_ended } kind;
    std::string command, principal;
    std::vector<std::size_t> lamps;     // of overrides
    std::optional<std::size_t> feeder;  // of holds
    site::Source layer = site::Source::override_;
    std::optional<site::SiteTime> end;
};

class Arbitration {
  public:
    // `plant` must outlive it. Lamps and feeders are indices into it.
    explicit Arbitration(const site::Plant& plant);

    // First instant after t at which the lamp's program switches; nullopt when unknown (then the default
    // length holds).
    using NextSwitch = std::function<std::optional<site::SiteTime>(std::size_t lamp, site::SiteTime t)>;

    // The last override replaces the former for the same lamp and layer. Returns the commands it replaced.
    std::vector<std::string> set(const OverrideRequest& request, site::SiteTime now,
                                 const NextSwitch& next_switch);
    // Ends the overrides of these lamps in all layers; returns how many there were.
    std::size_t release(std::span<const std::size_t> lamps);

    void hold_feeder(std::size_t feeder, bool on, const site::Hold& hold, std::string command,
                     std::string principal, site::SiteTime now);
    bool release_feeder(std::size_t feeder);

    // Ends what has ended, warns and reminds. What it reports it reports once (overdue holds: hourly).
    std::vector<ArbitrationEvent> tick(site::SiteTime now);
    // When tick() has something to do next, or a winner may change for an override's sake.
    site::SiteTime next_edge(site::SiteTime now) const;

    // Facts of the site that outrank any plan.
    struct Facts {
        bool local_manual = false;          // selector of this lamp's feeder stands at MANUAL
        std::optional<site::Level> safety;  // a measured danger asks for light; it never darkens
    };
    Wanted resolve(std::size_t lamp, site::SiteTime now, const Decision& program, std::string_view rule_id,
                   const Facts& facts) const;

    const Override* find(std::size_t lamp, site::Source layer, site::SiteTime now) const;
    const FeederHold* hold(std::size_t feeder) const;
    bool held_off(std::size_t feeder) const;
    bool held_on(std::size_t feeder, site::SiteTime now) const;
    std::optional<std::size_t> feeder_of(std::size_t lamp) const { return feeder_of_lamp_.at(lamp); }

    // What must survive a restart: (key, value) pairs to persist since the last call; an empty value means
    // that the key is gone. Keys begin with "arb.".
    std::vector<std::pair<std::string, std::string>> changes();
    // Restores pairs written before, also by another configuration: lamps and feeders that exist no more are
    // left out. Returns how many pairs could not be read.
    std::size_t restore(std::span<const std::pair<std::string, std::string>> pairs);

  private:
    static constexpr std::size_t layers = 2;  // emergency, override
    using Slots = std::array<std::optional<Override>, layers>;
    static std::optional<std::size_t> slot(site::Source layer) noexcept;
    static site::Source layer_of(std::size_t slot) noexcept;
    static std::string key_of(std::size_t slot, const Override& entry);
    void tick_lamp(std::size_t lamp, std::size_t slot, site::SiteTime now,
                   std::vector<ArbitrationEvent>& events);
    void tick_feeder(std::size_t feeder, site::SiteTime now, std::vector<ArbitrationEvent>& events);
    std::map<std::string, std::string> snapshot() const;
    bool restore_override(std::string_view key, std::string_view text);
    bool restore_hold(std::string_view key, std::string_view text);

    const site::Plant& plant_;
    std::vector<Slots> lamps_;
    std::vector<std::optional<FeederHold>> holds_;
    std::vector<std::optional<std::size_t>> feeder_of_lamp_;
    std::map<std::string, std::string> saved_;
};

}  // namespace sl::schedule
