// Rows straight from the executor into a node table, without a tuplestore or a copy of the tuple in between.
#pragma once

#include "fetch/reading.h"

namespace pg_tree::fetch {

/// Runs a plan in the active snapshot and appends every row to the reading's table. Needs SPI. `argument` is the plan's only
/// argument, if it has one. A server frame.
void fetch_rows(Reading& reading, const Plan& plan, Datum argument = 0);

}  // namespace pg_tree::fetch
