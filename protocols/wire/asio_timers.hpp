// Timers on the monotonic clock of the machine.
#pragma once

#include "protocols/wire/timers.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace sl::wire {

class AsioTimers final : public Timers {
  public:
    explicit AsioTimers(boost::asio::any_io_executor executor);
    TimePoint now() const noexcept override;
    std::unique_ptr<Timer> make_timer() override;
    boost::asio::awaitable<void> wait_until(TimePoint when) override;

  private:
    boost::asio::any_io_executor executor_;
};

}  // namespace sl::wire
