// A set of sequence numbers kept as inclusive ranges: what is on disk, what was acknowledged. As small as the
// history is tidy: one range for everything sent in order.
#pragma once

#include "gateway/site/outbox.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sl::store {

class Ranges {
  public:
    void add(site::SeqRange range);
    void remove(site::SeqRange range);
    void add(const Ranges& other);
    bool contains(std::int64_t seq) const;
    bool empty() const noexcept { return ranges_.empty(); }
    std::int64_t count() const noexcept;
    const std::vector<site::SeqRange>& all() const noexcept { return ranges_; }
    // The part of `within` that is not in the set: its first gap, if any.
    std::optional<site::SeqRange> first_gap(site::SeqRange within) const;
    // The part of [from, ...) that is in the set, cut after `limit` numbers.
    std::vector<site::SeqRange> take(std::int64_t from, std::int64_t limit) const;
    // [1, next) without this set.
    Ranges complement(std::int64_t next) const;
    void clear() { ranges_.clear(); }

  private:
    std::vector<site::SeqRange> ranges_;  // sorted, apart by at least one number
};

}  // namespace sl::store
