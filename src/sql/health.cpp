// tree_health: is everything as it should be, and what to do where it is not?

#include "cache/area.h"
#include "cache/statistics.h"
#include "cache/worker.h"
#include "pg/function.h"
#include "scan/rows_out.h"
#include "sql/statistics.h"
#include "stats/clock.h"
#include "stats/recursive.h"
#include "stats/shared.h"
#include "stats/slow.h"
#include "stats/visible.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace pg_tree::sql {

namespace {

enum class Health : int { ok, warning, critical, unknown };
constexpr const char* health_names[] = {"ok", "warning", "critical", "unknown"};

struct Finding {
    const char* check;
    Health health = Health::ok;
    double value = -1;      ///< negative: none
    double threshold = -1;  ///< the same
    const char* message;
    const char* hint = nullptr;  ///< shown unless all is well
};

void put(scan::RowsOut& out, const Finding& finding) {
    Row row;
    row.put_text(finding.check);
    row.put_text(health_names[static_cast<int>(finding.health)]);
    row.put_float_if_any(finding.value);
    row.put_float_if_any(finding.threshold);
    row.put_text(finding.message);
    row.put_text(finding.health == Health::ok ? nullptr : finding.hint);
    out.put(row.values, row.nulls);
}

/// What all trees of the server come to.
struct CacheSummary {
    uint64 calls = 0;
    uint64 evictions = 0;
    uint64 builds = 0;
    uint64 too_large = 0;
    int builder = 0;  ///< process id of the build that has been under way longest; 0: none
    const char* built_tree = nullptr;
    TimestampTz began = 0;
};

CacheSummary summarize_cache() {
    CacheSummary summary;
    for (int place = 0; track::can_watch() && place < track::max_watches; ++place) {
        cache::TreeStatistics tree;
        if (!cache::read_statistics(place, tree)) {
            continue;
        }
        summary.calls += tree.hits + tree.misses;
        for (const uint64 reason : tree.bypasses) {
            summary.calls += reason;
        }
        summary.evictions += tree.evictions;
        summary.builds += tree.builds;
        summary.too_large += tree.bypasses[static_cast<int>(cache::Bypass::too_large)];
        if (tree.builder != 0 && (summary.builder == 0 || tree.build_began < summary.began)) {
            summary.builder = tree.builder;
            summary.built_tree = stats::may_see(tree.database, tree.relation_oid) ? tree.tree : nullptr;
            summary.began = tree.build_began;
        }
    }
    return summary;
}

Health warn_if(bool bad) { return bad ? Health::warning : Health::ok; }

void check_setup(scan::RowsOut& out, bool preloaded) {
    put(out, {"preloaded", preloaded ? Health::ok : Health::critical, -1, -1,
              preloaded ? "pg_tree is in shared_preload_libraries"
                        : "pg_tree is not in shared_preload_libraries: there is no cache, and nothing is counted",
              "Set shared_preload_libraries = 'pg_tree' and restart the server."});
    put(out, {"tracking", stats::is_on() ? Health::ok : Health::warning, -1, -1,
              stats::is_on() ? "calls are counted" : "calls are not counted",
              "Set pg_tree.track = on; it needs pg_tree in shared_preload_libraries."});
    const bool works = cache::worker_pid() != 0;
    put(out, {"worker",
              works       ? Health::ok
              : preloaded ? Health::critical
                          : Health::unknown,
              -1, -1,
              works ? "the background worker runs"
                    : "the background worker does not run: nothing is built in the background, no history, no alerts",
              "See the server log for \"pg_tree worker\"; max_worker_processes may be too low."});
}

void check_cache(scan::RowsOut& out, bool preloaded) {
    constexpr double full = 0.9;
    constexpr double often = 0.5;
    constexpr double too_long = 60;  // seconds
    const CacheSummary cache = summarize_cache();
    const double limit = static_cast<double>(cache::bytes_limit());
    const double used = preloaded && limit > 0 ? static_cast<double>(cache::bytes_in_use()) / limit : -1;
    put(out, {"cache_memory", preloaded ? warn_if(used > full) : Health::unknown, used, full,
              preloaded ? psprintf("%.0f %% of pg_tree.cache_size is used by images", 100 * used) : "there is no cache",
              "Raise pg_tree.cache_size (needs a restart) if tree_stat_cache shows evictions of trees that are used."});
    const double evicted =
        cache.builds < 10 ? -1 : static_cast<double>(cache.evictions) / static_cast<double>(cache.builds);
    put(out, {"cache_evictions", evicted < 0 ? Health::unknown : warn_if(evicted > often), evicted, often,
              evicted < 0 ? "too few images were built to tell"
                          : psprintf("%.0f %% of images that were built gave way to others", 100 * evicted),
              "The images do not fit pg_tree.cache_size together: raise it (needs a restart)."});
    const double too_large =
        cache.calls == 0 ? -1 : static_cast<double>(cache.too_large) / static_cast<double>(cache.calls);
    put(out,
        {"oversized_trees", too_large < 0 ? Health::unknown : warn_if(cache.too_large > 0), too_large, 0,
         too_large < 0 ? "nothing was asked yet"
                       : psprintf(UINT64_FORMAT " calls read a tree that does not fit into memory", cache.too_large),
         "Raise pg_tree.cache_size and pg_tree.max_build_memory; tree_stat_bypass shows which trees."});
    const double seconds =
        cache.builder == 0 ? 0 : static_cast<double>(GetCurrentTimestamp() - cache.began) / USECS_PER_SEC;
    put(out,
        {"long_build", preloaded ? warn_if(seconds > too_long) : Health::unknown, preloaded ? seconds : -1, too_long,
         cache.builder == 0 ? "no image is being built"
         : cache.built_tree == nullptr
             ? "a tree is being built"
             : psprintf("tree %s is being built by process %d", cache.built_tree, cache.builder),
         "tree_stat_progress shows how far it is, pg_stat_activity what it waits for."});
}

/// Trees of this database some of whose changes would go by unnoticed.
void check_triggers(scan::RowsOut& out, FunctionCallInfo fcinfo) {
    const TreeNames names(fcinfo);
    int untracked = 0;
    const registry::Registration* first = nullptr;
    for (const registry::Registration& registration : names.all()) {
        // A view's changes are its tables'; nothing can be done about that, and nothing is wrong.
        if (!registration.tracked && get_rel_relkind(registration.relation) != RELKIND_VIEW) {
            ++untracked;
            if (first == nullptr && stats::may_see(MyDatabaseId, registration.relation)) {
                first = &registration;
            }
        }
    }
    put(out,
        {"untracked_trees", warn_if(untracked > 0), static_cast<double>(untracked), 0,
         untracked == 0     ? "every change of every table in this database that is a tree is noticed"
         : first == nullptr ? psprintf("changes of %d trees are not all noticed; they are not cached", untracked)
                            : psprintf("changes of %d trees are not all noticed, of %s for one; they are not cached",
                                       untracked, registry::qualified_tree_name(*first)),
         first == nullptr ? "SELECT tree FROM tree_registry WHERE NOT tracked, as somebody who may read them."
                          : psprintf("SELECT tree FROM tree_registry WHERE NOT tracked; then tree_register('%s') "
                                     "and so on again. Foreign and inherited tables cannot be tracked.",
                                     registry::relation_sql(first->relation))});
}

void check_targets(scan::RowsOut& out, bool preloaded) {
    const stats::Totals lately =
        preloaded ? stats::counted_lately(stats::window_seconds(), stats::now()) : stats::Totals();
    for (int i = 0; i < stats::target_count; ++i) {
        const auto target = static_cast<stats::Target>(i);
        const stats::Judgement judgement = stats::judge(target, lately);
        const bool known = judgement.status == stats::Status::ok || judgement.status == stats::Status::violated;
        put(out,
            {stats::name_of(target), known ? warn_if(judgement.status == stats::Status::violated) : Health::unknown,
             judgement.value, judgement.target,
             known ? psprintf(UINT64_FORMAT " samples in the last %d s", judgement.samples, stats::window_seconds())
             : judgement.status == stats::Status::off ? "there is no target"
                                                      : "too few samples to tell",
             stats::advice_on(target)});
    }
}

void check_statistics(scan::RowsOut& out, bool preloaded) {
    const auto dropped =
        static_cast<double>(stats::dropped_trees() + stats::dropped_recursive() + stats::dropped_slow());
    put(out, {"dropped_statistics", preloaded ? warn_if(dropped > 0) : Health::unknown, dropped, 0,
              dropped > 0 ? "some statistics found no place in memory" : "no statistics were dropped",
              "tree_stat_info says which; tree_stat_reset() makes room."});
    const double recursive = preloaded ? static_cast<double>(stats::recursive_calls_here()) : -1;
    put(out, {"recursive_queries", preloaded ? Health::ok : Health::unknown, recursive, -1,
              recursive > 0
                  ? "recursive queries over tables of this database that are trees or could be: see tree_stat_recursive"
                  : "no recursive queries over trees were seen in this database",
              nullptr});
}

}  // namespace

/// check_name, status, value, threshold, message, hint
PG_TREE_FUNCTION(tree_health) {
    scan::RowsOut out(fcinfo);
    const bool preloaded = track::can_watch();
    check_setup(out, preloaded);
    check_cache(out, preloaded);
    check_triggers(out, fcinfo);
    check_targets(out, preloaded);
    check_statistics(out, preloaded);
    return Datum{0};
}

}  // namespace pg_tree::sql
