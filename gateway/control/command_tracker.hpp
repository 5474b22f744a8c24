// Follows one lamp.set until each of its lamps is done, has failed or was overtaken.
#pragma once

#include "gateway/control/reconcile.hpp"
#include "gateway/site/command.hpp"
#include "gateway/site/time.hpp"

#include <string>
#include <vector>

namespace sl::control {

inline constexpr int command_attempts = 3;  // failures of one lamp before its result is final
inline constexpr std::chrono::seconds command_timeout{60};

class CommandTracker {
  public:
    // Call after Reconcile::want() for its lamps. `plant` must outlive it.
    CommandTracker(std::string id, const site::Plant& plant, const Reconcile& reconcile,
                   std::vector<std::size_t> lamps, std::chrono::seconds fade, site::SiteTime now);

    const std::string& id() const noexcept { return id_; }
    // The result of a lamp that is not tried: no_power, local_lockout, not_permitted.
    void refuse(std::size_t lamp, site::Code code);
    // Looks at the lamps again; true when all are final.
    bool step(const Reconcile& reconcile, site::SiteTime now);
    bool done() const noexcept { return open_ == 0; }
    // Lamps in the order given. Meaningful when done.
    site::Outcome outcome() const;

  private:
    struct Item {
        std::size_t lamp = 0;
        std::uint32_t generation = 0;
        bool final = false;
        site::Code code = site::Code::ok;
        int attempts = 0, confirmed = 0;
    };
    void look(Item& item, const Progress& progress, bool timed_out);

    std::string id_;
    const site::Plant& plant_;
    std::vector<Item> items_;
    site::SiteTime deadline_;
    std::size_t open_ = 0;
};

}  // namespace sl::control
