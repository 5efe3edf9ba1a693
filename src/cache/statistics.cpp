#include "cache/statistics.h"

#include "cache/block.h"
#include "cache/entries.h"
#include "cache/session.h"
#include "stats/visible.h"

extern "C" {
#include "access/xlog.h"
#include "utils/snapmgr.h"
}

namespace pg_tree::cache {

namespace {

constexpr const char* phase_names[] = {"starting", "reading", "linking", "sorting", "writing"};

uint64 read(const pg_atomic_uint64& counter) { return pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&counter)); }

/// Would the image answer a snapshot of now?
bool is_current(int place, const track::TreeKey& key, const Block& block) {
    track::WatchView watch;
    if (RecoveryInProgress() || !track::view_watch(place, key, watch) || watch.seal != block.head().seal) {
        return false;
    }
    return track::see_the_same(watch, block.snapshot(), track::list_of(GetActiveSnapshot(), 0));
}

const char* state_of(int place, const track::TreeKey& key, const Entry& entry, uint64& bytes) {
    const Ticket ticket = read(entry.image);
    const ResourceOwner owner = CurrentResourceOwner;
    const std::byte* block = pin_block(ticket, owner);
    bytes = 0;
    if (block == nullptr) {
        return "empty";
    }
    bytes = block_bytes(ticket);
    const bool current = is_current(place, key, Block(block));
    unpin_block(ticket, owner);
    return current ? "current" : "stale";
}

}  // namespace

bool read_statistics(int place, TreeStatistics& statistics) {
    const track::TreeKey key = track::watched_tree(place);
    if (!OidIsValid(key.trigger)) {
        return false;
    }
    Entry& entry = entry_at(place);
    statistics = {};
    statistics.database = entry.database;
    statistics.relation_oid = entry.relation;
    statistics.trigger = key.trigger;
    statistics.tree = stats::readable(entry.tree, name_bytes, entry.database);
    statistics.relation = stats::readable(entry.relation_name, name_bytes, entry.database);
    statistics.state = state_of(place, key, entry, statistics.bytes);
    statistics.builder = static_cast<int>(pg_atomic_read_u32(&entry.builder));
    if (statistics.builder != 0) {
        statistics.state = "building";
        statistics.build_began = static_cast<TimestampTz>(read(entry.build_began));
        const uint32 phase = pg_atomic_read_u32(&entry.progress.phase);
        statistics.phase = phase_names[phase < std::size(phase_names) ? phase : 0];
        statistics.done = read(entry.progress.done);
        statistics.total = read(entry.progress.total);
    }
    statistics.nodes = statistics.bytes > 0 ? read(entry.nodes) : 0;
    statistics.hits = read(entry.hits);
    statistics.misses = read(entry.misses);
    for (int reason = 0; reason < bypass_reasons; ++reason) {
        statistics.bypasses[reason] = read(entry.bypasses[reason]);
    }
    statistics.builds = read(entry.builds);
    statistics.build_ms = static_cast<double>(read(entry.build_us)) / 1000;
    statistics.evictions = read(entry.evictions);
    statistics.invalidations = read(entry.invalidations);
    statistics.last_build = static_cast<TimestampTz>(read(entry.last_build));
    return true;
}

void reset_statistics(Oid trigger) {
    for (int place = 0; place < track::max_watches; ++place) {
        const track::TreeKey key = track::watched_tree(place);
        if (OidIsValid(key.trigger) &&
            (!OidIsValid(trigger) || (key.trigger == trigger && key.database == MyDatabaseId))) {
            reset_counters(place);
        }
    }
}

void for_each_uncached_tree(void (*visit)(const track::TreeKey&, int64, void*), void* argument) {
    struct Visit {
        void (*visit)(const track::TreeKey&, int64, void*);
        void* argument;
    } inner = {visit, argument};
    for_each_session_tree(
        [](SessionTree& tree, void* given) {
            const auto& to = *static_cast<Visit*>(given);
            if (tree.calls_without_preload > 0) {
                to.visit(tree.key, tree.calls_without_preload, to.argument);
            }
        },
        &inner);
}

}  // namespace pg_tree::cache
