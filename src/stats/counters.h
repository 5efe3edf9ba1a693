// What is counted of calls: in shared memory, and as plain numbers.
#pragma once

#include "core/histogram.h"
#include "pg/server.h"

extern "C" {
#include "port/atomics.h"
}

namespace pg_tree::stats {

/// The functions that read. The order is that of the saved file.
enum class Function : int {
    build,
    page,
    rows,
    forest,
    walk,
    children,
    siblings,
    ancestors,
    leaves,
    draw,
    path,
    path_text,
    depth,
    root,
    is_ancestor,
    contains,
    lca,
    descendant_count,
    json,
    count
};
inline constexpr int function_count = static_cast<int>(Function::count);

/// As SQL has it.
const char* name_of(Function function);

/// Where an answer came from.
enum class Source : int {
    none,  ///< nothing was asked: an argument is null, or an error came first
    hit,
    miss,
    bypass
};

enum class Outcome : int { success, error, cancel };

/// Durations in nanoseconds.
struct Numbers {
    core::DurationCounts durations = {};
    std::uint64_t total = 0;
    std::uint64_t least = UINT64_MAX;
    std::uint64_t most = 0;
    std::uint64_t errors = 0;
    std::uint64_t cancels = 0;
    std::uint64_t slow = 0;
    std::uint64_t rows = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t bypasses = 0;

    std::uint64_t calls() const { return core::total(durations); }
    void add(const Numbers& other);
    /// What has been counted since `earlier`; extremes cannot be told.
    Numbers since(const Numbers& earlier) const;
    /// In milliseconds; negative when nothing was counted.
    double percentile_ms(double quantile) const;
};

/// What one or more calls come to.
struct Sample {
    std::uint64_t duration = 0;  ///< of each
    std::uint64_t calls = 1;
    std::uint64_t rows = 0;
    Source source = Source::none;
    Outcome outcome = Outcome::success;
    bool slow = false;
};

/// The same numbers, counted by many sessions at once without a lock. Reading them is not one moment's work: they may be of slightly different
/// ones.
struct Counters {
    static constexpr int stripes = 8;
    static constexpr int fast_buckets = 5;

    /// All that a fast call changes which is a hit, in one line of the processor's cache: processors take a line from each other as a whole, which
    /// costs more than all the counting. Sessions are spread over several of them.
    struct alignas(64) Stripe {
        pg_atomic_uint64 total;
        pg_atomic_uint64 rows;
        pg_atomic_uint64 hits;
        pg_atomic_uint64 durations[fast_buckets];
    };
    static_assert(sizeof(Stripe) == 64);

    Stripe fast[stripes];
    pg_atomic_uint64 slow_durations[core::duration_buckets - fast_buckets];
    pg_atomic_uint64 least;
    pg_atomic_uint64 most;
    pg_atomic_uint64 misses;
    pg_atomic_uint64 bypasses;
    pg_atomic_uint64 errors;
    pg_atomic_uint64 cancels;
    pg_atomic_uint64 slow;

    void initialize();
    void count(const Sample& sample);
    Numbers read() const;
    /// Reads and begins again at nothing. What is counted meanwhile is on one side or the other.
    Numbers take();
    void put(const Numbers& numbers);
};

}  // namespace pg_tree::stats
