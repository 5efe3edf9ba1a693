#include "stats/clock.h"

#include "pg/function.h"

extern "C" {
#include "port/atomics.h"
#include "utils/timestamp.h"
}

namespace pg_tree::stats {

namespace {
pg_atomic_uint64* put_forward = nullptr;  ///< microseconds
}

std::size_t clock_bytes() { return sizeof(pg_atomic_uint64); }

void attach_clock(void* place, bool initialize) {
    put_forward = static_cast<pg_atomic_uint64*>(place);
    if (initialize) {
        pg_atomic_init_u64(put_forward, 0);
    }
}

void save_clock(StringInfo out) {
    const uint64 microseconds = pg_atomic_read_u64(put_forward);
    appendBinaryStringInfo(out, reinterpret_cast<const char*>(&microseconds), sizeof microseconds);
}

bool restore_clock(const char* data, std::size_t size) {
    uint64 microseconds;
    if (size != sizeof microseconds) {
        return false;
    }
    memcpy(&microseconds, data, sizeof microseconds);
    pg_atomic_write_u64(put_forward, microseconds);
    return true;
}

TimestampTz now() {
#ifdef PG_TREE_DEBUG
    if (put_forward != nullptr) {
        return GetCurrentTimestamp() + static_cast<TimestampTz>(pg_atomic_read_u64(put_forward));
    }
#endif
    return GetCurrentTimestamp();
}

}  // namespace pg_tree::stats

#ifdef PG_TREE_DEBUG
/// tree_debug_put_clock_forward(microseconds bigint) RETURNS timestamptz
PG_TREE_FUNCTION(tree_debug_put_clock_forward) {
    using namespace pg_tree::stats;
    pg_atomic_fetch_add_u64(put_forward, PG_GETARG_INT64(0));
    PG_RETURN_TIMESTAMPTZ(now());
}
#endif
