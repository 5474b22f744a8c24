#include "gateway/store/ranges.hpp"

#include <algorithm>

namespace sl::store {

using site::SeqRange;

// The first range that ends at `seq` or later.
static auto find(auto& ranges, std::int64_t seq) {
    return std::lower_bound(ranges.begin(), ranges.end(), seq,
                            [](const SeqRange& range, std::int64_t value) { return range.to < value; });
}

void Ranges::add(SeqRange range) {
    if (range.from > range.to) return;
    auto first = find(ranges_, range.from - 1);
    auto last = first;
    while (last != ranges_.end() && last->from <= range.to + 1) {
        range.from = std::min(range.from, last->from);
        range.to = std::max(range.to, last->to);
        ++last;
    }
    if (first == last) {
        ranges_.insert(first, range);
        return;
    }
    *first = range;
    ranges_.erase(first + 1, last);
}

void Ranges::remove(SeqRange range) {
    if (range.from > range.to) return;
    auto at = find(ranges_, range.from);
    while (at != ranges_.end() && at->from <= range.to) {
        const SeqRange old = *at;
        if (old.from < range.from && old.to > range.to) {
            at->to = range.from - 1;
            ranges_.insert(at + 1, SeqRange{range.to + 1, old.to});
            return;
        }
        if (old.from < range.from) {
            (at++)->to = range.from - 1;
        } else if (old.to > range.to) {
            at->from = range.to + 1;
            return;
        } else {
            at = ranges_.erase(at);
        }
    }
}

void Ranges::add(const Ranges& other) {
    for (const SeqRange& range : other.ranges_)
        add(range);
}

bool Ranges::contains(std::int64_t seq) const {
    const auto at = find(ranges_, seq);
    return at != ranges_.end() && at->from <= seq;
}

std::int64_t Ranges::count() const noexcept {
    std::int64_t sum = 0;
    for (const SeqRange& range : ranges_)
        sum += range.to - range.from + 1;
    return sum;
}

std::optional<SeqRange> Ranges::first_gap(SeqRange within) const {
    std::int64_t from = within.from;
    for (auto at = find(ranges_, from); at != ranges_.end() && at->from <= from; ++at)
        from = at->to + 1;
    if (from > within.to) return std::nullopt;
    const auto next = find(ranges_, from);
    const std::int64_t to = next == ranges_.end() ? within.to : std::min(within.to, next->from - 1);
    return SeqRange{from, to};
}

std::vector<SeqRange> Ranges::take(std::int64_t from, std::int64_t limit) const {
    std::vector<SeqRange> taken;
    for (auto at = find(ranges_, from); at != ranges_.end() && limit > 0; ++at) {
        SeqRange part{std::max(at->from, from), at->to};
        part.to = std::min(part.to, part.from + limit - 1);
        limit -= part.to - part.from + 1;
        taken.push_back(part);
    }
    return taken;
}

Ranges Ranges::complement(std::int64_t next) const {
    Ranges rest;
    rest.add(SeqRange{1, next - 1});
    for (const SeqRange& range : ranges_)
        rest.remove(range);
    return rest;
}

}  // namespace sl::store
