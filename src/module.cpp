// The table of contents: what loading pg_tree sets up, in order.

#include "fetch/reading.h"
#include "pg/server.h"
#include "registry/resolve.h"

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
    pg_tree::registry::start();         // which trees there are; pg_tree.default_tree
    pg_tree::fetch::define_settings();  // pg_tree.max_build_memory
    MarkGUCPrefixReserved("pg_tree");
}
