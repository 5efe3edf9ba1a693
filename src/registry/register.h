// Registering, unregistering, and keeping a registration right while its table changes.
#pragma once

#include "registry/registration.h"

namespace pg_tree::registry {

/// What the user asked for; null where it is left to us.
struct Request {
    Oid relation;
    const char* tree;
    const char* id;
    const char* parent;
    const char* code;
    const char* name;
    const char* order_by;
    const char* filter;
};

/// Registers the table, replaces an earlier registration of the same tree, or does nothing when it is the same already.
/// Returns the tree's name as it can be written in a call. Locks the table against writers until the transaction ends.
char* register_tree(Oid calling_function, const Request& request);

void unregister_tree(Oid calling_function, const char* name);

/// Returns how many trees were unregistered.
int unregister_all_trees(Oid calling_function);

/// After ALTER TABLE ... RENAME COLUMN: registrations that speak of the column speak of it by its new name.
void follow_column_rename(Oid calling_function, Oid relation, const char* old_name, const char* new_name);

/// CREATE FUNCTION of a wrapper with the tree's exact types.
char* wrapper_sql(Oid calling_function, const char* name);

}  // namespace pg_tree::registry
