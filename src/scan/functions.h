// Which SQL functions the planner may replace.
#pragma once

#include "scan/rows.h"

namespace pg_tree::scan {

/// The set-returning function with this OID; null: it is not one of pg_tree's, or has been altered so that only the function manager can
/// call it as it is meant (SECURITY DEFINER, SET). Remembered for the session. A server frame.
const SetFunction* set_function_of(Oid function);

/// The one with this C symbol, which there is.
const SetFunction* find_set_function(const char* symbol);

/// Called once from _PG_init.
void watch_functions();

}  // namespace pg_tree::scan
