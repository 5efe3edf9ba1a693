// Who changes which tree: the writers that an image may or may not have seen.
//
// A *watch* belongs to one tree and lives in shared memory. It begins with a *seal*: a snapshot Z, and N, the next
// transaction id right after Z was taken. From before Z was taken on, every transaction that changes the tree is noted, by its top-level
// id, before it can commit. The *noted writers* of a watch are those, and everything that was running in Z and has an id
// below N, for it may have written before the watch began. docs/exactness.md has the argument why that is enough.
//
// Locks: the directory's lock covers which tree has which place; each watch's own lock covers the watch. The directory's
// comes first. Neither is held across anything that can raise an error; both are LWLocks, which the server releases on error.
#pragma once

#include "track/snapshot_list.h"

extern "C" {
#include "nodes/pg_list.h"
#include "port/atomics.h"
}

namespace pg_tree::track {

/// Which tree. `trigger` is the row trigger that carries the registration.
struct TreeKey {
    Oid database;
    Oid relation;
    Oid trigger;

    bool operator==(const TreeKey&) const = default;
};

inline constexpr int max_watches = 256;
inline constexpr int no_watch = -1;
/// A tree with more writers since its seal is not worth remembering them one by one: the watch is void until sealed again.
inline constexpr std::uint32_t max_writers = 64;

enum class WatchState : std::uint32_t {
    none,      ///< nothing is noted
    starting,  ///< writers are noted, but the seal is not there yet
    active,
    overrun  ///< too many writers: nothing may be served
};

// Shared memory. Called by the room that reserves it.
std::size_t watch_bytes();
void attach_watches(void* place, bool initialize);
/// Is there shared memory to watch in?
bool can_watch();

/// The tree's place, or no_watch.
int find_watch(const TreeKey& key);
/// The key at a place; its trigger is 0 when the place is free. For statistics: it may change at any time.
TreeKey watched_tree(int place);
/// The place that add_watch() would give to a tree that has none, or no_watch.
int free_place();
/// Gives the tree a free place; no_watch when there is none.
int add_watch(const TreeKey& key);
/// Takes a tree's place away. Nothing is noted for it from now on.
void remove_watch(int place, const TreeKey& key);

/// Counts everything that may change an answer: notes, seals, images that come and go. It never goes back, also when a place changes
/// hands, so that whoever finds the number it knows finds nothing changed.
std::uint64_t change_count(int place);

/// Notes a writer for one tree; for a tree that is not watched it does nothing.
void note_writer(const TreeKey& key, FullXid writer);
/// Notes the writer for every tree of these relations.
void note_writer_of_relations(Oid database, List* relations, FullXid writer);

/// What a watch knows, copied. `seal` is 0 when it is not active.
struct WatchView {
    WatchState state;
    std::uint64_t seal;
    std::uint64_t change;
    SnapshotList z;
    FullXid next;
    std::uint32_t writer_count;
    FullXid writers[max_writers];
};

/// False: the place is another tree's now. Allocates in the current context.
bool view_watch(int place, const TreeKey& key, WatchView& view);

/// Begins a seal: from now on writers are noted. Returns what finish_seal() wants to know it by; 0 when the place is another's.
std::uint64_t begin_seal(int place, const TreeKey& key);
/// Completes it with a snapshot taken since, and the next transaction id read after that. False: somebody began another.
bool finish_seal(int place, const TreeKey& key, std::uint64_t begun, const SnapshotList& z, FullXid next);

/// Runs publish(argument) under the watch's lock if the watch is still active under this seal, and counts a change. Nothing in it may
/// raise an error. Otherwise returns false.
bool publish_under(int place, const TreeKey& key, std::uint64_t seal, void (*publish)(void*), void* argument);
/// Counts a change without any of the above: an image went.
void count_change(int place);

// The rule, on copies.

/// Was the snapshot taken at or after the seal? (Condition 2.)
bool known_to(const WatchView& watch, const SnapshotList& snapshot);
/// Do both snapshots see the same of all noted writers? (Condition 1.) May read the commit log.
bool see_the_same(const WatchView& watch, const SnapshotList& a, const SnapshotList& b);
/// Has a noted writer committed that the snapshot does not see? May read the commit log.
bool misses_a_commit(const WatchView& watch, const SnapshotList& snapshot);
/// Is this transaction, which is running, a noted writer? (Condition 3.)
bool is_writer(const WatchView& watch, FullXid running);
/// All noted writers have smaller ids: a snapshot with this xmin or a later one sees every one of them finished.
FullXid above_all_writers(const WatchView& watch);

}  // namespace pg_tree::track
