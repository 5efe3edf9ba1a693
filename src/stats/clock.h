// What time it is for history and alerts.
#pragma once

#include "pg/server.h"

extern "C" {
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
}

namespace pg_tree::stats {

/// GetCurrentTimestamp(), which debug builds can put forward for all sessions.
TimestampTz now();

std::size_t clock_bytes();
void attach_clock(void* place, bool initialize);
/// How far it was put forward: time does not go back when the server starts again.
void save_clock(StringInfo out);
bool restore_clock(const char* data, std::size_t size);

}  // namespace pg_tree::stats
