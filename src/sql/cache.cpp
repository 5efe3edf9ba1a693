// tree_warm, tree_invalidate, and the rows of tree_stat_cache, tree_stat_bypass, tree_stat_progress and tree_stat_info.

#include "cache/area.h"
#include "cache/entries.h"
#include "cache/statistics.h"
#include "cache/worker.h"
#include "pg/compat.h"
#include "scan/question.h"
#include "scan/rows_out.h"
#include "sql/statistics.h"
#include "stats/recursive.h"
#include "stats/shared.h"
#include "stats/slow.h"
#include "stats/visible.h"

extern "C" {
#include "commands/dbcommands.h"
}

namespace pg_tree::sql {

using cache::Bypass;
using cache::TreeStatistics;
using scan::text_argument;

namespace {

registry::TreeUse named_tree(FunctionCallInfo fcinfo) {
    return registry::use_tree(fcinfo->flinfo->fn_oid, text_argument(fcinfo, 0), CurrentMemoryContext);
}

void refuse_without_preload(const char* what) {
    ereport(WARNING, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s: there is no cache", what),
            errdetail("pg_tree is not in shared_preload_libraries. Every reading function works all the same."),
            errhint("Set shared_preload_libraries = 'pg_tree' and restart the server."));
}

const char* why(Bypass reason) {
    switch (reason) {
        case Bypass::own_write:
            return "This transaction has changed the tree, or may have.";
        case Bypass::rls:
            return "Row-level security is on for this user, or forced on the owner.";
        case Bypass::serializable:
            return "The transaction is SERIALIZABLE.";
        case Bypass::standby:
            return "The server is a standby.";
        case Bypass::trigger_missing:
            return "A trigger of the registration is missing or does not fire ALWAYS; run tree_register() again.";
        case Bypass::too_large:
            return "It needs more memory than pg_tree.cache_size or pg_tree.max_build_memory allows.";
        case Bypass::unsupported:
            return "Its table, its types or its owner's rights do not allow it; docs/exactness.md lists what does not.";
        case Bypass::disabled:
            return "pg_tree.enable_cache is off.";
        default:
            return "Writers were in the way; try again.";
    }
}

/// Calls write(statistics) for each tree that the server knows and the user may know of.
template <class Write>
void for_each_place(FunctionCallInfo fcinfo, Write&& write) {
    const TreeNames names(fcinfo);
    if (track::can_watch()) {
        cache::forget_dropped_trees();
    }
    for (int place = 0; track::can_watch() && place < track::max_watches; ++place) {
        TreeStatistics statistics;
        if (cache::read_statistics(place, statistics) && get_database_name(statistics.database) != nullptr &&
            stats::may_see(statistics.database, statistics.relation_oid)) {
            if (const registry::Registration* now = names.find(statistics.database, statistics.trigger);
                now != nullptr) {
                statistics.tree = registry::qualified_tree_name(*now);
                statistics.relation = registry::relation_sql(now->relation);
            }
            write(statistics);
        }
    }
}

/// Two trees under one name: what is there of the one that was registered last, and what was counted of both.
TreeStatistics joined(const TreeStatistics& one, const TreeStatistics& other) {
    const bool one_is_later = one.trigger > other.trigger;
    TreeStatistics both = one_is_later ? one : other;
    const TreeStatistics& earlier = one_is_later ? other : one;
    both.bytes += earlier.bytes;
    both.hits += earlier.hits;
    both.misses += earlier.misses;
    for (int reason = 0; reason < cache::bypass_reasons; ++reason) {
        both.bypasses[reason] += earlier.bypasses[reason];
    }
    both.builds += earlier.builds;
    both.evictions += earlier.evictions;
    both.invalidations += earlier.invalidations;
    return both;
}

/// The same with one call for a name. Which trees of another database are gone, is seen from there only; one that was registered anew would
/// be here twice.
template <class Write>
void for_each_tree(FunctionCallInfo fcinfo, Write&& write) {
    List* all = NIL;
    for_each_place(fcinfo, [&](const TreeStatistics& tree) {
        ListCell* cell;
        foreach (cell, all) {
            auto& other = *static_cast<TreeStatistics*>(lfirst(cell));
            if (other.database == tree.database && strcmp(other.tree, tree.tree) == 0) {
                other = joined(other, tree);
                return;
            }
        }
        all = lappend(all, new (palloc(sizeof(TreeStatistics))) TreeStatistics(tree));
    });
    ListCell* cell;
    foreach (cell, all) {
        write(*static_cast<const TreeStatistics*>(lfirst(cell)));
    }
}

}  // namespace

/// tree_warm(tree text) RETURNS TABLE (tree_name text, nodes bigint, bytes bigint, build_ms float8)
PG_TREE_FUNCTION(tree_warm) {
    scan::RowsOut out(fcinfo);
    if (!track::can_watch()) {
        refuse_without_preload("tree_warm");
        return Datum{0};
    }
    const registry::TreeUse tree = named_tree(fcinfo);
    if (!cache::may_read(*tree.tree, fetch::Content::nodes)) {
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(tree.tree->relation));
    }
    const cache::BuildResult result = cache::build_now(tree);
    if (!result.built) {
        ereport(WARNING, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("tree %s was not cached", tree.tree->name),
                errdetail_internal("%s", result.error != nullptr ? result.error : why(result.obstacle)));
        return Datum{0};
    }
    Row row;
    row.put_text(tree.tree->name);
    row.put_count(result.nodes);
    row.put_count(result.bytes);
    row.put(Float8GetDatum(result.milliseconds));
    out.put(row.values, row.nulls);
    return Datum{0};
}

