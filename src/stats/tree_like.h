// Which tables are trees, or could be.
#pragma once

#include "pg/server.h"

namespace pg_tree::stats {

/// What a session remembers of a relation until its definition changes.
struct KnownRelation {
    Oid relation;
    Oid parent;      ///< what it is a partition of, or inherits from; of several the first; invalid: nothing
    bool tree_like;  ///< it is registered as a tree, or could be
};

/// A relation could be registered when it is a table, foreign table or materialized view and
/// - a foreign key of one column refers to another column of the table itself, or
/// - a column is unique by itself, and another of the same type is called parent, parent_id, parentid, parent_fk, parent_key, parent_code,
///   parent_uuid or id_parent, in whatever case, or ends in one of these after an underscore. Where a column is called after a child
///   in the same way, it has to be the unique one: else the table holds a graph's edges.
/// Temporary tables and the server's own are never counted as trees.
///
/// The relation is one that the running statement has locked. Raises no error for one that is gone. A server frame.
KnownRelation know_relation(Oid relation);

/// Called once from _PG_init: the invalidation callback.
void watch_relations();

}  // namespace pg_tree::stats
