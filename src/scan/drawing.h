#pragma once

#include "scan/rows_out.h"

namespace pg_tree::scan {

/// One line a node: the root's name, then its descendants' behind branches. Box-drawing characters in a UTF-8 database, ASCII
/// elsewhere. Below 40 levels the branches give way to the level's number in brackets: a drawing of a long chain would
/// otherwise grow with its square.
void draw(RowsOut& out, const fetch::Reading& above, const core::Row& self, const fetch::Reading& below,
          const core::Walk& walk);

}  // namespace pg_tree::scan
