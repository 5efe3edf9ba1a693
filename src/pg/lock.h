// LWLocks in shared memory of ours.
#pragma once

#include "pg/server.h"

extern "C" {
#include "storage/lwlock.h"
#include "storage/proc.h"
}

namespace pg_tree::pg {

/// Makes a lock of its own kind, under which name waits for it are shown (pg_stat_activity.wait_event). While shared memory is set up.
inline void create_lock(LWLock& lock, const char* name) {
    const int tranche = LWLockNewTrancheId();
    LWLockRegisterTranche(tranche, name);
    LWLockInitialize(&lock, tranche);
}

/// To save what the lock protects. The postmaster, when all others have gone, has no process slot to wait for a lock with, and no need of it.
inline void lock_for_saving(LWLock& lock) {
    if (MyProc != nullptr) {
        LWLockAcquire(&lock, LW_SHARED);
    }
}
inline void unlock_for_saving(LWLock& lock) {
    if (MyProc != nullptr) {
        LWLockRelease(&lock);
    }
}

}  // namespace pg_tree::pg
