// What the cache says of itself.
#pragma once

#include "cache/ground.h"
#include "track/watch.h"

extern "C" {
#include "datatype/timestamp.h"
}

namespace pg_tree::cache {

/// One tree that this server has been asked about. Counters are read one after the other: they may be of slightly different moments.
struct TreeStatistics {
    Oid database;
    Oid relation_oid;
    Oid trigger;
    const char* tree;
    const char* relation;
    const char* state;  ///< empty, building, current (it answers a snapshot of now), stale
    int builder;        ///< process id, 0 for nobody
    const char* phase;  ///< of the build
    TimestampTz build_began;
    uint64 done;
    uint64 total;
    uint64 nodes;
    uint64 bytes;
    uint64 hits;
    uint64 misses;
    uint64 bypasses[bypass_reasons];
    uint64 builds;
    double build_ms;
    uint64 evictions;
    uint64 invalidations;
    TimestampTz last_build;  ///< 0: never
};

/// False: there is none at this place. Strings are allocated in the current context. A server frame, with an active snapshot.
bool read_statistics(int place, TreeStatistics& statistics);

/// Sets what was counted of a tree to nothing, or of every tree for InvalidOid.
void reset_statistics(Oid trigger);

/// Without preload: how often this session asked about its trees. Calls visit(relation, trigger, calls, argument).
void for_each_uncached_tree(void (*visit)(const track::TreeKey& tree, int64 calls, void* argument), void* argument);

}  // namespace pg_tree::cache
