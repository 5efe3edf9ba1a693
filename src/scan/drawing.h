#pragma once

#include "scan/source.h"

namespace pg_tree::scan {

/// One line a node: the start's name, then its descendants' behind branches. Box-drawing characters in a UTF-8 database, ASCII
/// elsewhere. Below 40 levels the branches give way to the level's number in brackets: a drawing of a long chain would
/// otherwise grow with its square.
template <class Source>
void draw(RowsOut& out, Source& source);

extern template void draw(RowsOut&, TableSource&);
extern template void draw(RowsOut&, ImageSource&);

}  // namespace pg_tree::scan
