#include "gateway/store/ranges.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace sl::store {

using site::SeqRange;

TEST(Ranges, AgreesWithASetOfNumbersOverRandomAdditionsAndRemovals) {
    std::mt19937 random{7};
    Ranges ranges;
    std::set<std::int64_t> numbers;
    for (int step = 0; step < 5'000; ++step) {
        const auto from = static_cast<std::int64_t>(random() % 200 + 1);
        const auto to = from + static_cast<std::int64_t>(random() % 12);
        const bool add = random() % 2 == 0;
        if (add) {
            ranges.add(SeqRange{from, to});
        } else {
            ranges.remove(SeqRange{from, to});
        }
        for (std::int64_t n = from; n <= to; ++n) {
            if (add) {
                numbers.insert(n);
            } else {
                numbers.erase(n);
            }
        }
        ASSERT_EQ(static_cast<std::int64_t>(numbers.size()), ranges.count());
    }
    for (std::int64_t n = 1; n < 220; ++n)
        EXPECT_EQ(numbers.contains(n), ranges.contains(n)) << n;
    const Ranges rest = ranges.complement(220);
    for (std::int64_t n = 1; n < 220; ++n)
        EXPECT_NE(ranges.contains(n), rest.contains(n)) << n;
    for (std::size_t i = 1; i < ranges.all().size(); ++i)
        EXPECT_GT(ranges.all()[i].from, ranges.all()[i - 1].to + 1) << "neighbours are one range";
}

TEST(Ranges, FindsTheFirstGapInsideARange) {
    Ranges ranges;
    ranges.add(SeqRange{1, 4});
    ranges.add(SeqRange{8, 9});
    EXPECT_EQ((SeqRange{5, 7}), ranges.first_gap(SeqRange{1, 20}));
    EXPECT_EQ((SeqRange{10, 20}), ranges.first_gap(SeqRange{8, 20}));
    EXPECT_EQ(std::nullopt, ranges.first_gap(SeqRange{2, 4}));
}

TEST(Ranges, TakesAtMostTheNumberAskedForAcrossGaps) {
    Ranges ranges;
    ranges.add(SeqRange{1, 4});
    ranges.add(SeqRange{8, 9});
    const std::vector<SeqRange> expected{{3, 4}, {8, 8}};
    EXPECT_EQ(expected, ranges.take(3, 3));
}

}  // namespace sl::store
