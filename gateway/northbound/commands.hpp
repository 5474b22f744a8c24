// The gate every command from MQTT passes: parsed, judged, remembered, accepted, carried out once, answered
// once. What it does to lamps is the application's.
#pragma once

#include "gateway/northbound/command_parser.hpp"
#include "gateway/northbound/link.hpp"
#include "gateway/northbound/messages.hpp"
#include "gateway/northbound/reactor.hpp"
#include "gateway/northbound/topics.hpp"
#include "gateway/site/outbox.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sl::northbound {

// How the application answers. done() counts once; progress() goes out at most every 10 s.
struct Ticket {
    std::function<void(site::Outcome)> done;
    std::function<void(int n, int ok)> progress;
};

struct GateHooks {
    std::function<Stamp()> stamp;
    std::function<site::WallTime()> wall;  // with stamp().tq as its trust
    Matches matches;
    std::function<void(const site::Command&, Ticket)> execute;
    // Was accepted before a restart; the lamps are to be read back, not commanded again.
    std::function<void(const site::Command&, Ticket)> resume;
    std::vector<site::Op> executable;  // all others answer 11 unknown_op
};

class CommandGate {
  public:
    CommandGate(const site::Config& config, site::Outbox& outbox, Topics topics, Reactor& reactor,
                Random random, GateHooks hooks);
    ~CommandGate();

    void receive(const Incoming& message, const Topics::CommandTopic& where);
    // Once, after start: commands whose done is owed since before the restart.
    void resume();
    // An audit event; also for those who act by other ways (local API). At most 10 a second, then counted.
    void audit(Audit entry);

    std::size_t running() const noexcept { return running_.size(); }
    static constexpr std::size_t max_running = 32;

  private:
    struct Running {
        site::Command command;
        std::string response_topic, correlation;
        bool to_site = false, accepted = false;
        site::MonoTime received, progressed;
    };
    struct Verdict {
        std::optional<Rejection> rejection;
        ParsedCommand parsed;
    };
    Verdict judge(const Incoming& message, const Topics::CommandTopic& where) const;
    void reject(const Incoming& message, const Topics::CommandTopic& where, const Rejection& rejection,
                const ParsedCommand& parsed);
    bool answer_repeat(const Incoming& message, const std::string& id);
    void accept(const Incoming& message, const Topics::CommandTopic& where, ParsedCommand parsed);
    void begin(const std::string& id, bool durable);
    Ticket ticket(const std::string& id);
    void progress(const std::string& id, int n, int ok);
    void finish(const std::string& id, const site::Outcome& outcome);
    void reply(std::string body, const std::string& response_topic, const std::string& correlation);
    void append(site::Stream stream, std::string body, const std::string& response_topic,
                const std::string& correlation);
    bool may_answer(const Incoming& message) const;

    const site::Config& config_;
    site::Outbox& outbox_;
    Topics topics_;
    Reactor& reactor_;
    Random random_;
    GateHooks hooks_;
    std::map<std::string, Running> running_;
    site::MonoTime audit_second_;
    int audits_ = 0;
    std::uint64_t unaudited_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sl::northbound
