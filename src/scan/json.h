#pragma once

#include "scan/rows_out.h"

namespace pg_tree::scan {

/// {"id": ..., "code": ..., "name": ..., "children": [...]}, nested. `self` belongs to `above`; the walk over `below` is in
/// pre-order. Integer keys asked for as bigint are numbers, all others strings.
text* write_json(const fetch::Reading& above, const core::Row& self, const fetch::Reading& below,
                 const core::Walk& walk, fetch::KeyForm form);

}  // namespace pg_tree::scan
