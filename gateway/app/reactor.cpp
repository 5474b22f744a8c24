#include "gateway/app/reactor.hpp"

#include "gateway/platform/clock.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sl::app {

struct Reactor::Entry {
    Entry(const boost::asio::any_io_executor& executor, std::function<void()> work,
          std::chrono::milliseconds every)
        : timer(executor), task(std::move(work)), period(every) {}
    boost::asio::steady_timer timer;
    std::function<void()> task;
    std::chrono::milliseconds period;  // 0 = once
};

Reactor::Reactor(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
Reactor::~Reactor() = default;

site::MonoTime Reactor::now() const {
    return platform::mono_now();
}

void Reactor::arm(northbound::TimerId id, const std::shared_ptr<Entry>& entry) {
    const std::weak_ptr<Entry> weak = entry;
    entry->timer.async_wait([this, id, weak](const boost::system::error_code& error) {
        const std::shared_ptr<Entry> alive = weak.lock();
        if (error || !alive) return;
        if (alive->period.count() == 0) {
            entries_.erase(id);
            alive->task();
            return;
        }
        auto next = alive->timer.expiry() + alive->period;
        if (next < now()) next = now() + alive->period;
        alive->timer.expires_at(next);
        arm(id, alive);
        alive->task();
    });
}

northbound::TimerId Reactor::after(std::chrono::milliseconds delay, std::function<void()> task) {
    const northbound::TimerId id = next_++;
    auto entry = std::make_shared<Entry>(executor_, std::move(task), std::chrono::milliseconds{0});
    entry->timer.expires_after(delay);
    entries_.emplace(id, entry);
    arm(id, entry);
    return id;
}

void Reactor::every(std::chrono::milliseconds period, std::function<void()> task) {
    const northbound::TimerId id = next_++;
    auto entry = std::make_shared<Entry>(executor_, std::move(task), period);
    entry->timer.expires_after(period);
    entries_.emplace(id, entry);
    arm(id, entry);
}

void Reactor::cancel(northbound::TimerId id) {
    entries_.erase(id);
}
void Reactor::cancel_all() {
    entries_.clear();
}

void Reactor::post(std::function<void()> task) {
    boost::asio::post(executor_, std::move(task));
}

}  // namespace sl::app
