#include "pg/error.h"
#include "registry/expression.h"
#include "registry/register.h"

extern "C" {
#include "access/relation.h"
}

namespace pg_tree::registry {

namespace {

struct Rename {
    Relation relation;
    List* old_columns;  ///< all column names, as they were before
    const char* old_name;
    const char* new_name;
};

bool rename_column(const char*& column, const Rename& rename) {
    if (column == nullptr || strcmp(column, rename.old_name) != 0) {
        return false;
    }
    column = rename.new_name;
    return true;
}

bool apply_rename(Registration& registration, void* argument) {
    const auto& rename = *static_cast<const Rename*>(argument);
    const Dialect before = {true, rename.old_columns};
    bool changed = rename_column(registration.id, rename);
    changed |= rename_column(registration.parent, rename);
    changed |= rename_column(registration.code, rename);
    auto replace = [&changed](const char*& text, const char* now) {
        changed |= strcmp(text, now) != 0;
        text = now;
    };
    if (registration.name != nullptr) {
        replace(registration.name, parse_expression(rename.relation, registration.name, "name", before, false).sql);
    }
    if (registration.filter != nullptr) {
        replace(registration.filter,
                parse_expression(rename.relation, registration.filter, "filter", before, true).sql);
    }
    if (registration.order_by != nullptr) {
        replace(registration.order_by,
                sort_expressions_sql(parse_sort_expressions(rename.relation, registration.order_by, before)));
    }
    return changed;
}

/// The same in a subtransaction of its own: a registration may have been broken before (a column of it dropped, say), and then
/// neither the user's rename nor the table's other trees may suffer.
bool try_rename(Registration& registration, void* argument) {
    struct Work {
        Registration registration;
        void* rename;
        bool changed;
    } work = {registration, argument, false};
    char message[256];
    const bool followed = pg::succeeds_in_subtransaction(
        [](void* given) {
            auto* change = static_cast<Work*>(given);
            change->changed = apply_rename(change->registration, change->rename);
        },
        &work, message);
    if (!followed) {
        const auto& rename = *static_cast<const Rename*>(argument);
        const char* relation = RelationGetRelationName(rename.relation);
        ereport(WARNING,
                errmsg("tree \"%s\" on \"%s\" could not follow the renaming of column \"%s\"",
                       registration.tree != nullptr ? registration.tree : relation, relation, rename.old_name),
                errdetail("%s", message), errhint("Register it again with tree_register()."));
        return false;
    }
    registration = work.registration;
    return work.changed;
}

}  // namespace

void follow_column_rename(Oid calling_function, Oid relation_id, const char* old_name, const char* new_name) {
    const Oid track = track_function(calling_function);
    bool carries = false;
    rewrite_registrations(
        track, relation_id,
        [](Registration&, void* found) {
            *static_cast<bool*>(found) = true;
            return false;
        },
        &carries);
    if (!carries) {
        return;
    }
    Relation relation = relation_open(relation_id, AccessShareLock);
    Rename rename = {relation, NIL, old_name, new_name};
    TupleDesc descriptor = RelationGetDescr(relation);
    for (int i = 0; i < descriptor->natts; ++i) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
        if (!attribute->attisdropped) {
            const char* name = NameStr(attribute->attname);
            rename.old_columns =
                lappend(rename.old_columns, makeString(pstrdup(strcmp(name, new_name) == 0 ? old_name : name)));
        }
    }
    rewrite_registrations(track, relation_id, try_rename, &rename);
    relation_close(relation, NoLock);
}

}  // namespace pg_tree::registry
