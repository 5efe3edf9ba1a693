#include "cache/statistics.h"

#include "cache/block.h"
#include "cache/entries.h"
#include "cache/session.h"
#include "pg/compat.h"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
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

/// Another database's name may be in another encoding, or cut in the middle of a character.
char* readable_name(const char* name) {
    char* copy = pnstrdup(name, name_bytes);
    const int length = static_cast<int>(strlen(copy));
    const int valid = pg_encoding_verifymbstr(GetDatabaseEncoding(), copy, length);
    for (int i = valid; i < length; ++i) {
        copy[i] = IS_HIGHBIT_SET(copy[i]) ? '?' : copy[i];
    }
    return copy;
}

}  // namespace

bool may_see(const TreeStatistics& statistics) {
    return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
           (statistics.database == MyDatabaseId && get_rel_name(statistics.relation_oid) != nullptr &&
            (pg::may_select(statistics.relation_oid, GetUserId()) ||
             pg_attribute_aclcheck_all(statistics.relation_oid, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK));
}

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
    statistics.tree = readable_name(entry.tree);
    statistics.relation = readable_name(entry.relation_name);
    statistics.state = state_of(place, key, entry, statistics.bytes);
    statistics.builder = static_cast<int>(pg_atomic_read_u32(&entry.builder));
    if (statistics.builder != 0) {
        statistics.state = "building";
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
