#include "core/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace pg_tree::test {
namespace {

constexpr std::uint64_t ms = 1'000'000;

TEST(HistogramTest, BoundsBelongToTheBucketBelow) {
    EXPECT_EQ(core::bucket_of(0), 0);
    for (std::size_t i = 0; i < core::duration_bounds.size(); ++i) {
        EXPECT_EQ(core::bucket_of(core::duration_bounds[i]), static_cast<int>(i));
        EXPECT_EQ(core::bucket_of(core::duration_bounds[i] + 1), static_cast<int>(i) + 1);
    }
    EXPECT_EQ(core::bucket_of(UINT64_MAX), core::duration_buckets - 1);
}

TEST(HistogramTest, TheTargetsAreBounds) {
    for (const std::uint64_t target : {100 * ms, 1000 * ms}) {
        EXPECT_TRUE(std::find(core::duration_bounds.begin(), core::duration_bounds.end(), target) !=
                    core::duration_bounds.end());
    }
}

TEST(HistogramTest, OfNothingThereIsNoPercentile) {
    const core::DurationCounts none = {};
    EXPECT_EQ(core::total(none), 0u);
    EXPECT_LT(core::percentile(none, 0.5), 0);
    EXPECT_LT(core::percentile(none, 0.5, UINT64_MAX, 0), 0);
}

TEST(HistogramTest, OfOneItIsThatOne) {
    for (const std::uint64_t duration : {std::uint64_t{1}, 3 * ms, 700 * ms, 60'000 * ms}) {
        core::DurationCounts counts = {};
        ++counts[static_cast<std::size_t>(core::bucket_of(duration))];
        for (const double quantile : {0.0, 0.5, 0.99, 1.0}) {
            EXPECT_EQ(core::percentile(counts, quantile, duration, duration), static_cast<double>(duration));
        }
    }
}

TEST(HistogramTest, AboveTheLastBoundItIsTheLastBoundUnlessTheExtremesAreKnown) {
    core::DurationCounts counts = {};
    counts.back() = 10;
    EXPECT_EQ(core::percentile(counts, 0.5), static_cast<double>(core::duration_bounds.back()));
    const double known = core::percentile(counts, 0.5, 11'000 * ms, 13'000 * ms);
    EXPECT_GE(known, 11'000.0 * ms);
    EXPECT_LE(known, 13'000.0 * ms);
}

TEST(HistogramTest, AboveTheBoundsIsWhatIsInTheLastBucket) {
    core::DurationCounts counts = {};
    EXPECT_FALSE(core::is_above_bounds(counts, 0.5));
    counts[3] = 95;
    counts.back() = 5;
    EXPECT_FALSE(core::is_above_bounds(counts, 0.95));
    EXPECT_TRUE(core::is_above_bounds(counts, 0.96));
    EXPECT_TRUE(core::is_above_bounds(counts, 1));
    counts.back() = 6;
    EXPECT_TRUE(core::is_above_bounds(counts, 0.95));
}

// Whatever the durations are: a percentile is in the same bucket as the true one, and percentiles do not decrease.
TEST(HistogramTest, PercentilesAreInTheBucketOfTheTrueOnes) {
    std::mt19937_64 random(20);
    for (int round = 0; round < 300; ++round) {
        std::lognormal_distribution<double> durations(std::log(1e5) + static_cast<double>(random() % 12),
                                                      0.1 + static_cast<double>(random() % 30) / 10);
        std::vector<std::uint64_t> all(1 + random() % 2000);
        core::DurationCounts counts = {};
        for (std::uint64_t& duration : all) {
            duration = static_cast<std::uint64_t>(std::min(durations(random), 1e14)) + 1;
            ++counts[static_cast<std::size_t>(core::bucket_of(duration))];
        }
        std::sort(all.begin(), all.end());
        double before = 0;
        for (const double quantile : {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0}) {
            const double found = core::percentile(counts, quantile, all.front(), all.back());
            // The nearest rank.
            const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(all.size())));
            const std::uint64_t exact = all[std::max<std::size_t>(rank, 1) - 1];
            const int bucket = core::bucket_of(exact);
            const double lower =
                bucket == 0 ? 0 : static_cast<double>(core::duration_bounds[static_cast<std::size_t>(bucket) - 1]);
            const double upper = bucket == core::duration_buckets - 1
                                     ? static_cast<double>(all.back())
                                     : static_cast<double>(core::duration_bounds[static_cast<std::size_t>(bucket)]);
            ASSERT_GE(found, lower) << "round " << round << ", quantile " << quantile;
            ASSERT_LE(found, upper) << "round " << round << ", quantile " << quantile;
            ASSERT_GE(found, before);
            ASSERT_GE(found, static_cast<double>(all.front()));
            ASSERT_LE(found, static_cast<double>(all.back()));
            before = found;
        }
    }
}

}  // namespace
}  // namespace pg_tree::test
