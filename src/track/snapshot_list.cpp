#include "track/snapshot_list.h"

#include "pg/compat.h"

extern "C" {
#include "access/xact.h"
}

namespace pg_tree::track {

FullXid widen(TransactionId xid) {
    const FullXid next = U64FromFullTransactionId(ReadNextFullTransactionId());
    if (!TransactionIdIsNormal(xid)) {
        return xid;  // before everything
    }
    const FullXid candidate = (next & ~FullXid{UINT32_MAX}) | xid;
    return candidate <= next ? candidate : candidate - (FullXid{1} << 32);
}

SnapshotList list_of(Snapshot snapshot, FullXid also_running) {
    auto* running = static_cast<FullXid*>(palloc(sizeof(FullXid) * (std::size_t{snapshot->xcnt} + 1)));
    std::uint32_t count = 0;
    SnapshotList list = {widen(snapshot->xmin), widen(snapshot->xmax), 0, running};
    for (std::uint32_t i = 0; i < snapshot->xcnt; ++i) {
        running[count++] = widen(snapshot->xip[i]);
    }
    if (also_running != 0 && also_running < list.xmax) {
        running[count++] = also_running;
        list.xmin = std::min(list.xmin, also_running);
    }
    std::sort(running, running + count);
    list.count = count;
    return list;
}

FullXid own_transaction() { return U64FromFullTransactionId(GetTopFullTransactionIdIfAny()); }

bool committed(FullXid xid) {
    return xid < widen(pg::oldest_xid()) || TransactionIdDidCommit(static_cast<TransactionId>(xid));
}

}  // namespace pg_tree::track
