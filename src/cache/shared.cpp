#include "cache/shared.h"

#include "cache/area.h"
#include "cache/entries.h"
#include "cache/worker.h"
#include "stats/shared.h"
#include "track/watch.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/dsa.h"
#include "utils/guc.h"
}

namespace pg_tree::cache {

namespace {

int cache_size_kb = 128 * 1024;

shmem_request_hook_type next_request_hook = nullptr;
shmem_startup_hook_type next_startup_hook = nullptr;

std::size_t cache_bytes() { return static_cast<std::size_t>(cache_size_kb) * 1024; }

std::size_t align(std::size_t bytes) { return TYPEALIGN(4096, bytes); }

std::size_t all_bytes() {
    return align(track::watch_bytes()) + align(entries_bytes()) + align(worker_bytes()) + align(stats::shared_bytes()) +
           align(area_bytes(cache_bytes())) + 4096;
}

void request() {
    if (next_request_hook != nullptr) {
        next_request_hook();
    }
    RequestAddinShmemSpace(all_bytes());
}

void start_up() {
    if (next_startup_hook != nullptr) {
        next_startup_hook();
    }
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    auto* place = static_cast<char*>(ShmemInitStruct("pg_tree", all_bytes(), &found));
    place = reinterpret_cast<char*>(TYPEALIGN(4096, reinterpret_cast<std::uintptr_t>(place)));
    auto take = [&place](std::size_t bytes) {
        void* here = place;
        place += align(bytes);
        return here;
    };
    track::attach_watches(take(track::watch_bytes()), !found);
    attach_entries(take(entries_bytes()), !found);
    attach_worker(take(worker_bytes()), !found);
    attach_area(take(area_bytes(cache_bytes())), !found, cache_bytes());
    stats::attach_shared(take(stats::shared_bytes()), !found, {save_counters, restore_counters});
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

void reserve_shared_memory() {
    const bool starting = process_shared_preload_libraries_in_progress;
    // Without preload there is nothing to set; the setting is known all the same, so that a configuration file may have it.
    DefineCustomIntVariable("pg_tree.cache_size", "Shared memory for all images, reserved when the server starts.",
                            "Needs pg_tree in shared_preload_libraries.", &cache_size_kb, 128 * 1024, 1024,
                            MAX_KILOBYTES, starting ? PGC_POSTMASTER : PGC_SIGHUP, GUC_UNIT_KB, nullptr, nullptr,
                            nullptr);
    if (!starting) {
        return;
    }
    next_request_hook = shmem_request_hook;
    shmem_request_hook = request;
    next_startup_hook = shmem_startup_hook;
    shmem_startup_hook = start_up;
    register_worker();
}

}  // namespace pg_tree::cache
