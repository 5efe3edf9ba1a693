// Which tree is meant, and its definition, kept for the session.
#pragma once

#include "registry/tree.h"

namespace pg_tree::registry {

/// What other rooms keep per tree and session. Freed with the definition.
struct Attachment {
    void* data;
    void (*free)(void* data);
};
enum class Room : int { fetch, cache, stats, count };

/// A definition in use. It stays valid until the memory context it was taken for is reset, whatever DDL comes in between.
/// The relation is locked with AccessShareLock until the end of the transaction.
struct TreeUse {
    const Tree* tree;
    Attachment* attachments;  ///< one for each Room

    Attachment& attachment(Room room) const { return attachments[static_cast<int>(room)]; }
};

/// Resolves a tree's name like a relation's: `tree`, `schema.tree`, quoted where needed; null means
/// pg_tree.default_tree, else the only tree on the search path that the caller may read. Errors name the candidates.
/// `calling_function` is the SQL function that asks; the use ends when `context` does.
TreeUse use_tree(Oid calling_function, const char* name, MemoryContext context);

/// The tree of a row type. `name` chooses when the table carries several.
TreeUse use_tree_of_row_type(Oid calling_function, Oid row_type, const char* name, MemoryContext context);

/// The tree that this trigger carries, for those who know it from shared memory. An error when it is gone.
TreeUse use_tree_of_trigger(Oid calling_function, Oid trigger, MemoryContext context);

/// Under what a name was resolved. As long as none of that changes it means the same, and so does the definition.
struct NameMemo {
    std::uint64_t invalidations;
    Oid user;
    const char* search_path;
    const char* default_tree;
};
/// Strings are copied to `context`.
void remember_names(NameMemo& memo, MemoryContext context);
/// Processes no invalidations: it is for calls of one statement.
bool names_still_mean(const NameMemo& memo);

/// For the planner, who must not raise an error where running the query would not: does use_tree(), or with a row type
/// use_tree_of_row_type(), find a tree that the caller may read something of? Whoever asks goes on to call it.
bool knows_tree(Oid calling_function, Oid row_type, const char* name);

/// Splits a tree's name as users write it. `schema` is null when none was given.
struct TreeName {
    const char* schema;
    const char* tree;
};
TreeName parse_tree_name(const char* text);

/// The registration that a name means, in memory that lasts until names are looked up again.
const Registration& find_registration(Oid calling_function, const char* name);

/// Called once from _PG_init: the setting pg_tree.default_tree and the invalidation callbacks.
void start();

}  // namespace pg_tree::registry
