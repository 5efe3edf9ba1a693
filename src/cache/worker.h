// Building in the background: one launcher, connected to no database, and one builder at a time, connected to the database whose trees
// are wanted.
#pragma once

#include "pg/server.h"

namespace pg_tree::cache {

/// Asks for the trees that are marked as wanted. Takes no lock and raises nothing.
void wake_worker();

/// Process id of the launcher, or 0.
int worker_pid();

// Shared memory. Called by the room's shared.cpp.
std::size_t worker_bytes();
void attach_worker(void* place, bool initialize);

/// pg_tree.prewarm, and the launcher itself. Called once from _PG_init, while the server starts.
void define_worker_settings();
void register_worker();

}  // namespace pg_tree::cache
