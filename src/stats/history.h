// What was counted minute by minute, and in slices of ten seconds for the targets.
//
// Totals over all trees are read when a slice or a minute is over, and the difference to the last reading is noted. The background worker sees
// to it; nothing is done in sessions.
#pragma once

#include "stats/trees.h"

namespace pg_tree::stats {

inline constexpr int minutes_kept = 24 * 60;
/// The longest window that targets can look at is an hour.
inline constexpr int slices_kept = 360;
inline constexpr int slice_seconds = 10;

struct Minute {
    TimestampTz begin;
    Totals counted;
    std::uint64_t cache_bytes;  ///< at its end
};

std::size_t history_bytes();
void attach_history(void* place, bool initialize);

/// Closes the slice and the minute that are over at `now`, if any are. True: a slice was closed. One process at a time; a server frame.
bool close_slices(TimestampTz now, std::uint64_t cache_bytes);

/// What was counted in the latest `seconds`, rounded up to slices, and the one that is not over yet.
Totals counted_lately(int seconds, TimestampTz now);

/// All minutes, the latest first, in memory of the current context.
std::span<const Minute> read_minutes();

void forget_history();

void save_history(StringInfo out);
bool restore_history(const char* data, std::size_t size);

}  // namespace pg_tree::stats
