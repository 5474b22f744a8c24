// The link over Eclipse Paho, used as a plain transport: one client object per attempt, no reconnect, no
// buffer and no persistence of Paho's own. Everything that may block (name look-up, connect, disconnect,
// reading key files) happens on one worker thread; Paho's callbacks only copy and post.
#pragma once

#include "gateway/northbound/link.hpp"
#include "gateway/site/time.hpp"

#include <functional>
#include <memory>

namespace sl::northbound {

class PahoLink final : public Link {
  public:
    // Runs a task on the reactor; called from any thread, also after this link is gone.
    using Post = std::function<void(std::function<void()>)>;
    // `wall` is asked on the reactor, for the dates of certificates.
    PahoLink(Post post, std::function<site::WallTime()> wall);
    // Waits at most 3 s for a name look-up or a handshake under way; then leaves it to end by itself.
    ~PahoLink() override;

    void set_handler(LinkHandler* handler) override;
    void connect(ConnectOptions options) override;
    void drop(bool politely) override;
    bool publish(Publication publication, PublishToken token) override;
    bool subscribe(std::vector<Subscription> subscriptions) override;

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace sl::northbound
