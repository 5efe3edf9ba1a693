// The triggers that carry registrations, and the event trigger that keeps them right while columns are renamed.

#include "pg/function.h"
#include "registry/register.h"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
}

namespace pg_tree::track {

/// The trigger function that a registration is made of. What it is there for is its arguments; nothing is cached yet, so no
/// change needs to be noted when it fires.
PG_TREE_FUNCTION(tree_track) {
    if (!CALLED_AS_TRIGGER(fcinfo)) {
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("tree_track can only be called by a trigger"), errhint("Use tree_register()."));
    }
    return PointerGetDatum(nullptr);
}

/// After ALTER TABLE (VIEW, FOREIGN TABLE) ... RENAME COLUMN: registrations on the relation and on whatever inherits the
/// column name the column by its new name.
PG_TREE_FUNCTION(tree_follow_rename) {
    if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("tree_follow_rename can only be called by an event trigger"));
    }
    const Node* statement = reinterpret_cast<EventTriggerData*>(fcinfo->context)->parsetree;
    if (statement == nullptr || !IsA(statement, RenameStmt)) {
        return Datum{0};
    }
    const auto* rename = reinterpret_cast<const RenameStmt*>(statement);
    if (rename->renameType != OBJECT_COLUMN || rename->relation == nullptr) {
        return Datum{0};
    }
    // Not the column but the table may have been renamed since by a trigger of someone else's; then there is nothing to find.
    const Oid relation = RangeVarGetRelid(rename->relation, NoLock, true);
    if (!OidIsValid(relation)) {
        return Datum{0};
    }
    List* relations = find_all_inheritors(relation, NoLock, nullptr);
    ListCell* cell;
    foreach (cell, relations) {
        registry::follow_column_rename(fcinfo->flinfo->fn_oid, lfirst_oid(cell), rename->subname, rename->newname);
    }
    return Datum{0};
}

}  // namespace pg_tree::track
