// Brings the lamps from what they report to what is wanted, with as few frames as will do. Pure: the caller
// asks for the next action of a line, carries it out and reports; one action per line is under way at a time,
// so a line sees at most one pass, however many wishes there are.
#pragma once

#include "gateway/site/command.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sl::control {

inline constexpr std::chrono::seconds settle_time{2};  // after a write and its fade, before reading back
inline constexpr std::chrono::seconds retry_first{2};  // doubles with each failure
inline constexpr std::chrono::seconds retry_longest{600};
inline constexpr double level_tolerance = 1.5;  // points of percent: steps of a logarithmic curve

struct Action {
    enum class Kind : std::uint8_t { broadcast, write, read } kind = Kind::read;
    std::uint64_t id = 0;
    std::size_t line = 0;
    std::vector<std::size_t> lamps;  // broadcast: all that it reaches; else one
    site::Level level;
    std::chrono::seconds fade{0};
};

// What came of one lamp of an action.
struct ActionResult {
    site::Code code = site::Code::ok;  // ok, no_reply or nak
    std::optional<double> level_pct;   // read: as reported
    std::optional<double> power_w;     // read: where known
};

// How far a lamp has got.
struct Progress {
    std::uint32_t generation = 0;  // counts changes of the wanted level
    bool wanted = false, settled = false, powered = false;
    int confirmed = 0;  // 0 broadcast, 1 acknowledged, 2 read back (and drawing power where that is known)
    int attempts = 0;   // failures since the level was wanted
    site::Code code = site::Code::ok;  // the last failure
};

class Reconcile {
  public:
    // `config` must outlive it.
    explicit Reconcile(const site::Config& config);

    // The level wanted from now on; a different one drops everything under way for the lamp. `urgent`: a
    // person waits for it; it is told before all lamps that only follow their program.
    void want(std::size_t lamp, site::Level level, std::chrono::seconds fade, site::SiteTime now,
              bool urgent = false);
    // A lamp without power is left alone. One that gains it is told its level at once and then verified;
    // call with `fresh` false for lamps found powered at start: they are read first, and left alone when
    // they already burn as wanted.
    void set_powered(std::size_t lamp, bool powered, bool fresh, site::SiteTime now);
    // The lamp answers again after it was off line: what waits for it need not wait out its pause.
    void returned(std::size_t lamp, site::SiteTime now);
    // Any reading of the level, also from routine polling. `at`: when it was taken.
    void reported(std::size_t lamp, double level_pct, std::optional<double> power_w, site::SiteTime at);

    // The next thing to do on this line; nullopt when nothing is due or an action is under way. Beside a read
    // that is under way a write that somebody waits for is given out: a command does not wait for a
    // read-back.
    std::optional<Action> next_action(std::size_t line, site::SiteTime now);
    // Ends the action. One result for each lamp in Action::lamps, or one for all. A read's level counts as
    // taken at `now`.
    void report(const Action& action, std::span<const ActionResult> results, site::SiteTime now);
    // When next_action() may have something that it has not now; nullopt: nothing is pending.
    std::optional<site::SiteTime> next_due(std::size_t line) const;

    Progress progress(std::size_t lamp) const;

  private:
    enum class Phase : std::uint8_t {
        idle,      // nothing is wanted
        unknown,   // wanted, but what the lamp does has not been read
        pending,   // to be written at `due`
        sent,      // to be read back at `due`
        verified,  // reads as wanted
    };
    struct Item {
        std::optional<site::Level> wanted;
        std::chrono::seconds fade{0};
        std::uint32_t generation = 0;
        Phase phase = Phase::idle;
        site::SiteTime due, settled_at;  // readings before settled_at say nothing
        int attempts = 0, confirmed = 0;
        site::Code code = site::Code::ok;
        bool powered = false, urgent = false;
    };
    struct Route {
        std::optional<std::size_t> line;
        int group = -1;  // lamps reached by one broadcast
        bool readable = false;
    };
    void build_groups();
    void rebase(site::SiteTime now);
    bool matches(const Item& item, double level_pct) const noexcept;
    std::optional<Action> group_action(std::size_t line, site::SiteTime now) const;
    std::optional<Action> single(std::size_t line, Phase phase, Action::Kind kind, site::SiteTime now,
                                 bool urgent_only = false) const;
    void fail(Item& item, Phase next, site::Code code, site::SiteTime now);
    void sent(std::size_t lamp, const Action& action, site::SiteTime now);

    const site::Config& config_;
    std::vector<Item> items_;                        // by lamp
    std::vector<Route> routes_;                      // by lamp
    std::vector<std::vector<std::size_t>> by_line_;  // lamps in the order of the plant
    std::vector<std::vector<std::size_t>> groups_;   // lamps of one broadcast
    std::vector<bool> writing_, reading_;            // by line
    std::vector<std::size_t> turn_;                  // by line: where the last single stopped
    std::uint64_t next_id_ = 1;
    site::SiteTime last_now_;
    std::map<std::uint64_t, std::vector<std::uint32_t>> in_flight_;  // by action: generations of its lamps
};

}  // namespace sl::control
