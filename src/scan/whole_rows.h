// Whole rows in a tree's order: the order from an image, the rows from the table.
//
// An image holds what the tree is made of, and is out of date only when that changes; the other columns are read each time, as the
// calling user, in the same snapshot.
#pragma once

#include "scan/source.h"

namespace pg_tree::scan {

/// The nodes of a source as node (a whole row), level, rank. False, before anything came out: the image does not say enough to find
/// the rows.
bool put_rows_of(RowsOut& out, const registry::TreeUse& use, const cache::ImageReader& reader, ImageSource& source);

}  // namespace pg_tree::scan
