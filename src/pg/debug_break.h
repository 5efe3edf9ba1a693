// Rules of the cache left out on purpose, for the tests that prove that each is needed. Compiled to nothing unless the extension
// is built with PG_TREE_DEBUG=1, where pg_tree.debug_break takes a list of the names below.
#pragma once

#include "pg/server.h"

namespace pg_tree::pg {

enum class Rule : unsigned {
    same_writers,     ///< an image answers whatever was written since
    known_to_watch,   ///< snapshots from before the watch are served and built from
    seal_running,     ///< what runs while a watch is sealed does not count as a writer
    own_change,       ///< the reader's own noted change is ignored
    pending,          ///< the reader's own changes whose triggers have not fired yet are ignored
    ground,           ///< the image's ground is not compared
    triggers,         ///< missing and disabled triggers are not noticed
    ddl,              ///< DDL is not noted
    recovery,         ///< SERIALIZABLE, and snapshots taken during recovery, are served
    own_xid,          ///< the builder's own transaction is not added to its snapshot's list
    note_subxact,     ///< the subtransaction is noted instead of the top one
    type_equality,    ///< tracked columns are compared by their type's equality
    statement_count,  ///< an image answers as long as no note was made since it was built
    memo_pointer,     ///< a checked snapshot is remembered by its address
    read_write,       ///< a build reads with a newer snapshot than it says
    count
};

/// Where a session can be made to wait (tree_debug_wait_at).
enum class WaitPoint : unsigned { none, build_read, build_publish, seal, note, serve, count };

#ifdef PG_TREE_DEBUG
extern unsigned broken_rules;
inline bool broken(Rule rule) { return (broken_rules & (1U << static_cast<unsigned>(rule))) != 0; }
/// Waits, once, for the advisory lock (20191, number of the point) if the session was told to. A server frame.
void wait_point(WaitPoint point);
void define_debug_settings();
#else
constexpr bool broken(Rule) { return false; }
inline void wait_point(WaitPoint) {}
inline void define_debug_settings() {}
#endif

}  // namespace pg_tree::pg
