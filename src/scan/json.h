#pragma once

#include "scan/source.h"

namespace pg_tree::scan {

/// {"id": ..., "code": ..., "name": ..., "children": [...]}, nested: the source's start and all its nodes. Integer keys asked for as
/// bigint are numbers, all others strings.
template <class Source>
text* write_json(Source& source);

extern template text* write_json(TableSource&);
extern template text* write_json(ImageSource&);

}  // namespace pg_tree::scan
