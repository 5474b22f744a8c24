// The one event loop, as the parts see it that must not know Asio: timers and posting. Real time.
#pragma once

#include "gateway/northbound/reactor.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>

namespace sl::app {

class Reactor final : public northbound::Reactor {
  public:
    explicit Reactor(boost::asio::any_io_executor executor);
    ~Reactor() override;

    site::MonoTime now() const override;
    northbound::TimerId after(std::chrono::milliseconds delay, std::function<void()> task) override;
    void cancel(northbound::TimerId id) override;

    // Runs `task` on the reactor's thread; from any thread.
    void post(std::function<void()> task);
    // Runs `task` every `period` until cancel_all(). Re-arms from the previous deadline; periods missed are
    // left out.
    void every(std::chrono::milliseconds period, std::function<void()> task);
    // Drops every timer: called before the objects go that the tasks use.
    void cancel_all();

  private:
    struct Entry;
    void arm(northbound::TimerId id, const std::shared_ptr<Entry>& entry);

    boost::asio::any_io_executor executor_;
    std::unordered_map<northbound::TimerId, std::shared_ptr<Entry>> entries_;
    northbound::TimerId next_ = 1;
};

}  // namespace sl::app
