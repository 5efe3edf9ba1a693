// Durations by fixed bounds, and percentiles of what was counted.
#pragma once

#include <array>
#include <cstdint>

namespace pg_tree::core {

/// Upper bounds of the buckets, in nanoseconds, each included: 0.1 ms to 10 s in steps of 1, 2.5 and 5. What is above the last one is counted
/// in a bucket without a bound.
inline constexpr std::array<std::uint64_t, 16> duration_bounds = {
    100'000,    250'000,     500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,    25'000'000,
    50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
inline constexpr int duration_buckets = static_cast<int>(duration_bounds.size()) + 1;

/// How many durations fell into each bucket.
using DurationCounts = std::array<std::uint64_t, duration_buckets>;

/// The bucket that this duration counts in.
inline int bucket_of(std::uint64_t nanoseconds) {
    int bucket = 0;
    while (bucket < duration_buckets - 1 && nanoseconds > duration_bounds[static_cast<std::size_t>(bucket)]) {
        ++bucket;
    }
    return bucket;
}

std::uint64_t total(const DurationCounts& counts);

/// The duration below which the fraction `quantile` of those counted lies, in nanoseconds: inside a bucket as if they were spread evenly, and never
/// outside of [least, most], which are the extremes that were seen. Negative when nothing was counted.
double percentile(const DurationCounts& counts, double quantile, std::uint64_t least, std::uint64_t most);

/// The same where the extremes are not known: what is above the last bound counts as the last bound.
double percentile(const DurationCounts& counts, double quantile);

/// Is that percentile above the last bound, so that nobody knows by how much?
bool is_above_bounds(const DurationCounts& counts, double quantile);

}  // namespace pg_tree::core
