#include "gateway/northbound/paho_link.hpp"

#include "gateway/northbound/connect_check.hpp"
#include "gateway/northbound/paho_link_words.hpp"
#include "gateway/northbound/worker.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <mqtt/async_client.h>

namespace sl::northbound {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds polite{1'000};  // for the DISCONNECT of a stop
constexpr milliseconds brief{200};     // for that of a link that is given up
constexpr milliseconds diagnosis_patience{5'000};
constexpr int diagnose_every = 16;  // failures in a row between two diagnoses

using Events = std::function<void(std::function<void(LinkHandler&)>)>;

// One attempt and the connection that came of it. Created, connected and closed on the worker; publishes
// come from the reactor while it stands. Its callbacks run on Paho's threads.
class Connection final : public mqtt::callback {
  public:
    Connection(ConnectOptions o, Events events, std::function<void(LinkError)> failed,
               std::function<void(LinkError)> lost)
        : options(std::move(o)),
          events_(std::move(events)),
          failed_(std::move(failed)),
          lost_(std::move(lost)),
          connect_listener_(*this),
          publish_listener_(*this),
          subscribe_listener_(*this) {}

    // Worker.
    void open(const BrokerAddress& to) {
        try {
            const mqtt::create_options create{options.version >= 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1};
            client_ = std::make_unique<mqtt::async_client>(paho_url(to), options.client_id, create,
                                                           static_cast<mqtt::iclient_persistence*>(nullptr));
            client_->set_callback(*this);
            if (options.version >= 5)
                client_->set_disconnected_handler([this](const mqtt::properties&, mqtt::ReasonCode code) {
                    broken(static_cast<int>(code));
                });
            client_->connect(paho_options(options, to.tls), nullptr, connect_listener_);
        } catch (const std::exception& e) {
            fail(LinkError{0, e.what()});
        }
    }
    // Worker; afterwards nothing is called back.
    void close(bool politely) noexcept {
        closing_ = true;
        try {
            if (client_ && client_->is_connected()) {
                mqtt::disconnect_options o;
                o.set_timeout(0);
                client_->disconnect(o)->wait_for(politely ? polite : brief);
            }
        } catch (const std::exception&) {
            // It was gone already, which is what was wanted.
        }
        client_.reset();
    }
    // Reactor.
    bool publish(Publication p, PublishToken token) {
        try {
            mqtt::properties props;
            if (!p.correlation.empty() && options.version >= 5)
                props.add({mqtt::property::CORRELATION_DATA, mqtt::string_ref{std::move(p.correlation)}});
            auto message =
                mqtt::message::create(mqtt::string_ref{std::move(p.topic)},
                                      mqtt::binary_ref{std::move(p.payload)}, p.qos, p.retain, props);
            // NOLINTNEXTLINE(performance-no-int-to-ptr): Paho carries a pointer, we carry a number in it.
            auto* const context = reinterpret_cast<void*>(static_cast<std::uintptr_t>(token));
            client_->publish(std::move(message), context, publish_listener_);
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }
    // One SUBSCRIBE per filter: Paho C++ 1.2.0 follows a null pointer when it is given options for several.
    bool subscribe(const std::vector<Subscription>& subscriptions) {
        awaited_ = static_cast<int>(subscriptions.size());
        reasons_.clear();
        try {
            for (const auto& s : subscriptions) {
                const mqtt::subscribe_options how{mqtt::subscribe_options::SUBSCRIBE_LOCAL,
                                                  s.retain_as_published};
                client_->subscribe(s.filter, 1, nullptr, subscribe_listener_,
                                   options.version >= 5 ? how : mqtt::subscribe_options{});
            }
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }

    const ConnectOptions options;

  private:
    // A listener that calls one member function each way; nothing may leave a callback.
    template <void (Connection::*Success)(const mqtt::token&),
              void (Connection::*Failure)(const mqtt::token&)>
    class Listener final : public mqtt::iaction_listener {
      public:
        explicit Listener(Connection& owner) : owner_(owner) {}

      private:
        void on_success(const mqtt::token& token) override { guarded<Success>(token); }
        void on_failure(const mqtt::token& token) override { guarded<Failure>(token); }
        template <void (Connection::*Function)(const mqtt::token&)>
        void guarded(const mqtt::token& token) noexcept {
            if (owner_.closing_) return;
            try {
                (owner_.*Function)(token);
            } catch (const std::exception&) {
                owner_.broken(0);
            }
        }
        Connection& owner_;
    };

    static int code_of(const mqtt::token& token) {
        const int reason = static_cast<int>(token.get_reason_code());
        return reason >= 0x80 ? reason : token.get_return_code();
    }
    void accepted(const mqtt::token& token) {
        if (stood_.exchange(true)) return;  // Paho C++ 1.2.0 tells of a connection twice
        const auto connack = connack_of(token, options.version);
        events_([connack](LinkHandler& h) { h.on_connected(connack); });
    }
    void not_connected(const mqtt::token& token) {
        const int code = code_of(token);
        const bool told = code > 0 && (code >= 0x80 || code <= 5);
        fail(LinkError{code >= 0x80 ? code : 0, told ? refusal(code) : std::string{}});
    }
    void published(const mqtt::token& token) { report(token, 0); }
    void not_published(const mqtt::token& token) {
        const int code = static_cast<int>(token.get_reason_code());
        if (code >= 0x80) report(token, code);  // else the connection is going; the session sends it again
    }
    void report(const mqtt::token& token, int reason) {
        const auto number =
            static_cast<PublishToken>(reinterpret_cast<std::uintptr_t>(token.get_user_context()));
        if (number != 0) events_([number, reason](LinkHandler& h) { h.on_published(number, reason); });
    }
    // A refused filter is a success to Paho when it came alone; its reason tells.
    void subscribed(const mqtt::token& token) { collect(static_cast<int>(token.get_reason_code())); }
    void not_subscribed(const mqtt::token& token) {
        collect(std::max(0x80, static_cast<int>(token.get_reason_code())));
    }
    void collect(int reason) {  // all of Paho's callbacks come from one thread
        reasons_.push_back(reason);
        if (static_cast<int>(reasons_.size()) < awaited_) return;
        events_([reasons = reasons_](LinkHandler& h) { h.on_subscribed(reasons); });
    }
    void connection_lost(const std::string& /*cause*/) noexcept override { broken(0); }
    void message_arrived(mqtt::const_message_ptr m) noexcept override {
        if (closing_) return;
        try {
            Incoming in{m->get_topic(), m->to_string(), m->is_retained(), {}, {}, false};
            const auto& props = m->get_properties();
            using Property = mqtt::property;
            in.response_topic = property_or<std::string>(props, Property::RESPONSE_TOPIC, {});
            in.correlation = property_or<std::string>(props, Property::CORRELATION_DATA, {});
            in.broker_expiry = props.contains(Property::MESSAGE_EXPIRY_INTERVAL);
            events_([in = std::move(in)](LinkHandler& h) { h.on_message(in); });
        } catch (const std::exception&) {
            broken(0);
        }
    }
    void broken(int reason) noexcept {
        if (closing_ || ended_.exchange(true)) return;
        const auto text =
            reason >= 0x80 ? refusal(reason) : std::string{"the broker closed or the line is gone"};
        (stood_ ? lost_ : failed_)(LinkError{reason >= 0x80 ? reason : 0, text});
    }
    void fail(LinkError error) {
        if (!ended_.exchange(true)) failed_(std::move(error));
    }

    Events events_;
    std::function<void(LinkError)> failed_, lost_;
    Listener<&Connection::accepted, &Connection::not_connected> connect_listener_;
    Listener<&Connection::published, &Connection::not_published> publish_listener_;
    Listener<&Connection::subscribed, &Connection::not_subscribed> subscribe_listener_;
    std::vector<int> reasons_;
    std::atomic<int> awaited_ = 0;
    std::atomic<bool> closing_ = false, ended_ = false, stood_ = false;
    std::unique_ptr<mqtt::async_client> client_;  // last: its destruction may still call back
};

}  // namespace

struct PahoLink::Core : std::enable_shared_from_this<Core> {
    Post post;
    std::function<site::WallTime()> wall;
    Worker worker;
    // Reactor only.
    LinkHandler* handler = nullptr;
    std::shared_ptr<Connection> current;
    bool connected = false;
    std::uint64_t generation = 0;
    // Worker only: failures since the last success.
    std::shared_ptr<std::atomic<int>> failures = std::make_shared<std::atomic<int>>(0);

    Core(Post p, std::function<site::WallTime()> w) : post(std::move(p)), wall(std::move(w)) {}

    // Runs `event` on the reactor unless the connection it belongs to has been let go of.
    Events events_of(std::uint64_t id) {
        return [post_to = post, weak = weak_from_this(), id](std::function<void(LinkHandler&)> event) {
            post_to([weak, id, event = std::move(event)] {
                const auto core = weak.lock();
                if (core && core->generation == id && core->handler != nullptr) event(*core->handler);
            });
        };
    }
    void release(bool politely) {
        ++generation;
        connected = false;
        if (auto connection = std::exchange(current, nullptr))
            worker.run([connection, politely] { connection->close(politely); });
    }
    void begin(ConnectOptions options);
    static void settle(const std::weak_ptr<Core>& weak, const Post& post, std::uint64_t id,
                       const LinkError& error, bool stood);
};

// On the reactor: the connection is over; its object goes to the worker and the handler hears of it.
void PahoLink::Core::settle(const std::weak_ptr<Core>& weak, const Post& post, std::uint64_t id,
                            const LinkError& error, bool stood) {
    post([weak, id, error, stood] {
        const auto core = weak.lock();
        if (!core || core->generation != id) return;
        core->release(false);
        if (core->handler == nullptr) return;
        if (stood) {
            core->handler->on_lost(error);
        } else {
            core->handler->on_connect_failed(error);
        }
    });
}

void PahoLink::Core::begin(ConnectOptions options) {
    release(false);
    const auto id = generation;
    const auto weak = weak_from_this();
    const auto events = events_of(id);
    const auto lost = [weak, id, post_to = post](const LinkError& error) {
        settle(weak, post_to, id, error, true);
    };
    // Paho's thread: a failure without a reason is looked into on the worker.
    const auto failed = [weak, id, post_to = post, options, count = failures,
                         queue = worker.queue()](const LinkError& error) {
        queue([weak, id, post_to, options, error, count] {
            auto told = error;
            const bool look = told.text.empty() && count->fetch_add(1) % diagnose_every == 0;
            if (look) told.text = diagnose(options, diagnosis_patience);
            if (told.text.empty()) told.text = "no connection to " + options.url;
            settle(weak, post_to, id, told, false);
        });
    };
    const auto counted = [events, count = failures](std::function<void(LinkHandler&)> event) {
        count->store(0, std::memory_order_relaxed);
        events(std::move(event));
    };
    current = std::make_shared<Connection>(options, counted, failed, lost);
    worker.run([connection = current, now = wall(), weak, id, post_to = post] {
        const auto problem = preflight(connection->options, now);
        if (!problem.empty()) return settle(weak, post_to, id, LinkError{0, problem}, false);
        connection->open(*broker_address(connection->options.url));
    });
}

PahoLink::PahoLink(Post post, std::function<site::WallTime()> wall)
    : core_(std::make_shared<Core>(std::move(post), std::move(wall))) {}

PahoLink::~PahoLink() {
    core_->handler = nullptr;
    core_->release(false);
}

void PahoLink::set_handler(LinkHandler* handler) {
    core_->handler = handler;
}

void PahoLink::connect(ConnectOptions options) {
    core_->begin(std::move(options));
}

void PahoLink::drop(bool politely) {
    core_->release(politely);
}

bool PahoLink::publish(Publication publication, PublishToken token) {
    return core_->current && core_->current->publish(std::move(publication), token);
}

bool PahoLink::subscribe(std::vector<Subscription> subscriptions) {
    return core_->current && core_->current->subscribe(subscriptions);
}

}  // namespace sl::northbound
