// Shared memory for the cache, reserved when the server starts with pg_tree among its shared_preload_libraries.
#pragma once

namespace pg_tree::cache {

/// Defines pg_tree.cache_size and, while the server starts, asks for shared memory and the background worker. Called once from _PG_init.
void reserve_shared_memory();

}  // namespace pg_tree::cache
