#include "tests/sim/loop.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>

namespace sl::sim {

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

int Fd::release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
}

void Fd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Loop::Loop(const Clock& clock)
    : clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      now_(clock.now()) {
    if (!epoll_ || !timer_) throw std::system_error(errno, std::generic_category(), "epoll");
    watch(timer_.get(), EPOLLIN, [this](std::uint32_t) {
        std::uint64_t expirations = 0;
        [[maybe_unused]] const auto got = ::read(timer_.get(), &expirations, sizeof expirations);
        armed_ns_ = 0;
    });
}

void Loop::watch(int fd, std::uint32_t events, OnReady on_ready) {
    auto entry = std::make_unique<Watch>();
    entry->on_ready = std::move(on_ready);
    epoll_event event{};
    event.events = events;
    event.data.ptr = entry.get();
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    watches_[fd] = std::move(entry);
}

void Loop::rewatch(int fd, std::uint32_t events) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    epoll_event event{};
    event.events = events;
    event.data.ptr = found->second.get();
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    found->second->dead = true;
    graveyard_.push_back(std::move(found->second));
    watches_.erase(found);
}

void Loop::at(std::int64_t real_ns, OnTime on_time) {
    timers_.emplace(real_ns, std::move(on_time));
}

void Loop::arm() {
    if (timers_.empty()) return;
    const std::int64_t due = std::max<std::int64_t>(timers_.begin()->first, 1);
    if (armed_ns_ == due) return;
    itimerspec spec{};
    spec.it_value.tv_sec = due / 1'000'000'000;
    spec.it_value.tv_nsec = due % 1'000'000'000;
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
    armed_ns_ = due;
}

void Loop::fire_timers() {
    while (!timers_.empty() && timers_.begin()->first <= now_.real_ns) {
        const OnTime on_time = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        on_time();
    }
}

void Loop::run() {
    std::array<epoll_event, 64> events{};
    while (running_) {
        arm();
        const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        now_ = clock_.now();
        for (int i = 0; i < count && running_; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            auto* entry = static_cast<Watch*>(event.data.ptr);
            if (!entry->dead) entry->on_ready(event.events);
        }
        fire_timers();
        graveyard_.clear();
    }
}

}  // namespace sl::sim
