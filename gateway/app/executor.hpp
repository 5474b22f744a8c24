// Commands carried out: from a checked site::Command to the lights, and the true outcome back. Commands from
// the broker come through the gate of northbound/, those of the local socket through local_command(); both
// end here.
#pragma once

#include "gateway/app/lighting.hpp"
#include "gateway/northbound/commands.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/outbox.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sl::app {

struct ExecutorHooks {
    std::function<void(const std::string& requester)> snapshot;
    // Sends stored records once more; done(records).
    std::function<void(site::Stream, site::SeqRange, std::function<void(std::size_t)>)> replay;
    std::function<std::int64_t(site::Stream)> next_seq;
    // False: no such alarm.
    std::function<bool(const std::string& alarm_id, const std::string& by)> acknowledge;
    std::function<bool(const std::string& level)> set_log_level;
    // Puts what a command changed on its way to the disk, before the command is called done.
    std::function<void()> keep;
};

class Executor {
  public:
    Executor(const site::Config& config, Lighting& lighting, ExecutorHooks hooks);

    void execute(const site::Command& command, northbound::Ticket ticket);
    // Accepted before a restart: its lamps are read back and judged, nothing is commanded again.
    void resume(const site::Command& command, northbound::Ticket ticket);

    // What this gateway carries out; everything else is answered 11.
    static std::vector<site::Op> executable();
    // Lamps that a target means, in the order of the plant; feeders only by their lamps.
    std::vector<std::size_t> lamps_of(const site::Target& target) const;
    bool matches(const site::Selector& selector, const site::Lamp& lamp) const;

  private:
    void resume_levels(const site::Command& command, const northbound::Ticket& ticket);
    schedule::OverrideRequest request_of(const site::Command& command) const;
    void set_levels(const site::Command& command, const northbound::Ticket& ticket);
    void hold_feeders(const site::Command& command, const northbound::Ticket& ticket);
    void release(const site::Command& command, const northbound::Ticket& ticket);
    void replay(const site::Command& command, const northbound::Ticket& ticket);
    std::vector<std::size_t> feeders_of(const site::Target& target) const;

    const site::Config& config_;
    Lighting& lighting_;
    ExecutorHooks hooks_;
};

}  // namespace sl::app
