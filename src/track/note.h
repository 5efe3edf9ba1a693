// What counts as a change of a tree, and noting it.
#pragma once

#include "pg/server.h"

extern "C" {
#include "commands/trigger.h"
}

namespace pg_tree::track {

/// The row trigger's part: notes the transaction if a column changed that the tree is made of. Two values are the same when their bytes
/// are (datum_image_eq), for equal values may be written differently.
void note_row_change(FunctionCallInfo fcinfo, const TriggerData& event);

/// After TRUNCATE: notes the transaction for every tree of the relation.
void note_truncate(const TriggerData& event);

/// From now on DDL that can keep changes from being noted (triggers that come, change or go, inheritance, TRUNCATE) is noted itself, as
/// a change. Called once from _PG_init.
/// `database_dropped` is called with a database's OID when it has been dropped.
void watch_ddl(void (*database_dropped)(Oid));

}  // namespace pg_tree::track
