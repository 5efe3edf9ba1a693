// The table of contents: what loading pg_tree sets up, in order.

#include "cache/area.h"
#include "cache/build.h"
#include "cache/entries.h"
#include "cache/ground.h"
#include "cache/lookup.h"
#include "cache/shared.h"
#include "cache/worker.h"
#include "fetch/reading.h"
#include "pg/debug_break.h"
#include "pg/server.h"
#include "registry/resolve.h"
#include "scan/functions.h"
#include "scan/tree_path.h"
#include "stats/call.h"
#include "stats/recursive.h"
#include "stats/targets.h"
#include "track/note.h"

extern "C" {
#include "utils/guc.h"
}

#pragma GCC visibility push(default)
extern "C" {
PG_MODULE_MAGIC;
void _PG_init(void);
}
#pragma GCC visibility pop

void _PG_init(void) {
    pg_tree::registry::start();                                  // which trees there are; pg_tree.default_tree
    pg_tree::fetch::define_settings();                           // pg_tree.max_build_memory
    pg_tree::track::watch_ddl(pg_tree::cache::forget_database);  // what can keep changes from being noticed
    pg_tree::stats::watch_calls();                               // pg_tree.track, pg_tree.slow_threshold
    pg_tree::stats::watch_recursive_queries();                   // statements that would gain from pg_tree
    pg_tree::stats::define_target_settings();                    // pg_tree.slo_..., pg_tree.history_retention
    pg_tree::cache::define_lookup_settings();                    // pg_tree.enable_cache
    pg_tree::cache::define_worker_settings();                    // pg_tree.prewarm
    pg_tree::cache::reserve_shared_memory();                     // pg_tree.cache_size; the worker
    pg_tree::cache::watch_resource_owners();                     // pins go with the query that took them
    pg_tree::cache::watch_transactions();                        // builds end with their transaction
    pg_tree::cache::watch_grounds();                             // files, partitions and triggers that change
    pg_tree::scan::watch_functions();                            // which functions the planner may replace
    pg_tree::scan::plan_tree_scans();                            // the TreeScan plan node; pg_tree.enable_scan
    pg_tree::pg::define_debug_settings();
    MarkGUCPrefixReserved("pg_tree");
}
