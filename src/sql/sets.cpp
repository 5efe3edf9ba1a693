// The functions that return rows, as the function manager calls them. A query that has one in FROM mostly gets the TreeScan plan node
// instead, which opens the same calls.

#include "pg/function.h"
#include "scan/rows.h"

namespace pg_tree::sql {

PG_TREE_FUNCTION(tree_build) { return scan::put_every_row(fcinfo, scan::tree_build); }
PG_TREE_FUNCTION(tree_page) { return scan::put_every_row(fcinfo, scan::tree_page); }
PG_TREE_FUNCTION(tree_rows) { return scan::put_every_row(fcinfo, scan::tree_rows); }
PG_TREE_FUNCTION(tree_forest) { return scan::put_every_row(fcinfo, scan::tree_forest); }
PG_TREE_FUNCTION(tree_walk) { return scan::put_every_row(fcinfo, scan::tree_walk); }
PG_TREE_FUNCTION(tree_children) { return scan::put_every_row(fcinfo, scan::tree_children); }
PG_TREE_FUNCTION(tree_siblings) { return scan::put_every_row(fcinfo, scan::tree_siblings); }
PG_TREE_FUNCTION(tree_ancestors) { return scan::put_every_row(fcinfo, scan::tree_ancestors); }
PG_TREE_FUNCTION(tree_leaves) { return scan::put_every_row(fcinfo, scan::tree_leaves); }
PG_TREE_FUNCTION(tree_draw) { return scan::put_every_row(fcinfo, scan::tree_draw); }

}  // namespace pg_tree::sql
