// Which trees are counted: one slot of shared memory for each, with its counters for every function.
//
// A session finds a tree's slot under a lock when it meets the tree, and remembers it with the slot's generation; counting takes no lock. When all
// slots are taken, the tree that was idle longest gives up its own, if that was for a minute at least; a call that ends in that very moment may
// be counted for the wrong tree. Otherwise calls are counted in one last slot, for trees that found none, and the session looks for a place again after
// ten seconds. Both are counted.
//
// Totals over all trees only ever grow: what a slot held when it was reset or given away is kept in their sum.
#pragma once

#include "registry/resolve.h"
#include "stats/counters.h"

extern "C" {
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
}

namespace pg_tree::stats {

inline constexpr int max_trees = 256;
/// Those of trees, and one for trees that found none.
inline constexpr int slot_count = max_trees + 1;
/// schema.tree, quoted, and a zero byte. One that is longer is cut.
inline constexpr std::size_t tree_name_bytes = 264;

/// A tree's slot, as somebody knows it.
struct SlotRef {
    int slot = -1;
    std::uint64_t generation = 0;

    bool known() const { return slot >= 0; }
    bool operator==(const SlotRef&) const = default;
};

/// One tree as it is saved and shown.
struct TreeNumbers {
    Oid database;  ///< InvalidOid: trees that found no slot
    Oid relation;  ///< InvalidOid with the trigger: calls that named no tree there is
    Oid trigger;
    char tree[tree_name_bytes];
    TimestampTz since;
    Numbers functions[function_count];
    Numbers responses;  ///< of statements

    void add(const TreeNumbers& other);
};

struct Totals {
    Numbers calls;
    Numbers responses;
};

// Shared memory; without it nothing is counted. Called by stats/shared.cpp.
std::size_t trees_bytes();
void attach_trees(void* place, bool initialize);

/// Is there shared memory to count in?
bool can_count();

/// The tree's slot, a new one if it has none. A server frame.
SlotRef slot_of(const registry::TreeUse& use);
/// The slot for calls in this database that named no tree. Raises nothing.
SlotRef slot_of_no_tree();

/// Takes no lock and raises nothing; does nothing when the slot is somebody else's by now.
void count_call(SlotRef slot, Function function, const Sample& sample);
void count_response(SlotRef slot, const Sample& sample);
/// The tree's name, as long as the slot is its own; written to `name`.
void copy_name(SlotRef slot, char (&name)[tree_name_bytes], Oid& relation);

/// False: the slot is free.
bool read_tree(int slot, TreeNumbers& numbers);

/// Sums over all trees that have been counted since `since()`. Notes which trees are in use, at `now`.
Totals read_totals(TimestampTz now);

/// Of one tree, or of all of them for InvalidOid, who then have no slots any more.
void reset_trees(Oid trigger, TimestampTz now);
void forget_trees_of(Oid database);

/// When counting began: at the first start, or the last reset of everything.
TimestampTz counting_since();
/// How often a tree lost its slot to another, or found none.
std::uint64_t dropped_trees();

void save_trees(StringInfo out);
/// While the server starts. False: that is not what was saved.
bool restore_trees(const char* data, std::size_t size);

}  // namespace pg_tree::stats
