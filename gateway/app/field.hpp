// The field as the rest of the gateway sees it: lines, buses, drivers and pollers built from the
// configuration; every reading put into the site table; writes to lamps, contactors and modules. Owns all
// southbound coroutines.
#pragma once

#include "gateway/device/poller.hpp"
#include "gateway/site/config.hpp"
#include "gateway/site/state.hpp"
#include "protocols/wire/bus.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace boost::asio {
class io_context;
}

namespace sl::app {

enum class ObjectKind : std::uint8_t { lamp, meter, module };
struct ObjectRef {
    ObjectKind kind = ObjectKind::lamp;
    std::size_t index = 0;  // into SiteState
};

// Called on the reactor after the site table was brought up to date.
struct FieldEvents {
    std::function<site::SiteTime()> now;
    std::function<std::chrono::milliseconds(std::chrono::milliseconds)>
        real;                               // real time of a span of site time
    std::function<void(ObjectRef)> read;    // an answer came and was decoded
    std::function<void(ObjectRef)> missed;  // a turn without an answer
    std::function<void(std::size_t input)> input_changed;
    std::function<void(std::size_t contactor)> contactor_changed;
    std::function<void(ObjectRef)> presence_changed;  // went offline or came back
    std::function<void(std::size_t line, bool up, std::string_view why)> line_state;
};

class Field {
  public:
    // `config` and `state` must outlive the field. Throws std::runtime_error when a line cannot be expressed
    // (the configuration check finds that before).
    Field(boost::asio::any_io_executor executor, boost::asio::io_context& context, wire::Timers& timers,
          const site::Config& config, site::SiteState& state, FieldEvents events);
    ~Field();

    void start();
    void stop();

    std::size_t lines() const noexcept { return lines_.size(); }
    const wire::Bus& bus(std::size_t line) const;
    const device::PollerStatistics& polling(std::size_t line) const;
    bool line_up(std::size_t line) const;
    std::size_t line_of_lamp(std::size_t lamp) const { return places_[lamp].line; }
    void set_wire_log(const std::string& line_or_all);

    // Level of one lamp head; acknowledged by its controller.
    boost::asio::awaitable<wire::Result<void>> write_level(std::size_t lamp, site::Level level,
                                                           Priority priority);
    // The same level to every lamp of this lamp's model on its line, unacknowledged; bad_request when the
    // model has none.
    boost::asio::awaitable<wire::Result<void>> broadcast_level(std::size_t lamp, site::Level level,
                                                               Priority priority);
    bool can_broadcast(std::size_t lamp) const;
    // Lamps that hear a broadcast through this lamp (same line and model).
    std::vector<std::size_t> broadcast_peers(std::size_t lamp) const;
    // Fail-safe settings of one lamp; bad_request when the model has none.
    boost::asio::awaitable<wire::Result<void>> write_failsafe(std::size_t lamp, site::Level level,
                                                              std::chrono::seconds after);
    boost::asio::awaitable<bool> read_lamp(std::size_t lamp, Priority priority);
    boost::asio::awaitable<bool> read_meter(std::size_t meter, Priority priority);
    boost::asio::awaitable<bool> read_module(std::size_t module, Priority priority);
    // Coil and auxiliary contact of a contactor, read now.
    boost::asio::awaitable<bool> read_contactor(std::size_t contactor);
    boost::asio::awaitable<void> wait(std::chrono::milliseconds real);
    boost::asio::awaitable<wire::Result<void>> write_output(std::size_t contactor, bool closed);
    // Keeps the safety timer of an I/O module alive (the value of its configuration).
    boost::asio::awaitable<wire::Result<void>> write_watchdog(std::size_t module);
    boost::asio::awaitable<wire::Result<void>> broadcast_time(std::size_t line, CivilTime local);

    // Once a second: safety timers of modules that came (back) on line, fail-safe settings of lamps that
    // differ.
    void look_after_devices();

    // The lamp has mains again: what was held against it is forgotten and it is asked at once.
    void lamp_powered(std::size_t lamp);

  private:
    struct LineParts;
    struct TargetSpec {
        ObjectKind kind = ObjectKind::lamp;
        const site::DeviceModel* model = nullptr;
        std::string name, protocol, address, format;
        std::uint32_t baud = 0;
        int ct_ratio = 1;
        std::chrono::milliseconds period{0};
    };
    struct Place {
        std::size_t line = 0, target = 0;
        std::uint8_t head = 1;
        const site::DeviceModel* model = nullptr;
    };

    void build_line(std::size_t index, boost::asio::io_context& context);
    void add_lamps(std::size_t index);
    void add_devices(std::size_t index);
    void make_poller(std::size_t index);
    std::size_t add_target(std::size_t line, const TargetSpec& spec);
    void line_changed(std::size_t line, bool up);
    void write_off_lost_lines();
    void doubt(ObjectRef object, int misses);
    bool may_poll(std::size_t line, std::size_t target) const;
    void take(std::size_t line, std::size_t target, std::span<const site::Reading> readings);
    void take_lamp(std::size_t lamp, std::span<const site::Reading> readings);
    void take_meter(std::size_t meter, std::span<const site::Reading> readings);
    void take_module(std::size_t module, std::span<const site::Reading> readings);
    void miss(std::size_t line, std::size_t target, int misses);
    boost::asio::awaitable<void> set_up_devices();
    bool failsafe_differs(std::size_t lamp) const;
    void presence(ObjectRef object, bool online, bool& known);
    boost::asio::awaitable<wire::Result<void>> write_point(Place place, const site::Point* point,
                                                           double value, Priority priority);
    std::size_t module_index(const std::string& id) const;

    boost::asio::any_io_executor executor_;
    wire::Timers& timers_;
    const site::Config& config_;
    site::SiteState& state_;
    FieldEvents events_;
    std::vector<std::unique_ptr<LineParts>> lines_;
    std::vector<Place> places_;  // by lamp
    std::vector<Place> meter_places_, module_places_;
    std::vector<bool> module_set_up_;
    std::vector<std::uint8_t> failsafe_tries_;  // by lamp, since it was last on line
    bool looking_after_ = false;
};

}  // namespace sl::app
