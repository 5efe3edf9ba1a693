// tree_register, tree_unregister, tree_unregister_all, the rows of tree_registry, tree_wrapper_sql.

#include "registry/register.h"
#include "registry/tree.h"
#include "scan/question.h"
#include "scan/rows_out.h"

namespace pg_tree::sql {

using registry::Registration;
using scan::text_argument;

namespace {

/// A column name argument (type name) as a C string; null when it is null.
const char* name_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? nullptr : NameStr(*PG_GETARG_NAME(position));
}

}  // namespace

PG_TREE_FUNCTION(tree_register) {
    if (PG_ARGISNULL(0)) {
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the table to register must not be null"),
                errhint("SELECT tree_register('table');"));
    }
    const registry::Request request = {
        PG_GETARG_OID(0),         text_argument(fcinfo, 1), name_argument(fcinfo, 2), name_argument(fcinfo, 3),
        name_argument(fcinfo, 4), text_argument(fcinfo, 5), text_argument(fcinfo, 6), text_argument(fcinfo, 7),
    };
    PG_RETURN_TEXT_P(cstring_to_text(registry::register_tree(fcinfo->flinfo->fn_oid, request)));
}

PG_TREE_FUNCTION(tree_unregister) {
    registry::unregister_tree(fcinfo->flinfo->fn_oid, text_argument(fcinfo, 0));
    PG_RETURN_VOID();
}

PG_TREE_FUNCTION(tree_unregister_all) { PG_RETURN_INT32(registry::unregister_all_trees(fcinfo->flinfo->fn_oid)); }

PG_TREE_FUNCTION(tree_wrapper_sql) {
    PG_RETURN_TEXT_P(cstring_to_text(registry::wrapper_sql(fcinfo->flinfo->fn_oid, text_argument(fcinfo, 0))));
}

/// tree, relation, id, parent, code, name, order_by, filter, key_type, tracked
PG_TREE_FUNCTION(tree_registrations) {
    scan::RowsOut out(fcinfo);
    for (const Registration& registration :
         registry::read_registrations(registry::track_function(fcinfo->flinfo->fn_oid))) {
        const char* const texts[] = {registration.tree, nullptr,           registration.id,       registration.parent,
                                     registration.code, registration.name, registration.order_by, registration.filter};
        Datum values[10] = {};
        bool nulls[10] = {};
        for (int i = 0; i < 8; ++i) {
            nulls[i] = texts[i] == nullptr;
            values[i] = nulls[i] ? 0 : CStringGetTextDatum(texts[i]);
        }
        values[1] = ObjectIdGetDatum(registration.relation);
        nulls[1] = false;
        const AttrNumber id = get_attnum(registration.relation, registration.id);
        nulls[8] = id <= 0;
        values[8] = ObjectIdGetDatum(nulls[8] ? InvalidOid : get_atttype(registration.relation, id));
        values[9] = BoolGetDatum(registration.tracked);
        out.put(values, nulls);
    }
    return Datum{0};
}

}  // namespace pg_tree::sql
