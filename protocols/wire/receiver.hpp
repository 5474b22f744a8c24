// The bytes that come back in one attempt: takes the echo away, asks the protocol's judge, steps over noise
// and foreign frames. No I/O and no time.
#pragma once

#include "protocols/wire/bus.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace sl::wire {

class Receiver {
  public:
    // Forgets everything; `echo` (may be empty) is what the transceiver will repeat to us.
    void start(std::span<const std::uint8_t> echo);
    // Where the next bytes go; never empty.
    std::span<std::uint8_t> room() noexcept;
    // Takes `count` bytes written into room(); a value ends the attempt.
    std::optional<Result<Bytes>> feed(std::size_t count, const Judge& judge);
    // The line fell silent with a piece of a frame left: looks for an answer behind its first byte, then
    // drops what remains.
    std::optional<Result<Bytes>> resync(const Judge& judge);

    bool partial() const noexcept { return begin_ != end_; }
    // What to call an attempt that ran out of time.
    Errc outcome() const noexcept;

    std::uint64_t noise_bytes = 0;  // since the object was made
    std::uint64_t foreign_frames = 0;

  private:
    // False while more bytes are needed to tell the echo from an answer.
    bool strip_echo();
    std::optional<Result<Bytes>> judge_all(const Judge& judge);
    void drop(std::size_t count) noexcept;

    std::array<std::uint8_t, 1024> buffer_{};  // no frame of our protocols is longer than 260 bytes
    std::size_t begin_ = 0, end_ = 0;
    std::span<const std::uint8_t> echo_;
    bool heard_ = false, heard_foreign_ = false;
};

}  // namespace sl::wire
