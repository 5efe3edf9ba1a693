// Blocks in shared memory that many sessions read and nobody changes: allocated once, pinned by whoever reads them, freed when they
// are unlinked and the last pin has gone.
//
// A block is known by a *ticket*: the slot it has and that slot's generation. Slots are never freed, so a ticket that has
// grown old is noticed, and pinning takes one compare-and-swap and no lock. A pin belongs to a resource owner: it goes when the query, portal
// or subtransaction does that took it, in the middle of an error too; when a session ends, whatever it still holds goes.
#pragma once

#include "pg/server.h"

extern "C" {
#include "utils/resowner.h"
}

namespace pg_tree::cache {

/// 0 is no block.
using Ticket = std::uint64_t;

// Shared memory. Called by the room's shared.cpp.
std::size_t area_bytes(std::size_t cache_bytes);
void attach_area(void* place, bool initialize, std::size_t cache_bytes);

/// A new block, pinned for `owner` and not linked: it goes with its last pin unless link() is called. Null: there is no room.
/// Raises no error for want of room.
std::byte* allocate_block(std::size_t bytes, ResourceOwner owner, Ticket& ticket);

/// From now on the block outlives its pins. Takes no lock and raises nothing: it may be called under one.
void link_block(Ticket ticket);
/// The block goes when nobody has it pinned, at the latest. Nothing happens when the ticket is old. Takes the area's lock only.
void unlink_block(Ticket ticket);

/// The block, or null when it has gone. Counts as one use of it.
const std::byte* pin_block(Ticket ticket, ResourceOwner owner);
void unpin_block(Ticket ticket, ResourceOwner owner);

/// For choosing what to evict. 0 for a block that has gone.
std::size_t block_bytes(Ticket ticket);
/// Uses since the last halving.
std::uint32_t block_uses(Ticket ticket);
void halve_block_uses();

/// Bytes of all blocks there are, also of those that wait for their last pin.
std::size_t bytes_in_use();
std::size_t bytes_limit();

/// Called once from _PG_init.
void watch_resource_owners();

}  // namespace pg_tree::cache
