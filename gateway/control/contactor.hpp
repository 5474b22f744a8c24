// One contactor with the feeders behind it, as a pure step: what is wanted and what is seen go in, at most a
// few actions come out. Nothing here writes a relay; the caller does, and feeds back what it read.
#pragma once

#include "gateway/site/plant.hpp"
#include "gateway/site/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sl::control {

inline constexpr std::chrono::seconds confirm_within{3};   // operation to auxiliary contact
inline constexpr std::chrono::seconds reassert_every{60};  // also feeds the module's safety timer
inline constexpr std::chrono::seconds adopt_within{30};    // waiting for the read-back after a start
inline constexpr std::chrono::seconds dark_grace{30};      // beyond open_delay, for lamps that do not obey

// A bit that was read, and when.
struct Seen {
    bool on = false;
    site::SiteTime at;
};

struct ContactorInput {
    bool wanted = false;          // some feeder behind it needs power (program, override, a hold that is on)
    bool held_off = false;        // a person's hold: open, without the reserve for closing again
    bool protective_off = false;  // a trip: at once, past all limits
    bool manual = false;          // selector at MANUAL: no relay is written
    bool lamps_dark = true;       // every lamp behind it is at 0, or silent
    bool registers_read = true;   // the last reading of registers asked for has been done
    std::optional<Seen> output;   // coil as the module reports it
    std::optional<Seen> aux;      // auxiliary contact: closed?
    std::optional<bool> voltage;  // measured behind the contactor
};

enum class RelayAction : std::uint8_t {
    close,
    open,
    reassert,        // write the commanded state once more
    lamps_off,       // level 0 to the lamps behind it, opening follows
    read_registers,  // last register read before the power goes
};
std::string_view name(RelayAction action) noexcept;

enum class Mismatch : std::uint8_t { none, welded, not_closed };  // commanded open yet closed; and reverse
std::string_view name(Mismatch mismatch) noexcept;

class ContactorControl {
  public:
    // `earliest_close`: instant before which it does not close after a start (random start).
    ContactorControl(const site::Contactor& contactor, std::chrono::seconds open_delay, site::SiteTime start,
                     site::SiteTime earliest_close);

    // `turn`: whether another contactor has not just closed (they close one by one). Call at every change and
    // at least once a second. Actions are to be carried out in order.
    std::vector<RelayAction> step(site::SiteTime now, const ContactorInput& in, bool turn);

    bool adopted() const noexcept { return adopted_; }
    bool commanded() const noexcept { return commanded_; }
    bool opening() const noexcept { return opening_since_.has_value(); }
    bool energised() const noexcept { return energised_; }
    site::SiteTime energised_since() const noexcept { return energised_since_; }
    site::SiteTime changed() const noexcept { return changed_.value_or(site::SiteTime{}); }
    std::uint32_t operations() const noexcept { return operations_; }
    Mismatch mismatch() const noexcept { return mismatch_; }
    // What holds back an operation that is wanted; empty when nothing does.
    std::string_view waiting_for() const noexcept { return waiting_for_; }

    // Times of the operations of the last hour, so that a restart does not lift the limits.
    std::string history() const;
    void restore_history(std::string_view text);

  private:
    void adopt(site::SiteTime now, const ContactorInput& in);
    void follow_output(site::SiteTime now, const ContactorInput& in);
    void judge(site::SiteTime now, const ContactorInput& in);
    void operate(site::SiteTime now, bool close);
    void close_or_wait(site::SiteTime now, bool turn, std::vector<RelayAction>& actions);
    void open_in_order(site::SiteTime now, const ContactorInput& in, std::vector<RelayAction>& actions);
    std::string_view refusal(site::SiteTime now, bool close, bool held_off);
    int recent_operations(site::SiteTime now);
    void rebase(site::SiteTime now);

    site::Contactor contactor_;
    std::chrono::seconds open_delay_;
    site::SiteTime start_, earliest_close_;
    bool adopted_ = false, commanded_ = false, energised_ = false, was_manual_ = false;
    std::optional<site::SiteTime> changed_;        // last operation, own or foreign
    std::optional<site::SiteTime> opening_since_;  // level 0 was asked for then
    std::optional<site::SiteTime> differs_since_;  // auxiliary contact against command
    site::SiteTime energised_since_, asserted_;
    std::deque<site::SiteTime> recent_;
    std::uint32_t operations_ = 0;
    Mismatch mismatch_ = Mismatch::none;
    std::string_view waiting_for_;
};

}  // namespace sl::control
