#include "registry/columns.h"

extern "C" {
#include "access/genam.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
}

namespace pg_tree::registry {

namespace {

bool same(const char* a, const char* b) { return strcmp(a, b) == 0; }

/// The only element of a one-element int2 array; 0 if there are more.
AttrNumber only_column(HeapTuple constraint, AttrNumber attribute, TupleDesc descriptor) {
    bool is_null;
    const Datum stored = heap_getattr(constraint, attribute, descriptor, &is_null);
    if (is_null) {
        return 0;
    }
    ArrayType* array = DatumGetArrayTypeP(stored);
    if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != 1) {
        return 0;
    }
    return *reinterpret_cast<int16*>(ARR_DATA_PTR(array));
}

/// The self-referencing single-column foreign keys that fit what was given: how many, and the best of them.
int find_self_reference(Relation relation, const char* id, const char* parent, Columns& best) {
    int count = 0;
    Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(RelationGetRelid(relation)));
    SysScanDesc scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, nullptr, 1, &key);
    while (HeapTuple tuple = systable_getnext(scan)) {
        const auto* form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
        if (form->contype != CONSTRAINT_FOREIGN || form->confrelid != RelationGetRelid(relation)) {
            continue;
        }
        const AttrNumber from = only_column(tuple, Anum_pg_constraint_conkey, RelationGetDescr(constraints));
        const AttrNumber to = only_column(tuple, Anum_pg_constraint_confkey, RelationGetDescr(constraints));
        if (from <= 0 || to <= 0) {
            continue;
        }
        const Columns columns = {get_attname(RelationGetRelid(relation), to, false),
                                 get_attname(RelationGetRelid(relation), from, false)};
        if ((id != nullptr && !same(id, columns.id)) || (parent != nullptr && !same(parent, columns.parent))) {
            continue;
        }
        if (count > 0 && same(best.parent, columns.parent) && same(best.id, columns.id)) {
            continue;  // the same reference, declared twice
        }
        if (same(columns.parent, "parent_id") || count == 0) {
            best = columns;
        }
        ++count;
    }
    systable_endscan(scan);
    table_close(constraints, AccessShareLock);
    if (count > 1 && same(best.parent, "parent_id")) {
        return 1;
    }
    return count;
}

const char* first_that_exists(Relation relation, std::initializer_list<const char*> candidates) {
    for (const char* candidate : candidates) {
        if (get_attnum(RelationGetRelid(relation), candidate) > 0) {
            return candidate;
        }
    }
    return nullptr;
}

void require(Relation relation, const char* column, const char* role, const char* argument) {
    if (get_attnum(RelationGetRelid(relation), column) > 0) {
        return;
    }
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
            errmsg("column \"%s\" of \"%s\" does not exist", column, RelationGetRelationName(relation)),
            errdetail("It was taken for the %s.", role),
            errhint("Name the right column: SELECT tree_register('%s', %s => 'column').",
                    RelationGetRelationName(relation), argument));
}

}  // namespace

Columns choose_key_columns(Relation relation, const char* id, const char* parent) {
    Columns chosen = {id, parent};
    if (id == nullptr || parent == nullptr) {
        Columns reference = {nullptr, nullptr};
        const int count = find_self_reference(relation, id, parent, reference);
        if (count > 1) {
            ereport(ERROR, errcode(ERRCODE_AMBIGUOUS_COLUMN),
                    errmsg("\"%s\" has several foreign keys to itself", RelationGetRelationName(relation)),
                    errhint("Name the parent column: SELECT tree_register('%s', parent => '%s').",
                            RelationGetRelationName(relation), reference.parent));
        }
        chosen.id = id != nullptr ? id : count == 1 ? reference.id : "id";
        chosen.parent = parent != nullptr ? parent : count == 1 ? reference.parent : "parent_id";
    }
    require(relation, chosen.id, "key", "id");
    require(relation, chosen.parent, "parent's key", "parent");
    if (same(chosen.id, chosen.parent)) {
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("column \"%s\" of \"%s\" cannot be both the key and the parent's key", chosen.id,
                       RelationGetRelationName(relation)));
    }
    return chosen;
}

const char* choose_code_column(Relation relation) { return first_that_exists(relation, {"code", "slug"}); }

const char* choose_name_column(Relation relation, std::span<const char* const> taken) {
    if (const char* column =
            first_that_exists(relation, {"name", "title", "label", "display_name", "subject", "description"});
        column != nullptr) {
        return column;
    }
    TupleDesc descriptor = RelationGetDescr(relation);
    for (int i = 0; i < descriptor->natts; ++i) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
        if (attribute->attisdropped) {
            continue;
        }
        char category;
        bool preferred;
        get_type_category_preferred(getBaseType(attribute->atttypid), &category, &preferred);
        const char* column = NameStr(attribute->attname);
        if (category == TYPCATEGORY_STRING && std::none_of(taken.begin(), taken.end(), [&](const char* other) {
                return other != nullptr && same(other, column);
            })) {
            return pstrdup(column);
        }
    }
    return nullptr;
}

}  // namespace pg_tree::registry
