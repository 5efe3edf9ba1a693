// What shared memory knows of each tree besides who changes it: its image, and what has been counted.
//
// An entry has the same place as the tree's watch. Everything in it is atomic, so that counting takes no lock.
#pragma once

#include "cache/area.h"
#include "cache/ground.h"
#include "fetch/reading.h"
#include "track/watch.h"

extern "C" {
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "port/atomics.h"
}

namespace pg_tree::cache {

/// schema.tree, quoted, and a zero byte. One that is longer is cut.
inline constexpr std::size_t name_bytes = 264;

struct alignas(64) Entry {
    // Read on every call, changed when an image comes or goes.
    pg_atomic_uint64 image;  ///< Ticket
    /// The change count at which a build failed last: it is not tried again before that changes.
    pg_atomic_uint64 failed_at;
    /// How many rows the table was said to have when they were too many for memory; 0: they never were.
    pg_atomic_uint64 too_many_rows;
    pg_atomic_uint64 too_little_memory;  ///< pg_tree.max_build_memory then, in kB
    pg_atomic_uint32 wanted;             ///< a background worker has been asked to build
    pg_atomic_uint32 builder;            ///< process id of who is building, 0 for nobody
    /// A seal, and two hashes of the ground that it was made for. Written by builders, one at a time.
    pg_atomic_uint64 sealed_ground[3];

    // Counted.
    alignas(64) pg_atomic_uint64 hits;
    pg_atomic_uint64 misses;
    pg_atomic_uint64 bypasses[bypass_reasons];
    pg_atomic_uint64 miss_cost_us;  ///< what misses have cost since the last build
    /// A clock that goes on with each tree that is looked up: for choosing whose place to take.
    pg_atomic_uint64 last_asked;
    alignas(64) pg_atomic_uint64 builds;
    pg_atomic_uint64 build_us;  ///< of the last one
    pg_atomic_uint64 evictions;
    pg_atomic_uint64 invalidations;  ///< images that were found to be out of date
    pg_atomic_uint64 last_build;     ///< TimestampTz
    pg_atomic_uint64 build_began;    ///< TimestampTz, of the one that is under way
    pg_atomic_uint64 nodes;          ///< of the last image
    fetch::Progress progress;

    // Written once, before anybody knows the place, and read with care: it may change hands.
    Oid database;
    Oid relation;
    char tree[name_bytes];
    char relation_name[name_bytes];
};

std::size_t entries_bytes();
void attach_entries(void* place, bool initialize);

Entry& entry_at(int place);

/// The tree's place, a new one if it has none; no_watch when every place is taken by trees in use. A server frame.
int obtain_place(const track::TreeKey& key, const registry::Tree& tree);

/// Takes the image away and counts why. It goes with its last pin.
enum class Reason { evicted, out_of_date, replaced, invalidated };
void drop_image(int place, Ticket ticket, Reason reason);

/// Evicts the image that is worth least. False: there is none left. `except` is spared.
bool evict_one(int except);

/// What was counted begins again at nothing; what choosing goes by stays.
void reset_counters(int place);

/// Takes the places back of trees that are no more: of databases that were dropped, and of this database's triggers that were. A server
/// frame.
void forget_dropped_trees();

/// A database is being dropped: its OID can come back, and with a template so can everything that its trees are known by.
void forget_database(Oid database);

/// Trees that lost their place to others.
uint64 dropped_trees();

/// Appends which trees there are and what was counted of them, for restore_counters() of a later start of the server.
void save_counters(StringInfo out);
/// While the server starts, and nothing else runs: gives these trees places, without images. False: that is not what was saved.
bool restore_counters(const char* data, std::size_t size);

inline void count(pg_atomic_uint64& counter) { pg_atomic_fetch_add_u64(&counter, 1); }

}  // namespace pg_tree::cache
