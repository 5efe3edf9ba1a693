// Who may see which statistics.
#pragma once

#include "pg/server.h"

namespace pg_tree::stats {

/// Is the current user a member of pg_read_all_stats?
bool sees_everything();

/// May the current user know of this table's trees? A member of pg_read_all_stats of every one, others of those in this database that they may
/// read something of.
bool may_see(Oid database, Oid relation);

/// A copy in the current context, in this database's encoding, of text that was written in the other one's and may have been cut in the middle of a
/// character. What cannot be told is '?'. A server frame.
char* readable(const char* text, std::size_t most, Oid database);

}  // namespace pg_tree::stats
