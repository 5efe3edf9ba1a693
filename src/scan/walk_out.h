// The rows of tree_walk: everything that can be said of a node.
#pragma once

#include "scan/rows_out.h"

namespace pg_tree::scan {

struct WalkRequest {
    bool breadth_first;
    bool include_start;
    std::int32_t max_distance;  ///< of what comes out; core::unlimited for all
    fetch::KeyForm form;
};

/// `above` holds the start's chain, read with Content::nodes; `below` its descendants, linked and arranged to all depths. The two
/// share their keys.
void put_walk(RowsOut& out, const fetch::Reading& above, const fetch::Chain& chain, const fetch::Reading& below,
              const WalkRequest& request);

}  // namespace pg_tree::scan
