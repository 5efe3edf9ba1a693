// A registration as the table's triggers carry it.
//
// Each tree is one row trigger (on a view: one statement trigger) that calls tree_track with arguments of the form
// 'key=value'; beside it, one argument-less TRUNCATE trigger serves all trees of a table. There is no other record:
// pg_dump, restore, renames of the table and DROP TABLE carry a registration along because they carry triggers along.
#pragma once

#include "pg/server.h"

namespace pg_tree::registry {

/// Strings are null when absent. They live where the registration was read.
struct Registration {
    Oid relation;
    Oid schema;
    const char* relation_name;
    const char* tree;       ///< effective name: given, or the relation's
    bool follows_relation;  ///< no name was given: the tree is called what the relation is called
    const char* trigger;    ///< name of the trigger that carries it
    Oid trigger_oid;
    bool tracked;    ///< its triggers are all there and fire ALWAYS, on partitions too
    const char* id;  ///< column names, not quoted
    const char* parent;
    const char* code;
    const char* name;      ///< expression, in canonical form
    const char* order_by;  ///< list of sort expressions, in canonical form
    const char* filter;    ///< boolean expression, in canonical form
};

/// The trigger function tree_track of the extension that `calling_function` belongs to.
Oid track_function(Oid calling_function);

/// The same, for those whom nobody called: of the extension as it is installed in this database; InvalidOid if it is not.
Oid installed_track_function();

/// Is there a trigger with this OID?
bool trigger_exists(Oid trigger);

/// Every registration in this database, as of now. Allocated in the current context.
std::span<Registration> read_registrations(Oid track_function);

/// The registrations of one relation.
std::span<Registration> read_registrations_of(Oid track_function, Oid relation);

/// Every trigger that runs tree_track but for partitions' copies, whether it makes sense or not, ordered by table.
struct TriggerName {
    Oid relation;
    const char* name;
};
std::span<TriggerName> read_trigger_names(Oid track_function);

/// A registration's arguments may take this many bytes; one that takes more is not listed.
inline constexpr std::size_t max_argument_bytes = 16 * 1024;

/// The TRUNCATE trigger that serves all trees of the relation. `name` is null when there is none.
struct TruncateTrigger {
    const char* name;
    bool always;
};
TruncateTrigger find_truncate_trigger(Oid track_function, Oid relation);

/// Calls change(registration, argument) for every trigger of the relation that carries one, a partition's copies of its
/// parent's included, and stores what was changed when it returns true.
void rewrite_registrations(Oid track_function, Oid relation, bool (*change)(Registration&, void*), void* argument);

/// The argument list for CREATE TRIGGER ... EXECUTE FUNCTION f(...): 'id=id', 'parent=parent_id', ...
char* trigger_arguments(const Registration& registration);

/// The same arguments one by one, as the server hands them to a trigger. Returns how many.
int list_arguments(const Registration& registration, char*** arguments);

/// A copy in the current context, for those who keep one while anything can happen.
Registration copy_registration(const Registration& registration);

/// `schema.tree`, quoted where needed, for messages and for handing back as a tree's name.
char* qualified_tree_name(const Registration& registration);

/// `schema.relation`, quoted where needed, for a statement.
char* relation_sql(Oid relation);

inline bool same_text(const char* a, const char* b) {
    return a == nullptr || b == nullptr ? a == b : strcmp(a, b) == 0;
}

}  // namespace pg_tree::registry
