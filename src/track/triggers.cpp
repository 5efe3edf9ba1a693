// The triggers that carry registrations, and the event trigger that keeps them right while columns are renamed.

#include "pg/function.h"
#include "registry/register.h"
#include "track/note.h"

extern "C" {
#include "access/genam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
}

namespace pg_tree::track {

/// The trigger function that a registration is made of: the registration is its arguments, and what it does is to note who changes the
/// tree.
PG_TREE_FUNCTION(tree_track) {
    if (!CALLED_AS_TRIGGER(fcinfo)) {
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("tree_track can only be called by a trigger"), errhint("Use tree_register()."));
    }
    const auto& event = *reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (!TRIGGER_FIRED_AFTER(event.tg_event)) {
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("tree_track must be called AFTER the change"), errhint("Use tree_register()."));
    }
    if (TRIGGER_FIRED_FOR_ROW(event.tg_event)) {
        note_row_change(fcinfo, event);
    } else if (TRIGGER_FIRED_BY_TRUNCATE(event.tg_event)) {
        note_truncate(event);
    }
    return PointerGetDatum(nullptr);
}

namespace {

/// The tables of a composite type (CREATE TABLE ... OF type). There is no index for that, but such renames are rare.
List* tables_of_type(Oid type) {
    List* tables = NIL;
    Relation classes = table_open(RelationRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_class_reloftype, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
    SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, nullptr, 1, &key);
    while (HeapTuple tuple = systable_getnext(scan)) {
        tables = lappend_oid(tables, reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->oid);
    }
    systable_endscan(scan);
    table_close(classes, AccessShareLock);
    return tables;
}

/// The relations that have the renamed column, but for those that inherit it.
List* renamed_relations(const RenameStmt& rename) {
    if (rename.relation == nullptr || (rename.renameType != OBJECT_COLUMN && rename.renameType != OBJECT_ATTRIBUTE)) {
        return NIL;
    }
    // Not the column but the table may have been renamed since, by somebody else's trigger; then there is nothing to find.
    const Oid relation = RangeVarGetRelid(rename.relation, NoLock, true);
    if (!OidIsValid(relation)) {
        return NIL;
    }
    return rename.renameType == OBJECT_ATTRIBUTE ? tables_of_type(get_rel_type_id(relation)) : list_make1_oid(relation);
}

}  // namespace

/// After ALTER TABLE (VIEW, FOREIGN TABLE) ... RENAME COLUMN and ALTER TYPE ... RENAME ATTRIBUTE: registrations on the relation
/// and on whatever inherits the column call it by its new name.
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
    ListCell* relation;
    foreach (relation, renamed_relations(*rename)) {
        ListCell* heir;
        foreach (heir, find_all_inheritors(lfirst_oid(relation), NoLock, nullptr)) {
            registry::follow_column_rename(fcinfo->flinfo->fn_oid, lfirst_oid(heir), rename->subname, rename->newname);
        }
    }
    return Datum{0};
}

}  // namespace pg_tree::track
