// What goes upstream, and when: state by exception, telemetry on the clock, alarms, snapshots. Decides which
// bodies are due; how they look is northbound's, whether they are kept is the store's.
#pragma once

#include "gateway/northbound/bodies.hpp"
#include "gateway/northbound/messages.hpp"
#include "gateway/northbound/reactor.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/outbox.hpp"
#include "gateway/site/state.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sl::app {

struct ReportingHooks {
    std::function<northbound::Stamp()> stamp;
    std::function<site::MonoTime()> mono;
    std::function<std::vector<site::AlarmTransition>()> standing_alarms;
};

class Reporting {
  public:
    Reporting(const site::Config& config, const site::SiteState& state, site::Outbox& outbox,
              ReportingHooks hooks);

    // Something of the object may have changed; it is compared with what was reported last.
    void lamp_changed(std::size_t lamp);
    void feeder_changed(std::size_t feeder);
    void contactor_changed(std::size_t contactor);
    void input_changed(std::size_t input);
    void meter_changed(std::size_t meter);
    void module_changed(std::size_t module);  // whether it answers: the contactors and inputs wired to it
    // A reading came in; with a telemetry period of 0 every one of them goes upstream.
    void lamp_read(std::size_t lamp);

    void alarm(const site::AlarmTransition& transition);
    void audit(const northbound::Audit& audit);
    void override_event(const northbound::OverrideEvent& event);
    void event(std::string body);
    void energy(northbound::Bodies bodies);
    // Everything as it is now: after each connect, every few hours, and when asked for (with the asker's
    // command id).
    void snapshot(const std::string& requester);

    // At least ten times a second: sends what has gathered and what has fallen due.
    void tick();
    // When the trust in the clock changed: the anchor that dates earlier records.
    void clock_became_trusted();

    // How large a record may be now.
    northbound::BodyLimits limits() const;
    std::uint64_t rows() const noexcept { return rows_; }  // telemetry rows handed to the outbox

  private:
    // What of a lamp is reported by exception.
    struct Visible {
        bool online = false, powered = false;
        int on = -1, target = -1, level = -1, confirmed = 0;
        site::Source source = site::Source::default_;
        std::uint32_t faults = 0;
        friend bool operator==(const Visible&, const Visible&) = default;
    };
    // Objects of one kind that wait to be reported.
    struct Pending {
        std::vector<std::size_t> list;
        std::vector<bool> marked;
        void mark(std::size_t index);
        std::vector<std::size_t> take();
    };

    Visible visible(std::size_t lamp) const;
    void append(site::Stream stream, std::string body, site::Urgency urgency);
    void append_all(site::Stream stream, northbound::Bodies bodies, site::Urgency urgency);
    void flush_state();
    void flush_lamps(site::SiteTime now);
    bool whole_group(const site::Target& target, const std::vector<std::size_t>& members,
                     std::vector<northbound::GroupState>& groups);
    void flush_readings(site::SiteTime now);
    void periodic(site::SiteTime now);

    const site::Config& config_;
    const site::SiteState& state_;
    site::Outbox& outbox_;
    ReportingHooks hooks_;
    std::vector<Visible> reported_;  // by lamp
    Pending lamps_, feeders_, contactors_, inputs_, meters_, readings_;
    std::vector<std::size_t> all_lamps_;
    std::vector<std::vector<std::size_t>> lamps_of_feeder_;
    std::optional<site::MonoTime> state_since_, readings_since_;
    std::optional<site::SiteTime> next_lamps_, next_meters_, next_snapshot_;
    std::uint64_t rows_ = 0;
};

}  // namespace sl::app
