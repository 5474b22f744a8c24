// All detectors of the site. Looks at the table of the site, judges only what can be judged, and tells the
// transitions of alarms: one alarm for a dead line, not one for each lamp on it.
#pragma once

#include "gateway/fault/alarm_book.hpp"
#include "gateway/fault/detector.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sl::fault {

struct Options {
    int failure_samples = 3;     // bad samples until a lamp counts as failed
    int burning_samples = 3;     // samples with power while off
    int clear_samples = 2;       // good samples until a judgement is taken back
    double failure_ratio = 0.5;  // of the expected power
    double burning_ratio = 0.1;  // of the rated power, at least burning_floor_w: controllers draw something
    double burning_floor_w = 3.0;
    double judge_from_w = 2.0;             // less than this is not expected of anything that can be judged
    std::chrono::seconds settle{60};       // after a change of level or of power
    std::chrono::seconds clock_grace{30};  // a start without trusted time is not yet news
    std::map<std::string, double> curve;   // g of expected_power_w by lamp class; 1.0 elsewhere
};

// What the table of the site does not tell, by index.
struct Surroundings {
    std::vector<bool> manual;                     // feeders whose selector stands at MANUAL; empty = none
    std::vector<bool> line_open;                  // lines whose port is open; empty = all
    std::vector<std::string> contactor_mismatch;  // what ContactorControl found; empty = agrees
    bool clock_trusted = true;
};

class Engine {
  public:
    // `config` must outlive it. `make_ulid` gives a new id at each call.
    Engine(const site::Config& config, std::function<std::string()> make_ulid, Options options = {});

    // At least every few seconds; what changed between two calls is judged by the later state.
    std::vector<site::AlarmTransition> step(const site::SiteState& state, const Surroundings& around,
                                            site::SiteTime now);

    // Alarms found elsewhere (store, transport, overdue holds, overrides about to end).
    void external(site::AlarmCode code, std::string_view object, Finding finding, site::SiteTime now) {
        book_.set(code, object, std::move(finding), now);
    }
    void remind(site::AlarmCode code, std::string_view object) { book_.remind(code, object); }
    std::optional<site::AlarmTransition> acknowledge(std::string_view alarm_id, std::string_view by) {
        return book_.acknowledge(alarm_id, by);
    }
    std::vector<ActiveAlarm> active() const { return book_.active(); }

  private:
    struct LampDetectors {
        SampleDetector failure, burning, controller;
        bool offline = false;
        std::optional<site::Level> target;
        bool powered = false;
        site::SiteTime changed;  // target or power
        std::optional<std::size_t> line, feeder;
    };
    struct LineCensus {
        int units = 0, missing = 0, lost = 0;  // powered units; with a miss; with offline_after misses
    };
    void count_lines(const site::SiteState& state, const Surroundings& around, site::SiteTime now);
    void judge_lamp(std::size_t lamp, const site::SiteState& state, const Surroundings& around,
                    site::SiteTime now);
    void judge_presence(std::size_t lamp, const site::LampState& s, site::SiteTime now);
    void judge_power(std::size_t lamp, const site::LampState& s, site::SiteTime now);
    void judge_controller(std::size_t lamp, const site::LampState& s, site::SiteTime now);
    void judge_meters(const site::SiteState& state, site::SiteTime now);
    void judge_modules(const site::SiteState& state, site::SiteTime now);
    void judge_cabinet(const site::SiteState& state, const Surroundings& around, site::SiteTime now);
    bool line_doubtful(const std::optional<std::size_t>& line) const;

    const site::Config& config_;
    Options options_;
    AlarmBook book_;
    std::vector<LampDetectors> lamps_;
    std::vector<std::optional<std::size_t>> line_of_meter_, line_of_module_;
    std::vector<bool> meter_offline_, module_offline_;
    std::vector<LineCensus> lines_;
    std::vector<bool> line_down_;
    TimedDetector clock_;
};

}  // namespace sl::fault
