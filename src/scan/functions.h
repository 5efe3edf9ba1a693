// Which SQL functions the planner may replace.
#pragma once

#include "scan/rows.h"

extern "C" {
#include "nodes/primnodes.h"
}

namespace pg_tree::scan {

/// The set-returning function with this OID; null: it is not one of pg_tree's, or has been altered so that only the function manager can
/// call it as it is meant (SECURITY DEFINER, SET). Remembered for the session. A server frame.
const SetFunction* set_function_of(Oid function);

/// The one with this C symbol, which there is.
const SetFunction* find_set_function(const char* symbol);

/// The tree of a call that is planned or explained, not made, without an error for what is wrong with the call. `name` is what it gives as the
/// tree's, or null. False: it is not known.
bool find_tree_quietly(const SetFunction& function, const FuncExpr& call, const char* name, MemoryContext context,
                       registry::TreeUse& use);

/// What the function reads, which is what its caller has to be allowed to.
fetch::Content content_of(const SetFunction& function);

/// Called once from _PG_init.
void watch_functions();

}  // namespace pg_tree::scan
