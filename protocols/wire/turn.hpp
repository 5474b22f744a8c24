// Who may speak: one holder at a time, the others wait by priority. Only for .cpp files: it needs Asio.
#pragma once

#include "protocols/driver.hpp"
#include "protocols/wire/suspension.hpp"

#include <array>

namespace sl::wire {

class Turn {
  public:
    // Takes the turn when nobody has it; else wait().
    bool try_take() noexcept { return !std::exchange(held_, true); }
    // Returns holding the turn: highest priority first, within one first come, first served.
    boost::asio::awaitable<void> wait(Priority priority, Suspension::Place place = Suspension::Place::back) {
        return waiting_[static_cast<std::size_t>(priority)].wait(place);
    }
    // The turn stays taken while it is handed over, so that nobody can slip in between.
    void pass_on() {
        for (auto& row : waiting_) {
            if (row.resume_one()) {
                return;
            }
        }
        held_ = false;
    }

  private:
    bool held_ = false;
    std::array<Suspension, 4> waiting_;  // by Priority
};

}  // namespace sl::wire
