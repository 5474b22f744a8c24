#include "gateway/control/contactor.hpp"

#include <algorithm>
#include <charconv>

namespace sl::control {
namespace {

using site::SiteTime;

constexpr std::chrono::hours limit_window{1};

}  // namespace

std::string_view name(RelayAction action) noexcept {
    switch (action) {
        case RelayAction::close:
            return "close";
        case RelayAction::open:
            return "open";
        case RelayAction::reassert:
            return "reassert";
        case RelayAction::lamps_off:
            return "lamps_off";
        case RelayAction::read_registers:
            return "read_registers";
    }
    return "";
}

std::string_view name(Mismatch mismatch) noexcept {
    switch (mismatch) {
        case Mismatch::welded:
            return "commanded open, auxiliary contact closed";
        case Mismatch::not_closed:
            return "commanded closed, auxiliary contact open";
        case Mismatch::none:
            break;
    }
    return "";
}

ContactorControl::ContactorControl(const site::Contactor& contactor, std::chrono::seconds open_delay,
                                   SiteTime start, SiteTime earliest_close)
    : contactor_(contactor), open_delay_(open_delay), start_(start), earliest_close_(earliest_close) {}

// The state found is taken over, whatever it is: a restart switches nothing by itself. When the module does
// not tell, the opposite of what is wanted is assumed, so that the wanted state is reached by a full
// operation with its order and limits.
void ContactorControl::adopt(SiteTime now, const ContactorInput& in) {
    if (in.output && in.output->at >= start_) {
        commanded_ = in.output->on;
    } else if (now - start_ >= adopt_within) {
        commanded_ = in.aux ? in.aux->on : !in.wanted;
    } else {
        return;
    }
    adopted_ = true;
    asserted_ = now;
}

// A coil that stands otherwise than commanded was moved by its module (safety timer, power loss) or by hand.
// That counts as an operation; the way back then obeys the limits.
void ContactorControl::follow_output(SiteTime now, const ContactorInput& in) {
    if (!in.output || in.output->on == commanded_) return;
    if (changed_ && in.output->at <= *changed_ + std::chrono::seconds{1}) return;
    operate(now, in.output->on);
}

void ContactorControl::operate(SiteTime now, bool close) {
    commanded_ = close;
    changed_ = now;
    asserted_ = now;
    recent_.push_back(now);
    ++operations_;
    opening_since_.reset();
}

void ContactorControl::judge(SiteTime now, const ContactorInput& in) {
    bool live = in.aux ? in.aux->on : in.voltage.value_or(commanded_);
    if (in.voltage && !*in.voltage) live = false;
    if (live && !energised_) energised_since_ = now;
    energised_ = live;
    const bool fresh = in.aux && (!changed_ || in.aux->at >= *changed_);
    if (in.manual || !adopted_ || !fresh || in.aux->on == commanded_) {
        if (in.manual || (fresh && in.aux->on == commanded_)) mismatch_ = Mismatch::none;
        differs_since_.reset();
        return;
    }
    if (!differs_since_) differs_since_ = changed_ && now - *changed_ < confirm_within ? *changed_ : now;
    if (now - *differs_since_ >= confirm_within) {
        mismatch_ = commanded_ ? Mismatch::not_closed : Mismatch::welded;
    }
}

int ContactorControl::recent_operations(SiteTime now) {
    std::erase_if(recent_, [now](SiteTime t) { return t <= now - limit_window; });
    return static_cast<int>(recent_.size());
}

// A clock stepped back leaves times in the future. They count as now: limits hold a little longer, and
// nothing waits for hours that were taken back.
void ContactorControl::rebase(SiteTime now) {
    const auto pull = [now](SiteTime& t) { t = std::min(t, now); };
    for (std::optional<SiteTime>* t : {&changed_, &opening_since_, &differs_since_}) {
        if (*t) pull(**t);
    }
    for (SiteTime* t : {&energised_since_, &asserted_, &start_})
        pull(*t);
    std::for_each(recent_.begin(), recent_.end(), pull);
}

// One operation of the hour is kept back for closing, so that no storm of commands ends with a dark road.
// A person's hold may use it: it wants the feeder off and stays so.
std::string_view ContactorControl::refusal(SiteTime now, bool close, bool held_off) {
    const auto least = close ? contactor_.min_off : contactor_.min_on;
    if (changed_ && now - *changed_ < least) return close ? "min_off" : "min_on";
    const int limit = contactor_.max_operations_per_hour;
    const int reserve = close || held_off || limit < 2 ? 0 : 1;
    if (recent_operations(now) >= limit - reserve) return "operations per hour";
    return {};
}

void ContactorControl::close_or_wait(SiteTime now, bool turn, std::vector<RelayAction>& actions) {
    waiting_for_ = refusal(now, true, false);
    if (!waiting_for_.empty()) return;
    if (now < earliest_close_ && now >= start_) {
        waiting_for_ = "random start";
    } else if (!turn) {
        waiting_for_ = "turn";
    } else {
        operate(now, true);
        actions.push_back(RelayAction::close);
    }
}

void ContactorControl::open_in_order(SiteTime now, const ContactorInput& in,
                                     std::vector<RelayAction>& actions) {
    waiting_for_ = refusal(now, false, in.held_off);
    if (!waiting_for_.empty()) {
        opening_since_.reset();
        return;
    }
    if (!opening_since_) {
        opening_since_ = now;
        actions.push_back(RelayAction::lamps_off);
        actions.push_back(RelayAction::read_registers);
        waiting_for_ = "lamps off";
        return;
    }
    const auto waited = now - *opening_since_;
    const bool ready = in.lamps_dark && in.registers_read && waited >= open_delay_;
    if (!ready && waited < open_delay_ + dark_grace) {
        waiting_for_ = "lamps off";
        return;
    }
    operate(now, false);
    actions.push_back(RelayAction::open);
}

std::vector<RelayAction> ContactorControl::step(SiteTime now, const ContactorInput& in, bool turn) {
    std::vector<RelayAction> actions;
    waiting_for_ = {};
    rebase(now);
    if (!adopted_) adopt(now, in);
    if (adopted_) follow_output(now, in);
    judge(now, in);
    if (in.manual) {
        opening_since_.reset();
        waiting_for_ = "selector at MANUAL";
        return actions;
    }
    const bool close = in.wanted && !in.held_off && !in.protective_off;
    if (in.protective_off && (commanded_ || !adopted_)) {
        adopted_ = true;
        operate(now, false);
        actions.push_back(RelayAction::open);
    } else if (!adopted_) {
        waiting_for_ = "read-back of the output";
    } else if (close && !commanded_) {
        close_or_wait(now, turn, actions);
    } else if (!close && commanded_) {
        open_in_order(now, in, actions);
    } else {
        opening_since_.reset();
    }
    if (adopted_ && actions.empty() && now - asserted_ >= reassert_every) {
        asserted_ = now;
        actions.push_back(RelayAction::reassert);
    }
    return actions;
}

std::string ContactorControl::history() const {
    std::string text;
    for (const SiteTime t : recent_)
        text.append(std::to_string(site::to_ms(t))).append("\n");
    return text;
}

void ContactorControl::restore_history(std::string_view text) {
    while (!text.empty()) {
        std::int64_t ms = 0;
        const std::string_view line = text.substr(0, text.find('\n'));
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), ms);
        if (error == std::errc{} && site::site_ms(ms) <= start_) recent_.push_back(site::site_ms(ms));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    std::sort(recent_.begin(), recent_.end());
    if (!recent_.empty()) changed_ = recent_.back();
}

}  // namespace sl::control
