// The room's part of shared memory, and its file: statistics outlive the server.
#pragma once

#include "stats/targets.h"

namespace pg_tree::stats {

// Called by cache/shared.cpp, which reserves shared memory for the whole extension.
std::size_t shared_bytes();
/// Statistics that are not in this memory, and go into the file with the others.
struct Elsewhere {
    void (*save)(StringInfo out);
    bool (*restore)(const char* data, std::size_t size);
};
/// With `initialize`, which is when the server starts and when it starts again after a crash, reads what was saved, and sees to it that all is
/// saved when the server stops.
void attach_shared(void* place, bool initialize, Elsewhere cache);

/// Writes everything to the file; a failure is logged.
void save();
/// When that was done last; 0: not since the server started.
TimestampTz last_saved();

/// What the background worker does now and then, ten seconds apart at most: closes slices and minutes, looks at the targets, saves. Returns how
/// many alerts have changed their state.
int tick(std::uint64_t cache_bytes, Change (&changes)[target_count]);
/// Milliseconds until there is something to do.
long until_next_tick();

/// A database is being dropped.
void forget_database(Oid database);

/// Forgets everything, or one tree's calls. Returns the time of it.
TimestampTz reset_all();
TimestampTz reset_tree(Oid trigger);

}  // namespace pg_tree::stats
