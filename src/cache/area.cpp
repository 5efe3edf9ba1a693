#include "cache/area.h"

extern "C" {
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "utils/dsa.h"
}

namespace pg_tree::cache {

namespace {

// A slot's state, in one word for compare-and-swap: generation (32 bits), used, linked, pins (30 bits).
constexpr std::uint64_t pins_mask = (std::uint64_t{1} << 30) - 1;
constexpr std::uint64_t linked_bit = std::uint64_t{1} << 30;
constexpr std::uint64_t used_bit = std::uint64_t{1} << 31;
constexpr int generation_shift = 32;

constexpr int max_blocks = 1024;

struct alignas(64) Slot {
    pg_atomic_uint64 state;
    dsa_pointer block;  ///< written while nobody but its maker has the ticket
    std::size_t bytes;
    pg_atomic_uint32 uses;
};

struct Control {
    std::size_t limit;
    pg_atomic_uint64 in_use;
    pg_atomic_uint32 next_slot;  ///< where to begin looking for a free one
    Slot slots[max_blocks];
    // the area follows
};

Control* control = nullptr;
dsa_area* area = nullptr;  ///< this process's handle, made when it is first needed

struct Pin {
    Ticket ticket;
    ResourceOwner owner;
};
/// This process's pins, the latest last. A handful at most: one for each open call.
struct Pins {
    Pin* items;
    int count;
    int capacity;
};
Pins pins = {};

std::uint64_t generation_of(std::uint64_t word) { return word >> generation_shift; }
std::uint64_t slot_of(Ticket ticket) { return (ticket & UINT32_MAX) - 1; }
Ticket make_ticket(std::uint64_t slot, std::uint64_t state) {
    return (generation_of(state) << generation_shift) | (slot + 1);
}

void* area_place() { return reinterpret_cast<char*>(control) + TYPEALIGN(4096, sizeof(Control)); }

void release_everything(int, Datum) {
    while (pins.count > 0) {
        unpin_block(pins.items[pins.count - 1].ticket, pins.items[pins.count - 1].owner);
    }
}

void attach() {
    if (area != nullptr) {
        return;
    }
    const MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
    area = dsa_attach_in_place(area_place(), nullptr);
    MemoryContextSwitchTo(caller);
    on_shmem_exit(dsa_on_shmem_exit_release_in_place, PointerGetDatum(area_place()));
    on_shmem_exit(release_everything, 0);  // comes first: the last one registered does
}

/// Makes sure that the next pin can be written down without an error.
void make_room_for_pin() {
    attach();
    if (pins.count == pins.capacity) {
        const int capacity = std::max(16, pins.capacity * 2);
        const std::size_t bytes = static_cast<std::size_t>(capacity) * sizeof(Pin);
        pins.items = static_cast<Pin*>(pins.items == nullptr ? MemoryContextAlloc(TopMemoryContext, bytes)
                                                             : repalloc(pins.items, bytes));
        pins.capacity = capacity;
    }
}

/// After a state without pins or link was written: gives the block back. Whoever moves the slot to its next generation does.
void free_if_unused(Slot& slot, std::uint64_t state) {
    if ((state & (pins_mask | linked_bit)) != 0 || (state & used_bit) == 0) {
        return;
    }
    const dsa_pointer block = slot.block;
    const std::size_t bytes = slot.bytes;
    // Still `used`, so nobody else takes the slot; a next generation, so no ticket fits any more.
    const std::uint64_t next = ((generation_of(state) + 1) << generation_shift) | used_bit;
    if (!pg_atomic_compare_exchange_u64(&slot.state, &state, next)) {
        return;  // pinned or freed by somebody else meanwhile
    }
    attach();
    dsa_free(area, block);
    pg_atomic_sub_fetch_u64(&control->in_use, static_cast<int64>(bytes));
    pg_atomic_write_u64(&slot.state, next & ~used_bit);
}

void release_pins_of(ResourceReleasePhase phase, bool, bool, void*) {
    if (phase != RESOURCE_RELEASE_BEFORE_LOCKS) {
        return;
    }
    for (int i = pins.count; i-- > 0;) {
        if (pins.items[i].owner == CurrentResourceOwner) {
            unpin_block(pins.items[i].ticket, pins.items[i].owner);
        }
    }
}

}  // namespace

std::size_t area_bytes(std::size_t cache_bytes) { return TYPEALIGN(4096, sizeof(Control)) + cache_bytes; }

void attach_area(void* place, bool initialize, std::size_t cache_bytes) {
    control = static_cast<Control*>(place);
    if (!initialize) {
        return;
    }
    memset(place, 0, sizeof(Control));
    control->limit = cache_bytes;
    pg_atomic_init_u64(&control->in_use, 0);
    pg_atomic_init_u32(&control->next_slot, 0);
    for (Slot& slot : control->slots) {
        pg_atomic_init_u64(&slot.state, std::uint64_t{1} << generation_shift);
        pg_atomic_init_u32(&slot.uses, 0);
    }
    // Only the memory reserved at start is used: no segments beyond it.
    const int tranche = LWLockNewTrancheId();
    LWLockRegisterTranche(tranche, "PgTreeArea");
    dsa_area* created = dsa_create_in_place(area_place(), cache_bytes, tranche, nullptr);
    dsa_pin(created);
    dsa_set_size_limit(created, cache_bytes);
    dsa_detach(created);
}

std::byte* allocate_block(std::size_t bytes, ResourceOwner owner, Ticket& ticket) {
    make_room_for_pin();
    const std::uint32_t first = pg_atomic_read_u32(&control->next_slot);
    for (std::uint32_t i = 0; i < max_blocks; ++i) {
        const std::uint32_t number = (first + i) % max_blocks;
        Slot& slot = control->slots[number];
        std::uint64_t state = pg_atomic_read_u64(&slot.state);
        if ((state & used_bit) != 0 || !pg_atomic_compare_exchange_u64(&slot.state, &state, state | used_bit)) {
            continue;
        }
        const dsa_pointer block = dsa_allocate_extended(area, bytes, DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM);
        if (!DsaPointerIsValid(block)) {
            pg_atomic_write_u64(&slot.state, state);
            return nullptr;
        }
        slot.block = block;
        slot.bytes = bytes;
        pg_atomic_write_u32(&slot.uses, 0);
        pg_atomic_write_u32(&control->next_slot, number + 1);
        pg_atomic_add_fetch_u64(&control->in_use, static_cast<int64>(bytes));
        pg_write_barrier();
        pg_atomic_write_u64(&slot.state, state | used_bit | 1);
        ticket = make_ticket(number, state);
        pins.items[pins.count++] = {ticket, owner};
        return static_cast<std::byte*>(dsa_get_address(area, block));
    }
    return nullptr;
}

void link_block(Ticket ticket) { pg_atomic_fetch_or_u64(&control->slots[slot_of(ticket)].state, linked_bit); }

void unlink_block(Ticket ticket) {
    if (ticket == 0) {
        return;
    }
    Slot& slot = control->slots[slot_of(ticket)];
    std::uint64_t state = pg_atomic_read_u64(&slot.state);
    while (generation_of(state) == generation_of(ticket) && (state & linked_bit) != 0) {
        if (pg_atomic_compare_exchange_u64(&slot.state, &state, state & ~linked_bit)) {
            free_if_unused(slot, state & ~linked_bit);
            return;
        }
    }
}

const std::byte* pin_block(Ticket ticket, ResourceOwner owner) {
    if (ticket == 0) {
        return nullptr;
    }
    make_room_for_pin();
    Slot& slot = control->slots[slot_of(ticket)];
    std::uint64_t state = pg_atomic_read_u64(&slot.state);
    do {
        if (generation_of(state) != generation_of(ticket) || (state & linked_bit) == 0) {
            return nullptr;
        }
    } while (!pg_atomic_compare_exchange_u64(&slot.state, &state, state + 1));
    pins.items[pins.count++] = {ticket, owner};
    pg_atomic_fetch_add_u32(&slot.uses, 1);
    return static_cast<const std::byte*>(dsa_get_address(area, slot.block));
}

void unpin_block(Ticket ticket, ResourceOwner owner) {
    for (int i = pins.count; i-- > 0;) {
        if (pins.items[i].ticket == ticket && pins.items[i].owner == owner) {
            pins.items[i] = pins.items[--pins.count];
            Slot& slot = control->slots[slot_of(ticket)];
            free_if_unused(slot, pg_atomic_sub_fetch_u64(&slot.state, 1));
            return;
        }
    }
}

std::size_t block_bytes(Ticket ticket) {
    if (ticket == 0) {
        return 0;
    }
    const Slot& slot = control->slots[slot_of(ticket)];
    const std::uint64_t state = pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&slot.state));
    return generation_of(state) == generation_of(ticket) ? slot.bytes : 0;
}

std::uint32_t block_uses(Ticket ticket) {
    return ticket == 0 ? 0 : pg_atomic_read_u32(&control->slots[slot_of(ticket)].uses);
}

void halve_block_uses() {
    for (Slot& slot : control->slots) {
        // A use that is counted between the two is lost, which matters to nobody.
        pg_atomic_write_u32(&slot.uses, pg_atomic_read_u32(&slot.uses) / 2);
    }
}

std::size_t bytes_in_use() { return control == nullptr ? 0 : pg_atomic_read_u64(&control->in_use); }
std::size_t bytes_limit() { return control == nullptr ? 0 : control->limit; }

void watch_resource_owners() { RegisterResourceReleaseCallback(release_pins_of, nullptr); }

}  // namespace pg_tree::cache
