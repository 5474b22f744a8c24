#include "protocols/wire/receiver.hpp"

#include <algorithm>

namespace sl::wire {

void Receiver::start(std::span<const std::uint8_t> echo) {
    begin_ = end_ = 0;
    echo_ = echo;
    heard_ = heard_foreign_ = false;
}

std::span<std::uint8_t> Receiver::room() noexcept {
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (end_ == buffer_.size() && begin_ > 0) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
        end_ -= begin_;
        begin_ = 0;
    } else if (end_ == buffer_.size()) {
        heard_ = true;  // a judge that still wants more after 1024 bytes follows garbage
        noise_bytes += end_;
        begin_ = end_ = 0;
    }
    return std::span(buffer_).subspan(end_);
}

void Receiver::drop(std::size_t count) noexcept {
    begin_ += std::min(count, end_ - begin_);
}

bool Receiver::strip_echo() {
    if (echo_.empty()) {
        return true;
    }
    const auto held = std::span(buffer_).subspan(begin_, end_ - begin_);
    const auto common = std::min(held.size(), echo_.size());
    if (!std::equal(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(common), echo_.begin())) {
        echo_ = {};  // not our echo: let the judge look at all of it
        return true;
    }
    if (held.size() < echo_.size()) {
        return false;
    }
    drop(echo_.size());
    echo_ = {};
    return true;
}

std::optional<Result<Bytes>> Receiver::judge_all(const Judge& judge) {
    while (partial()) {
        const auto held = std::span<const std::uint8_t>(buffer_).subspan(begin_, end_ - begin_);
        const auto found = judge(held);
        const auto length = std::clamp<std::size_t>(found.length, 1, held.size());
        switch (found.verdict) {
            case Verdict::more:
                return std::nullopt;
            case Verdict::noise:
                heard_ = true;
                noise_bytes += length;
                break;
            case Verdict::foreign:
                heard_foreign_ = true;
                ++foreign_frames;
                break;
            case Verdict::refused:
                drop(length);
                return Result<Bytes>(found.error);
            case Verdict::answer: {
                const auto frame = held.first(length);
                Bytes answer(frame.begin(), frame.end());
                drop(length);
                return Result<Bytes>(std::move(answer));
            }
        }
        drop(length);
    }
    return std::nullopt;
}

std::optional<Result<Bytes>> Receiver::feed(std::size_t count, const Judge& judge) {
    end_ += std::min(count, buffer_.size() - end_);
    return strip_echo() ? judge_all(judge) : std::nullopt;
}

std::optional<Result<Bytes>> Receiver::resync(const Judge& judge) {
    echo_ = {};
    while (partial()) {
        heard_ = true;
        ++noise_bytes;
        drop(1);
        if (auto found = judge_all(judge)) {
            return found;
        }
    }
    return std::nullopt;
}

Errc Receiver::outcome() const noexcept {
    if (heard_) {
        return Errc::bad_frame;
    }
    return heard_foreign_ ? Errc::foreign_answer : Errc::timeout;
}

}  // namespace sl::wire
