// Whole rows in a tree's order: the order from an image, the rows from the table.
//
// An image holds what the tree is made of, and is out of date only when that changes; the other columns are read each time, as the
// calling user, in the same snapshot.
#pragma once

#include "scan/image_rows.h"

namespace pg_tree::scan {

/// Columns node, level and rank of the nodes of a walk in pre-order. False: the image does not say enough to find the rows.
bool walk_whole_rows(const cache::ImageReader& reader, const registry::TreeUse& use, const ImageWalk& walk,
                     const Wanted& wanted, Rows*& rows);

}  // namespace pg_tree::scan
