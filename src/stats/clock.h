// What time it is for history and alerts.
#pragma once

#include "pg/server.h"

extern "C" {
#include "datatype/timestamp.h"
}

namespace pg_tree::stats {

/// GetCurrentTimestamp(), which debug builds can put forward for all sessions.
TimestampTz now();

std::size_t clock_bytes();
void attach_clock(void* place, bool initialize);

}  // namespace pg_tree::stats
