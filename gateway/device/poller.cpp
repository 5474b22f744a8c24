#include "gateway/device/poller.hpp"

#include "gateway/device/decode.hpp"

#include <algorithm>
#include <utility>

namespace sl::device {

using boost::asio::awaitable;
using std::chrono::milliseconds;

namespace {

// How long the poller naps when nothing is due: short enough that a feeder just energised is not kept
// waiting.
constexpr milliseconds idle_nap{100};

std::uint16_t slow_period(const site::DeviceModel& model) {
    std::uint16_t slowest = 1;
    for (const site::Point& point : model.points)
        slowest = std::max(slowest, point.every);
    return slowest;
}

}  // namespace

Poller::Poller(std::vector<Target> targets, wire::Timers& timers, PollerHooks hooks, PollerSettings settings)
    : timers_(timers), hooks_(std::move(hooks)), settings_(settings) {
    slots_.reserve(targets.size());
    for (Target& target : targets) {
        Slot slot;
        slot.rota = rota_for(target);
        slot.target = std::move(target);
        slots_.push_back(std::move(slot));
    }
}

std::shared_ptr<const Poller::Rota> Poller::rota_for(const Target& target) const {
    const auto same = [&](const Slot& s) {
        return s.rota->model == target.model && s.rota->head == target.head;
    };
    const auto known = std::find_if(slots_.begin(), slots_.end(), same);
    if (known != slots_.end()) return known->rota;
    auto rota = std::make_shared<Rota>();
    rota->model = target.model;
    rota->head = target.head;
    for (std::uint32_t turn = 0; turn < slow_period(*target.model); ++turn) {
        rota->turns.push_back(plan_blocks(*target.model, Selection{target.head, turn}));
    }
    return rota;
}

bool Poller::is_due(std::size_t index, site::MonoTime now) const {
    return now >= slots_[index].due && hooks_.may_poll(index);
}

void Poller::note_answer(Slot& slot, site::MonoTime now) {
    slot.misses = 0;
    slot.backoff = milliseconds{0};
    // From the previous deadline, so that a period does not drift; a missed period is left out, not made up.
    const auto next = slot.due + slot.target.period;
    slot.due = next > now ? next : (slot.target.period.count() > 0 ? now + slot.target.period : now);
}

void Poller::note_miss(std::size_t index, wire::Errc why) {
    Slot& slot = slots_[index];
    ++slot.misses;
    ++statistics_.misses;
    if (slot.misses >= settings_.offline_after) {
        // Never sooner than a cycle, then doubling: one dead lamp must cost the others nothing noticeable.
        const auto cycle = std::chrono::duration_cast<milliseconds>(statistics_.last_cycle);
        const milliseconds first = std::max({4 * cycle, settings_.cycle, milliseconds{1'000}});
        slot.backoff = std::min(slot.backoff.count() == 0 ? first : 2 * slot.backoff, settings_.backoff_max);
        slot.due = timers_.now() + slot.backoff;
    } else if (slot.target.period.count() > 0) {
        slot.due = timers_.now() + slot.target.period;
    }
    hooks_.on_miss(index, slot.misses, why);
}

// The first turn reads everything. After it the devices are spread over the rota, so that the slow registers
// of a whole line do not all fall into one cycle.
void Poller::next_turn(Slot& slot, std::size_t index) {
    const auto turns = static_cast<std::uint32_t>(slot.rota->turns.size());
    if (slot.turn == 0 && turns > 1) {
        slot.turn = 1 + static_cast<std::uint32_t>(index) % (turns - 1);
    } else {
        ++slot.turn;
    }
}

awaitable<bool> Poller::turn(std::size_t index, Priority priority) {
    Slot& slot = slots_[index];
    Unit unit = slot.target.unit;
    if (priority == Priority::poll)
        unit.retries = slot.misses > 0 ? 0 : std::min(unit.retries, 1);  // its turn comes again
    const std::size_t turns = slot.rota->turns.size();
    // Somebody who asks wants everything; a read-back wants the level, soon.
    std::size_t position = priority == Priority::command ? 0 : std::min<std::size_t>(1, turns - 1);
    if (priority == Priority::poll) position = slot.turn % turns;
    const std::vector<Block>& blocks = slot.rota->turns[position];
    ++statistics_.turns;
    std::vector<site::Reading> readings = std::exchange(readings_, {});
    readings.clear();
    wire::Errc failure{};
    for (const Block& block : blocks) {
        const Item item = block.item;
        wire::Result<Bytes> answer = co_await slot.target.driver->read(unit, item, priority);
        if (answer.has_error()) {
            failure = static_cast<wire::Errc>(answer.error().value());
            if (wire::next_step(failure) != wire::Next::exclude_point) break;
            continue;  // the device lives; it lacks this block
        }
        const DecodeContext context(hooks_.site_now(), slot.target.ct_ratio);
        decode_block(*slot.target.model, block, *answer, context, readings);
    }
    const bool answered = !readings.empty();
    if (answered) {
        next_turn(slot, index);
        statistics_.readings += readings.size();
        note_answer(slot, timers_.now());
        hooks_.on_readings(index, readings);
    } else if (failure == wire::Errc::port_lost || failure == wire::Errc::cancelled) {
        line_lost_ = true;  // which says nothing about the device
    } else {
        note_miss(index, failure);
    }
    readings_ = std::move(readings);
    co_return answered;
}

awaitable<bool> Poller::read_now(std::size_t target, Priority priority) {
    return turn(target, priority);
}

void Poller::forgive(std::size_t target) {
    Slot& slot = slots_[target];
    slot.misses = 0;
    slot.backoff = milliseconds{0};
    slot.due = site::MonoTime{};
    slot.turn = 0;
}

void Poller::hurry(std::size_t target) {
    slots_[target].due = site::MonoTime{};
}

awaitable<void> Poller::run() {
    while (!stopping_) {
        const site::MonoTime begin = timers_.now();
        bool worked = false;
        for (std::size_t i = 0; i < slots_.size() && !stopping_; ++i) {
            if (!is_due(i, timers_.now())) {
                ++statistics_.skipped;
                continue;
            }
            worked = true;
            co_await turn(i, Priority::poll);
            // One device is enough to learn that the line is down; the next cycle begins after a nap.
            if (line_lost_) break;
        }
        const site::MonoTime end = timers_.now();
        if (std::exchange(line_lost_, false)) worked = false;
        if (worked) {
            ++statistics_.cycles;
            statistics_.last_cycle = std::chrono::duration_cast<std::chrono::microseconds>(end - begin);
        }
        site::MonoTime next = begin + settings_.cycle;
        if (!worked) next = std::max(next, end + idle_nap);
        // A nap, not the whole wait: stop() and a feeder coming back must be noticed.
        while (!stopping_ && timers_.now() < next) {
            const site::MonoTime until = std::min(next, timers_.now() + idle_nap);
            co_await timers_.wait_until(until);
        }
    }
}

}  // namespace sl::device
