// The planner's side of the TreeScan plan node, which stands in for the function scan of a set-returning function.
//
// It does so for exactly one function in FROM, without ORDINALITY, at a level of the query that locks no rows: under row locks a changed
// row is looked at again together with copies of the other tables' rows, and that is the function scan's to do.
#pragma once

#include "scan/conditions.h"

namespace pg_tree::scan {

/// What the plan hands to the executor, in custom_private. The call itself is the first of custom_exprs; the conditions' comparands follow.
struct TreeScanPlan {
    const SetFunction* function;
    int place_count;
    int attributes[max_columns + 1];  ///< of the scan's row, columns of the function; 0: the function's row as a whole
    int condition_count;
    PushedCondition conditions[max_conditions];  ///< comparand is null; `comparands` says which of custom_exprs it is
    int comparands[max_conditions];
    double most;         ///< Wanted::most
    List* column_names;  ///< as the query has them
};
TreeScanPlan read_plan(const CustomScan& scan);

/// Defines pg_tree.enable_scan and hooks into the planner. Called once from _PG_init.
void plan_tree_scans();

/// The executor's methods for a plan made here.
const CustomScanMethods& tree_scan_methods();

}  // namespace pg_tree::scan
