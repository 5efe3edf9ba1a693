// What an image stands on: the files that hold the rows, and the triggers that watch them.
//
// TRUNCATE, rewrites, ATTACH and DETACH change what a table holds without regard to snapshots, so they cannot be told by
// looking at transactions. The ground is compared instead: every leaf's OID and file, the types of the columns, the registration itself.
#pragma once

#include "registry/resolve.h"

extern "C" {
#include "utils/snapshot.h"
}

namespace pg_tree::cache {

/// Why a tree is read from its table.
enum class Bypass : int {
    own_write,
    snapshot,
    rls,
    serializable,
    standby,
    trigger_missing,
    too_large,
    unsupported,
    disabled,
    not_preloaded,
    none
};
inline constexpr int bypass_reasons = static_cast<int>(Bypass::none);
const char* bypass_name(Bypass reason);

/// Leaves are the tables that hold rows: partitions, or the relation itself. Lives with the definition it was made for.
struct Ground {
    MemoryContext context;
    Bypass obstacle;  ///< none, or why the tree cannot be cached as it stands
    int leaf_count;
    Oid* leaves;        ///< every relation that a read locks: leaves and what is between them and the root
    Oid* row_triggers;  ///< of each of them; 0 where it is missing
    std::size_t bytes;  ///< of `words`
    const char* words;  ///< equal words, same ground
    const char*
        missing;  ///< with trigger_missing: the relation whose trigger it is, if registering again mends it; else null
    /// Some index or trigger's condition runs functions of users' between a row's change and the moment in which our trigger is queued.
    bool runs_code_before_notes;
    bool stale;  ///< one of the relations changed its definition
};

/// The ground as this session sees it now, with every relation locked (AccessShareLock, until the end of the transaction) and
/// invalidations processed. Known from before if nothing changed since. Stays valid until the next call for the same tree. A
/// server frame.
const Ground& ground_of(const registry::TreeUse& use);

/// A subtransaction was rolled back: the locks that it took are gone.
void forget_locks();

/// May the user read all these columns (offsets from FirstLowInvalidHeapAttributeNumber)?
bool may_select_columns(Oid relation, Oid user, const Bitmapset* columns);

/// Are the triggers of all relations of the ground there and ALWAYS for this snapshot? Reads pg_trigger.
bool triggers_hold_for(const registry::TreeUse& use, const Ground& ground, Snapshot snapshot);

/// Called once from _PG_init.
void watch_grounds();

}  // namespace pg_tree::cache
