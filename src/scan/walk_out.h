// The rows of tree_walk: everything that can be said of a node.
#pragma once

#include "scan/source.h"

namespace pg_tree::scan {

/// Columns of tree_walk.
namespace walk_column {
enum Column {
    id,
    code,
    name,
    parent_id,
    depth,
    distance,
    rank,
    children,
    descendants,
    is_leaf,
    is_cycle,
    root_id,
    path,
    columns
};
}  // namespace walk_column

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

/// The same from an image; `start` is in the tree.
void put_image_walk(RowsOut& out, const cache::ImageReader& reader, core::Rank start, const WalkRequest& request);

}  // namespace pg_tree::scan