/// tree_invalidate(tree text) RETURNS bool: was there an image?
PG_TREE_FUNCTION(tree_invalidate) {
    const registry::TreeUse tree = named_tree(fcinfo);
    if (!pg::owns_relation(tree.tree->relation)) {
        aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(tree.tree->relation));
    }
    if (!track::can_watch()) {
        refuse_without_preload("tree_invalidate");
        PG_RETURN_BOOL(false);
    }
    (void)cache::look_up(tree, fetch::Content::keys, false);  // so that the session knows its place
    PG_RETURN_BOOL(cache::invalidate(tree));
}

/// datname, tree, relation, state, nodes, bytes, hits, misses, bypasses, hit_ratio, builds, build_ms, evictions, invalidations, last_build
PG_TREE_FUNCTION(tree_cache_statistics) {
    scan::RowsOut out(fcinfo);
    for_each_tree(fcinfo, [&](const TreeStatistics& tree) {
        uint64 bypasses = 0;
        for (const uint64 reason : tree.bypasses) {
            bypasses += reason;
        }
        Row row;
        row.put_text(get_database_name(tree.database));
        row.put_text(tree.tree);
        row.put_text(tree.relation);
        row.put_text(tree.state);
        row.put_count(tree.nodes);
        row.put_count(tree.bytes);
        row.put_count(tree.hits);
        row.put_count(tree.misses);
        row.put_count(bypasses);
        const uint64 calls = tree.hits + tree.misses + bypasses;
        calls == 0 ? row.put_null()
                   : row.put(Float8GetDatum(static_cast<double>(tree.hits) / static_cast<double>(calls)));
        row.put_count(tree.builds);
        tree.builds == 0 ? row.put_null() : row.put(Float8GetDatum(tree.build_ms));
        row.put_count(tree.evictions);
        row.put_count(tree.invalidations);
        tree.last_build == 0 ? row.put_null() : row.put(TimestampTzGetDatum(tree.last_build));
        out.put(row.values, row.nulls);
    });
    return Datum{0};
}

/// datname, tree, reason, count
PG_TREE_FUNCTION(tree_bypass_statistics) {
    scan::RowsOut out(fcinfo);
    auto put = [&](const char* database, const char* tree, Bypass reason, uint64 calls) {
        Row row;
        row.put_text(database);
        row.put_text(tree);
        row.put_text(cache::bypass_name(reason));
        row.put_count(calls);
        out.put(row.values, row.nulls);
    };
    for_each_tree(fcinfo, [&](const TreeStatistics& tree) {
        for (int reason = 0; reason < cache::bypass_reasons; ++reason) {
            if (tree.bypasses[reason] > 0) {
                put(get_database_name(tree.database), tree.tree, static_cast<Bypass>(reason), tree.bypasses[reason]);
            }
        }
    });
    // Without shared memory a session knows of its own calls only.
    struct Put {
        decltype(put)* to;
        TreeNames known;
    } uncached = {&put, TreeNames(fcinfo)};
    cache::for_each_uncached_tree(
        [](const track::TreeKey& tree, int64 calls, void* argument) {
            const auto& each = *static_cast<Put*>(argument);
            if (const registry::Registration* now = each.known.find(MyDatabaseId, tree.trigger); now != nullptr) {
                (*each.to)(get_database_name(MyDatabaseId), registry::qualified_tree_name(*now), Bypass::not_preloaded,
                           static_cast<uint64>(calls));
            }
        },
        &uncached);
    return Datum{0};
}

/// pid, datname, tree, phase, nodes_done, nodes_total
PG_TREE_FUNCTION(tree_progress) {
    scan::RowsOut out(fcinfo);
    for_each_place(fcinfo, [&](const TreeStatistics& tree) {
        if (tree.builder == 0) {
            return;
        }
        Row row;
        row.put(Int32GetDatum(tree.builder));
        row.put_text(get_database_name(tree.database));
        row.put_text(tree.tree);
        row.put_text(tree.phase);
        row.put_count(tree.done);
        row.put_count(tree.total);
        out.put(row.values, row.nulls);
    });
    return Datum{0};
}

/// preloaded, version, cache_bytes, cache_limit_bytes, worker_pid, dropped_trees, stats_reset, dropped_statistics, dropped_slow,
/// dropped_recursive, stats_saved
PG_TREE_FUNCTION(tree_info) {
    scan::RowsOut out(fcinfo);
    Row row;
    row.put(BoolGetDatum(track::can_watch()));
    row.put_text(PG_TREE_VERSION);
    row.put_count(cache::bytes_in_use());
    row.put_count(cache::bytes_limit());
    cache::worker_pid() == 0 ? row.put_null() : row.put(Int32GetDatum(cache::worker_pid()));
    row.put_count(cache::dropped_trees());
    row.put_time(stats::counting_since());
    row.put_count(stats::dropped_trees());
    row.put_count(stats::dropped_slow());
    row.put_count(stats::dropped_recursive());
    row.put_time(stats::last_saved());
    out.put(row.values, row.nulls);
    return Datum{0};
}

}  // namespace pg_tree::sql
