#include "stats/slow.h"

namespace pg_tree::stats {

namespace {

/// `round` is twice the number of the call noted here, plus 2, or an odd number while it is being written; 0: none.
struct Place {
    pg_atomic_uint64 round;
    SlowCall call;
};

struct Ring {
    pg_atomic_uint64 next;
    pg_atomic_uint64 first;  ///< calls before this one are forgotten
    pg_atomic_uint64 dropped;
    Place places[slow_calls_kept];
};
Ring* ring = nullptr;

std::uint64_t round_of(std::uint64_t number) { return 2 * number + 2; }

}  // namespace

std::size_t slow_bytes() { return sizeof(Ring); }

void attach_slow(void* place, bool initialize) {
    ring = static_cast<Ring*>(place);
    if (!initialize) {
        return;
    }
    memset(place, 0, sizeof(Ring));
    for (pg_atomic_uint64* counter : {&ring->next, &ring->first, &ring->dropped}) {
        pg_atomic_init_u64(counter, 0);
    }
    for (Place& each : ring->places) {
        pg_atomic_init_u64(&each.round, 0);
    }
}

void note_slow(const SlowCall& call) {
    const std::uint64_t number = pg_atomic_fetch_add_u64(&ring->next, 1);
    Place& place = ring->places[number % slow_calls_kept];
    uint64 before = pg_atomic_read_u64(&place.round);
    if (before % 2 != 0 || before > round_of(number) ||
        !pg_atomic_compare_exchange_u64(&place.round, &before, round_of(number) - 1)) {
        pg_atomic_fetch_add_u64(&ring->dropped, 1);
        return;
    }
    place.call = call;
    pg_write_barrier();
    pg_atomic_write_u64(&place.round, round_of(number));
}

std::uint64_t slow_calls_noted() { return ring == nullptr ? 0 : pg_atomic_read_u64(&ring->next); }

bool read_slow(std::uint64_t number, SlowCall& call) {
    if (number < pg_atomic_read_u64(&ring->first)) {
        return false;
    }
    Place& place = ring->places[number % slow_calls_kept];
    if (pg_atomic_read_u64(&place.round) != round_of(number)) {
        return false;
    }
    pg_read_barrier();
    call = place.call;
    pg_read_barrier();
    call.tree[sizeof call.tree - 1] = call.root[sizeof call.root - 1] = call.query[sizeof call.query - 1] = '\0';
    return pg_atomic_read_u64(&place.round) == round_of(number) && OidIsValid(call.database);
}

void forget_slow_of(Oid database) {
    for (Place& place : ring->places) {
        uint64 round = pg_atomic_read_u64(&place.round);
        // As if it were written anew.
        if (round != 0 && round % 2 == 0 && place.call.database == database &&
            pg_atomic_compare_exchange_u64(&place.round, &round, round - 1)) {
            place.call.database = InvalidOid;
            pg_write_barrier();
            pg_atomic_write_u64(&place.round, round);
        }
    }
}

void forget_slow() {
    pg_atomic_write_u64(&ring->first, pg_atomic_read_u64(&ring->next));
    pg_atomic_write_u64(&ring->dropped, 0);
}

std::uint64_t dropped_slow() { return ring == nullptr ? 0 : pg_atomic_read_u64(&ring->dropped); }

void save_slow(StringInfo out) {
    // From the oldest on, as they are to be noted again.
    auto* call = static_cast<SlowCall*>(palloc(sizeof(SlowCall)));
    const std::uint64_t end = slow_calls_noted();
    for (std::uint64_t number = end - std::min<std::uint64_t>(end, slow_calls_kept); number < end; ++number) {
        if (read_slow(number, *call)) {
            appendBinaryStringInfo(out, reinterpret_cast<const char*>(call), sizeof *call);
        }
    }
    pfree(call);
}

bool restore_slow(const char* data, std::size_t size) {
    if (size % sizeof(SlowCall) != 0 || size / sizeof(SlowCall) > slow_calls_kept) {
        return false;
    }
    for (; size > 0; data += sizeof(SlowCall), size -= sizeof(SlowCall)) {
        auto* call = static_cast<SlowCall*>(palloc(sizeof(SlowCall)));
        memcpy(call, data, sizeof *call);
        const auto function = static_cast<unsigned>(call->function);
        const auto source = static_cast<unsigned>(call->source);
        if (function < function_count && source <= static_cast<unsigned>(Source::bypass)) {
            note_slow(*call);
        }
        pfree(call);
    }
    return true;
}

}  // namespace pg_tree::stats
