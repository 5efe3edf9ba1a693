#include "track/watch.h"

#include "pg/debug_break.h"

extern "C" {
#include "access/twophase.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
}

namespace pg_tree::track {

namespace {

/// Between Z's xmax and the next id stand transactions that had an id but none after them had ended: rarely more than there are
/// sessions. Subtransactions have ids too, so there is no bound; past this one comparing is given up.
constexpr FullXid longest_range = 100000;

/// One tree's watch. Sized for as many running transactions as there can be, and one more: the taker of Z.
struct Watch {
    LWLock lock;
    WatchState state;
    std::uint32_t writer_count;
    std::uint64_t seal;  ///< the change count at which the seal began; 0 before the first
    FullXid next;
    FullXid z_xmin;
    FullXid z_xmax;
    std::uint32_t z_count;
    FullXid writers[max_writers];
    FullXid z_running[FLEXIBLE_ARRAY_MEMBER];
};

/// Each in a cache line of its own: readers look at it on every call, and nothing else is near.
struct alignas(64) ChangeCount {
    pg_atomic_uint64 value;
};

struct Directory {
    LWLock lock;
    TreeKey keys[max_watches];  ///< trigger 0: free
    ChangeCount changes[max_watches];
    // the watches follow
};

Directory* directory = nullptr;

std::size_t watch_size() {
    const std::size_t running =
        static_cast<std::size_t>(MaxBackends) + static_cast<std::size_t>(max_prepared_xacts) + 1;
    return TYPEALIGN(64, offsetof(Watch, z_running) + running * sizeof(FullXid));
}

Watch& watch_at(int place) {
    char* first = reinterpret_cast<char*>(directory) + TYPEALIGN(64, sizeof(Directory));
    return *reinterpret_cast<Watch*>(first + static_cast<std::size_t>(place) * watch_size());
}

std::uint64_t bump(int place) { return pg_atomic_add_fetch_u64(&directory->changes[place].value, 1); }

bool keeps_notes(WatchState state) { return state == WatchState::starting || state == WatchState::active; }

/// Under the watch's lock.
void add_writer(Watch& watch, int place, FullXid writer) {
    if (!keeps_notes(watch.state)) {
        return;
    }
    for (std::uint32_t i = watch.writer_count; i-- > 0;) {
        if (watch.writers[i] == writer) {
            return;
        }
    }
    if (watch.writer_count == max_writers) {
        watch.state = WatchState::overrun;
    } else {
        watch.writers[watch.writer_count++] = writer;
    }
    bump(place);
}

/// Calls visit(writer) for each noted writer; stops when it returns true, and returns that.
template <class Visit>
bool any_writer(const WatchView& watch, Visit&& visit) {
    for (std::uint32_t i = 0; i < watch.writer_count; ++i) {
        if (visit(watch.writers[i])) {
            return true;
        }
    }
    if (pg::broken(pg::Rule::seal_running)) {
        return false;
    }
    for (std::uint32_t i = 0; i < watch.z.count; ++i) {
        if (visit(watch.z.running[i])) {
            return true;
        }
    }
    for (FullXid xid = watch.z.xmax; xid < watch.next; ++xid) {
        if (visit(xid)) {
            return true;
        }
    }
    return false;
}

bool has_long_range(const WatchView& watch) { return watch.next > watch.z.xmax + longest_range; }

}  // namespace

std::size_t watch_bytes() { return TYPEALIGN(64, sizeof(Directory)) + max_watches * watch_size(); }

void attach_watches(void* place, bool initialize) {
    directory = static_cast<Directory*>(place);
    if (!initialize) {
        return;
    }
    const int tranche = LWLockNewTrancheId();
    LWLockRegisterTranche(tranche, "PgTreeWatch");
    memset(place, 0, watch_bytes());
    LWLockInitialize(&directory->lock, tranche);
    for (int i = 0; i < max_watches; ++i) {
        pg_atomic_init_u64(&directory->changes[i].value, 1);
        LWLockInitialize(&watch_at(i).lock, tranche);
    }
}

bool can_watch() { return directory != nullptr; }

int find_watch(const TreeKey& key) {
    int found = no_watch;
    LWLockAcquire(&directory->lock, LW_SHARED);
    for (int i = 0; i < max_watches; ++i) {
        if (directory->keys[i] == key) {
            found = i;
            break;
        }
    }
    LWLockRelease(&directory->lock);
    return found;
}

TreeKey watched_tree(int place) {
    LWLockAcquire(&directory->lock, LW_SHARED);
    const TreeKey key = directory->keys[place];
    LWLockRelease(&directory->lock);
    return key;
}

int free_place() { return find_watch({}); }

int add_watch(const TreeKey& key) {
    int place = no_watch;
    LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
    for (int i = 0; i < max_watches; ++i) {
        if (directory->keys[i] == key) {
            place = i;
            break;
        }
        if (place == no_watch && !OidIsValid(directory->keys[i].trigger)) {
            place = i;
        }
    }
    if (place != no_watch && !(directory->keys[place] == key)) {
        directory->keys[place] = key;
        Watch& watch = watch_at(place);
        LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
        watch.state = WatchState::none;
        watch.seal = 0;
        watch.writer_count = 0;
        bump(place);
        LWLockRelease(&watch.lock);
    }
    LWLockRelease(&directory->lock);
    return place;
}

void remove_watch(int place, const TreeKey& key) {
    LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
    if (directory->keys[place] == key) {
        directory->keys[place] = {};
        Watch& watch = watch_at(place);
        LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
        watch.state = WatchState::none;
        watch.seal = 0;
        bump(place);
        LWLockRelease(&watch.lock);
    }
    LWLockRelease(&directory->lock);
}

std::uint64_t change_count(int place) {
    // The caller's snapshot was taken before; what it sees was noted before that. The barrier keeps the order here too.
    pg_read_barrier();
    return pg_atomic_read_u64(&directory->changes[place].value);
}

void note_writer(const TreeKey& key, FullXid writer) {
    if (directory == nullptr) {
        return;
    }
    pg::wait_point(pg::WaitPoint::note);
    const int place = find_watch(key);
    if (place == no_watch) {
        return;
    }
    Watch& watch = watch_at(place);
    // Where nothing is noted there is no need for the lock. Our transaction had its id before this look: a seal that begins after it
    // finds us running.
    pg_memory_barrier();
    if (!keeps_notes(*const_cast<const volatile WatchState*>(&watch.state))) {
        return;
    }
    LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
    // Whose place this is changes under this lock too. Another's watch does not mind one writer more.
    add_writer(watch, place, writer);
    LWLockRelease(&watch.lock);
}

void note_writer_of_relations(Oid database, List* relations, FullXid writer) {
    if (directory == nullptr) {
        return;
    }
    LWLockAcquire(&directory->lock, LW_SHARED);
    for (int i = 0; i < max_watches; ++i) {
        const TreeKey& key = directory->keys[i];
        if (key.database == database && OidIsValid(key.trigger) && list_member_oid(relations, key.relation)) {
            Watch& watch = watch_at(i);
            LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
            add_writer(watch, i, writer);
            LWLockRelease(&watch.lock);
        }
    }
    LWLockRelease(&directory->lock);
}

bool view_watch(int place, const TreeKey& key, WatchView& view) {
    // Room is made before the lock is taken: nothing may raise an error under it.
    auto* running = static_cast<FullXid*>(palloc(
        sizeof(FullXid) * (static_cast<std::size_t>(MaxBackends) + static_cast<std::size_t>(max_prepared_xacts) + 1)));
    LWLockAcquire(&directory->lock, LW_SHARED);
    if (!(directory->keys[place] == key)) {
        LWLockRelease(&directory->lock);
        return false;
    }
    Watch& watch = watch_at(place);
    LWLockAcquire(&watch.lock, LW_SHARED);
    LWLockRelease(&directory->lock);
    view.state = watch.state;
    view.seal = watch.state == WatchState::active ? watch.seal : 0;
    view.change = pg_atomic_read_u64(&directory->changes[place].value);
    view.next = watch.next;
    view.z = {watch.z_xmin, watch.z_xmax, watch.z_count, running};
    memcpy(running, watch.z_running, watch.z_count * sizeof(FullXid));
    view.writer_count = watch.writer_count;
    memcpy(view.writers, watch.writers, watch.writer_count * sizeof(FullXid));
    LWLockRelease(&watch.lock);
    return true;
}

std::uint64_t begin_seal(int place, const TreeKey& key) {
    std::uint64_t begun = 0;
    LWLockAcquire(&directory->lock, LW_SHARED);
    if (directory->keys[place] == key) {
        Watch& watch = watch_at(place);
        LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
        begun = bump(place);
        watch.state = WatchState::starting;
        watch.seal = begun;
        watch.writer_count = 0;
        watch.z_count = 0;
        LWLockRelease(&watch.lock);
    }
    LWLockRelease(&directory->lock);
    return begun;
}

bool finish_seal(int place, const TreeKey& key, std::uint64_t begun, const SnapshotList& z, FullXid next) {
    Assert(z.count <= static_cast<std::uint32_t>(MaxBackends + max_prepared_xacts + 1));
    bool finished = false;
    LWLockAcquire(&directory->lock, LW_SHARED);
    Watch& watch = watch_at(place);
    LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
    if (directory->keys[place] == key && watch.state == WatchState::starting && watch.seal == begun) {
        watch.z_xmin = z.xmin;
        watch.z_xmax = z.xmax;
        watch.z_count = z.count;
        memcpy(watch.z_running, z.running, z.count * sizeof(FullXid));
        watch.next = next;
        watch.state = WatchState::active;
        bump(place);
        finished = true;
    }
    LWLockRelease(&watch.lock);
    LWLockRelease(&directory->lock);
    return finished;
}

bool publish_under(int place, const TreeKey& key, std::uint64_t seal, void (*publish)(void*), void* argument) {
    bool published = false;
    LWLockAcquire(&directory->lock, LW_SHARED);
    Watch& watch = watch_at(place);
    LWLockAcquire(&watch.lock, LW_EXCLUSIVE);
    if (directory->keys[place] == key && watch.state == WatchState::active && watch.seal == seal) {
        publish(argument);
        bump(place);
        published = true;
    }
    LWLockRelease(&watch.lock);
    LWLockRelease(&directory->lock);
    return published;
}

void count_change(int place) { bump(place); }

bool known_to(const WatchView& watch, const SnapshotList& snapshot) {
    if (pg::broken(pg::Rule::known_to_watch)) {
        return true;
    }
    if (watch.z.xmax > snapshot.xmax) {
        return false;
    }
    for (std::uint32_t i = 0; i < snapshot.count && snapshot.running[i] < watch.z.xmax; ++i) {
        if (!watch.z.in_progress(snapshot.running[i])) {
            return false;
        }
    }
    return true;
}

bool see_the_same(const WatchView& watch, const SnapshotList& a, const SnapshotList& b) {
    if (pg::broken(pg::Rule::same_writers)) {
        return true;
    }
    const FullXid bound = above_all_writers(watch);
    if (a.xmin >= bound && b.xmin >= bound) {
        return true;  // both see every one of them finished
    }
    if (has_long_range(watch)) {
        return false;
    }
    return !any_writer(
        watch, [&](FullXid writer) { return a.in_progress(writer) != b.in_progress(writer) && committed(writer); });
}

bool misses_a_commit(const WatchView& watch, const SnapshotList& snapshot) {
    if (snapshot.xmin >= above_all_writers(watch)) {
        return false;
    }
    if (has_long_range(watch)) {
        return true;
    }
    return any_writer(watch, [&](FullXid writer) {
        return snapshot.in_progress(writer) && !TransactionIdIsInProgress(static_cast<TransactionId>(writer)) &&
               committed(writer);
    });
}

bool is_writer(const WatchView& watch, FullXid running) {
    if (running == 0) {
        return false;
    }
    if (std::find(watch.writers, watch.writers + watch.writer_count, running) != watch.writers + watch.writer_count) {
        return true;
    }
    // It is running, so it was running in Z if it had begun by then.
    return running < watch.next && !pg::broken(pg::Rule::seal_running);
}

FullXid above_all_writers(const WatchView& watch) {
    FullXid bound = watch.next;
    for (std::uint32_t i = 0; i < watch.writer_count; ++i) {
        bound = std::max(bound, watch.writers[i] + 1);
    }
    return bound;
}

}  // namespace pg_tree::track
