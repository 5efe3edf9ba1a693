// Faults on demand, for the tests that prove that errors cross the border as promised. Compiled to nothing unless the
// extension is built with PG_TREE_DEBUG=1.
#pragma once

#include "pg/server.h"

namespace pg_tree::pg {

/// Where a fault can be injected. The stages of one read, in their order, then every allocation of C++ memory.
enum class Fault : int { resolve, fetch, receive, assemble, sort, walk, emit, allocation, count };

#ifdef PG_TREE_DEBUG
/// Raises the armed fault (see tree_debug_arm) when its count-down for this stage ends. In a C++ frame a server error is
/// raised through call_server.
void fault_point(Fault stage);
/// The same for server frames, where only a server error or a cancel makes sense.
void server_fault_point(Fault stage);
#else
inline void fault_point(Fault) {}
inline void server_fault_point(Fault) {}
#endif

}  // namespace pg_tree::pg
