// Rows from a finished reading.
#pragma once

#include "core/measures.h"
#include "scan/rows.h"

namespace pg_tree::scan {

/// Which of a reading's rows a call puts out, and what it says of them.
struct TableWalk {
    const fetch::Reading* below = nullptr;
    const core::Walk* walk = nullptr;  ///< of `below`
    std::size_t first = 0;             ///< where in the walk the call begins
    std::size_t most = SIZE_MAX;
    fetch::KeyForm form = fetch::KeyForm::bigint;
    bool only_leaves = false;
    const core::Row* except = nullptr;  ///< left out, by its key

    /// A row that comes before all others, at the level above them; of `above`.
    const core::Row* start = nullptr;
    const fetch::Reading* above = nullptr;

    bool has_depth = false;
    std::int32_t depth_base = 0;  ///< depth of what the walk has at level 0
    /// For tree_walk: the way up from the node that the walk starts at, in `above`, and what the whole walk says of each node (null where
    /// nobody wants to know).
    const fetch::Chain* chain = nullptr;
    const core::Measures* measures = nullptr;
};

/// Every row of a walk of a reading.
inline TableWalk walk_of(const fetch::Reading& reading, const core::Walk* walk, fetch::KeyForm form) {
    TableWalk result;
    result.below = &reading;
    result.walk = walk;
    result.form = form;
    return result;
}

Rows* walk_table(const TableWalk& walk, const Wanted& wanted);

}  // namespace pg_tree::scan
