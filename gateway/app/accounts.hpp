// The energy books of the running gateway: every register reading goes in, quarter hours by meter, feeder and
// lamp class come out, and what tonight cost and saved so far.
#pragma once

#include "gateway/energy/interval.hpp"
#include "gateway/energy/lamp_energy.hpp"
#include "gateway/northbound/bodies.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"
#include "gateway/store/history.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sl::app {

// Since the last local noon.
struct EnergyTonight {
    site::SiteTime from;
    std::int64_t metered_wh = 0, lamps_wh = 0, baseline_wh = 0;
};

class Accounts {
  public:
    Accounts(const site::Config& config, const site::SiteState& state, const site::Zone& zone);

    void meter_read(std::size_t meter);
    void lamp_read(std::size_t lamp);
    // The site clock was set: readings before and after must not be joined.
    void clock_stepped() noexcept;

    // At least once a second. Rows closed since the last call, once they have gathered for a moment.
    std::vector<northbound::IntervalRow> tick(site::SiteTime now);
    // The rows that still gather, at a stop.
    std::vector<northbound::IntervalRow> drain() { return std::exchange(rows_, {}); }
    // The same rows for the history, at once.
    std::vector<store::HistoryInterval> take_history();
    // Intervals of tonight that an earlier run of this process has accounted for.
    void seed(const std::vector<store::HistoryInterval>& intervals);

    EnergyTonight tonight() const;
    site::SiteTime night_begin(site::SiteTime now) const;

  private:
    void add(const std::string& object, const energy::Interval& interval);
    void roll_night(site::SiteTime now);

    const site::Config& config_;
    const site::SiteState& state_;
    const site::Zone& zone_;
    std::vector<energy::IntervalMeter> meters_;
    std::vector<energy::LampEnergy> lamps_;
    std::vector<bool> meter_stepped_, lamp_stepped_;
    std::vector<site::SiteTime> meter_register_at_, lamp_register_at_;  // of the last reading counted
    energy::GroupSums feeders_, classes_;
    energy::Saving saving_;
    std::vector<northbound::IntervalRow> rows_;
    std::vector<store::HistoryInterval> history_;
    std::optional<site::SiteTime> rows_since_;
    EnergyTonight night_;
    std::vector<std::int64_t> meter_base_;  // Wh of each meter's register when the night (or this run) began
    std::vector<std::optional<std::int64_t>> meter_last_;
    std::int64_t lamps_base_ = 0, seeded_metered_ = 0, seeded_lamps_ = 0;
};

}  // namespace sl::app
