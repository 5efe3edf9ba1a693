// Building images: when, by whom, and under which conditions one is published.
//
// Only one session builds a tree's image at a time; others read the table meanwhile and wait for nothing. What holds them off is a
// heavyweight lock, taken after those on the tree's relations: it goes with its holder's transaction, however that ends. The rows are read
// as the table's owner in a security-restricted operation, under fixed settings, in one subtransaction, so that an error there leaves
// the call to be answered from the table.
#pragma once

#include "cache/lookup.h"

namespace pg_tree::cache {

/// After a miss, when the call needs most of the tree anyway: builds in the caller's own snapshot, so that the image answers the caller
/// too. A miss again when it cannot be built now, a bypass (counted) when it is too large.
Lookup build_for_call(const registry::TreeUse& use);

/// After a call that missed and was answered from the table: counts it. Builds, or asks the background worker to, once the misses since the
/// last build have cost as much as building is expected to.
void count_miss(const registry::TreeUse& use, double cost_us);

/// What became of a build that was asked for.
struct BuildResult {
    bool built;         ///< there is an image that answers a snapshot of now
    Bypass obstacle;    ///< else why not, if it is one of the reasons that are counted
    const char* error;  ///< else the error's message, in the current context, or null: not this time
    uint64 nodes;
    uint64 bytes;
    double milliseconds;  ///< of building it; 0 if it was there
};

/// For tree_warm and the background worker: makes sure that there is an image that answers a snapshot of now. Waits for another
/// session that is building. A server frame, in a transaction; takes a new snapshot.
BuildResult build_now(const registry::TreeUse& use);

/// Called once from _PG_init.
void watch_transactions();

/// Takes a tree's image away. False: there was none.
bool invalidate(const registry::TreeUse& use);

}  // namespace pg_tree::cache
