// What a session remembers of each tree it has asked about: its ground, its place in shared memory, and which snapshot it has checked
// against which image.
#pragma once

#include "cache/area.h"
#include "cache/ground.h"
#include "track/watch.h"

namespace pg_tree::cache {

/// A snapshot by its contents: the address says nothing, for the server uses it again.
struct SnapshotMemo {
    static constexpr uint32 most_running = 64;

    bool valid;
    const void* address;  ///< for Rule::memo_pointer
    TransactionId xmin;
    TransactionId xmax;
    uint32 count;
    CommandId command;
    track::FullXid own;
    TransactionId running[most_running];

    bool is(Snapshot snapshot, track::FullXid own_transaction) const;
    void remember(Snapshot snapshot, track::FullXid own_transaction);
};

struct SessionTree {
    SessionTree* next;
    track::TreeKey key;
    int place;            ///< in shared memory, or no_watch
    uint64 place_change;  ///< the change count at which the place was last seen to be this tree's

    Ground* ground;                  ///< or null
    const registry::Tree* surveyed;  ///< the definition that it was made for
    uint64 ground_version;
    LocalTransactionId locked_in;  ///< the transaction in which every relation of the ground is locked

    // Of the image with this ticket all of the rule was found to hold for the snapshot remembered.
    Ticket checked;
    uint64 checked_ground;
    SnapshotMemo snapshot;
    // As long as the watch's change count is this one, its noted writers have ids below the bound, and the image has seen every one
    // of them finished. The bound is a 32-bit id: it is compared with a snapshot's xmin.
    uint64 settled_change;
    track::FullXid settled_bound;

    int definitions;  ///< that know it; without any, it goes
    bool warned;      ///< of a trigger that is missing
    int64 calls_without_preload;
};

/// The session's own record of a tree in use. It outlives the tree's definition, for the same tree may get a new one.
SessionTree& session_tree(const registry::TreeUse& use);

void for_each_session_tree(void (*visit)(SessionTree&, void*), void* argument);

}  // namespace pg_tree::cache
