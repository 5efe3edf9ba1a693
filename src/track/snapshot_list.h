// What a snapshot says about which transactions are still running, in 64-bit transaction ids that never wrap.
#pragma once

#include "pg/server.h"

extern "C" {
#include "access/transam.h"
#include "utils/snapshot.h"
}

namespace pg_tree::track {

/// A FullTransactionId as a number.
using FullXid = std::uint64_t;

/// `running` is sorted and holds top-level transactions below xmax only. Everything from xmax on is running as well, or had not
/// begun. Whoever makes a list owns its memory.
struct SnapshotList {
    FullXid xmin;
    FullXid xmax;
    std::uint32_t count;
    const FullXid* running;

    bool in_progress(FullXid xid) const {
        return xid >= xmax || (xid >= xmin && std::binary_search(running, running + count, xid));
    }
};

/// A 32-bit id that some snapshot of now speaks of. Such ids are less than 2^31 behind the next one.
FullXid widen(TransactionId xid);

/// The list of an MVCC snapshot that was not taken during recovery, in the current memory context. `also_running`: an own
/// transaction, which no snapshot lists itself, or 0. A server frame.
SnapshotList list_of(Snapshot snapshot, FullXid also_running);

/// The caller's own top transaction, or 0 when it has no id yet.
FullXid own_transaction();

/// Did the transaction commit? Only for one that a snapshot of ours has seen finished. Of one too old for the commit log it is
/// taken for granted. A server frame: it may read the commit log.
bool committed(FullXid xid);

}  // namespace pg_tree::track
