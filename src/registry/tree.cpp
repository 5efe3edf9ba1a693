#include "registry/tree.h"

#include "registry/expression.h"

extern "C" {
#include "catalog/index.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/partcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace pg_tree::registry {

namespace {

KeyKind kind_of(Oid type, Oid collation) {
    switch (type) {
        case INT2OID:
            return KeyKind::smallint;
        case INT4OID:
            return KeyKind::integer;
        case INT8OID:
            return KeyKind::bigint;
        case UUIDOID:
            return KeyKind::uuid;
        case BYTEAOID:
            return KeyKind::bytes;
        case TEXTOID:
        case VARCHAROID:
            return get_collation_isdeterministic(collation) ? KeyKind::bytes : KeyKind::other;
        case BPCHAROID:
            return get_collation_isdeterministic(collation) ? KeyKind::padded : KeyKind::other;
        default:
            return KeyKind::other;
    }
}

/// OPERATOR(schema.name): an operator as it must be written where the search path may be anything.
const char* operator_sql(Oid op) {
    HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(op));
    if (!HeapTupleIsValid(tuple)) {
        elog(ERROR, "cache lookup failed for operator %u", op);
    }
    const auto* form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(tuple));
    const char* sql =
        psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname));
    ReleaseSysCache(tuple);
    return sql;
}

Node* column_expression(Relation relation, AttrNumber column) {
    const FormData_pg_attribute* attribute = TupleDescAttr(RelationGetDescr(relation), column - 1);
    return reinterpret_cast<Node*>(
        makeVar(1, column, attribute->atttypid, attribute->atttypmod, attribute->attcollation, 0));
}

bool is_partition_key(Relation relation, AttrNumber column) {
    const PartitionKey key = RelationGetPartitionKey(relation);
    for (int i = 0; i < get_partition_natts(key); ++i) {
        if (get_partition_col_attnum(key, i) == column) {
            return true;
        }
    }
    return false;
}

/// Is a value's text a matter of the value alone? Dates and floating-point numbers are written as the session's settings say, an
/// enum's labels can be renamed.
bool has_stable_text(Node* expression) {
    const Oid type = getBaseType(exprType(expression));
    switch (type) {
        case TEXTOID:
        case VARCHAROID:
        case BPCHAROID:
        case NAMEOID:
        case CHAROID:
        case BOOLOID:
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case OIDOID:
        case NUMERICOID:
        case UUIDOID:
        case JSONOID:
        case JSONBOID:
        case INETOID:
        case CIDROID:
        case MACADDROID:
        case MACADDR8OID:
            return true;
        default: {
            Oid function;
            return find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &function) == COERCION_PATH_RELABELTYPE;
        }
    }
}

bool is_column(const Node* expression) { return IsA(expression, Var) || IsA(expression, Const); }

void fill_columns(Tree& tree) {
    for (Node* node : {tree.id, tree.parent, tree.filter}) {
        if (node != nullptr) {
            pull_varattnos(node, 1, &tree.key_columns);
        }
    }
    tree.node_columns = bms_copy(tree.key_columns);
    pull_varattnos(tree.code, 1, &tree.node_columns);
    pull_varattnos(tree.label, 1, &tree.node_columns);
    for (int i = 0; i < tree.sort_columns; ++i) {
        pull_varattnos(tree.sort[i].expression, 1, &tree.node_columns);
        tree.only_columns = tree.only_columns && is_column(tree.sort[i].expression);
    }
}

}  // namespace

KeyType describe_key_type(Oid type, Oid collation, const char* column, const char* tree) {
    KeyType key = {};
    key.declared = type;
    key.type = getBaseType(type);
    key.collation = collation;
    key.kind = kind_of(key.type, collation);
    get_typlenbyvalalign(key.type, &key.length, &key.by_value, &key.alignment);
    key.array_type = get_array_type(key.type);
    const TypeCacheEntry* cache =
        lookup_type_cache(key.type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_HASH_PROC);
    if (contains_user_domain(key.type)) {
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("column \"%s\" of tree %s has type %s, which cannot be a key here", column, tree,
                       format_type_be(type)),
                errdetail("Reading a key of a type with a domain in it would run the domain's constraints."));
    }
    if (!OidIsValid(key.array_type) || !OidIsValid(cache->eq_opr) || !OidIsValid(cache->lt_opr) ||
        (key.kind == KeyKind::other && !OidIsValid(cache->hash_proc))) {
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("column \"%s\" of tree %s has type %s, which cannot be a key here", column, tree,
                       format_type_be(type)),
                errdetail("A key type needs an array type, a default btree operator class and a default hash operator "
                          "class."));
    }
    key.less_than = cache->lt_opr;
    key.equal = operator_sql(cache->eq_opr);
    bool varlena;
    getTypeInputInfo(key.type, &key.input_function, &key.input_parameter);
    getTypeOutputInfo(key.type, &key.output_function, &varlena);
    return key;
}

AttrNumber column_number(Relation relation, const char* column, const char* tree) {
    const AttrNumber number = get_attnum(RelationGetRelid(relation), column);
    if (number <= 0) {
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
                errmsg("column \"%s\" of tree %s does not exist in \"%s\"", column, tree,
                       RelationGetRelationName(relation)),
                errhint("Name the columns when registering: SELECT tree_register('%s', id => ..., parent => ...).",
                        RelationGetRelationName(relation)));
    }
    return number;
}

bool has_unique_index(Relation relation, AttrNumber column) {
    bool found = false;
    List* indexes = RelationGetIndexList(relation);
    ListCell* cell;
    foreach (cell, indexes) {
        HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(tuple)) {
            continue;
        }
        const auto* index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
        bool unique = index->indisunique && index->indisvalid &&
                      heap_attisnull(tuple, Anum_pg_index_indpred, nullptr) &&
                      heap_attisnull(tuple, Anum_pg_index_indexprs, nullptr);
        bool has_column = false;
        for (int i = 0; unique && i < index->indnkeyatts; ++i) {
            if (index->indkey.values[i] == column) {
                has_column = true;
            } else {
                unique = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
                         is_partition_key(relation, index->indkey.values[i]);
            }
        }
        ReleaseSysCache(tuple);
        if (unique && has_column) {
            found = true;
            break;
        }
    }
    list_free(indexes);
    return found;
}

Tree* load_tree(const Registration& registration, MemoryContext parent) {
    MemoryContext context = AllocSetContextCreate(parent, "pg_tree definition", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    Relation relation = table_open(registration.relation, AccessShareLock);
    auto* tree = static_cast<Tree*>(palloc0(sizeof(Tree)));
    tree->context = context;
    tree->relation = registration.relation;
    tree->name = qualified_tree_name(registration);
    tree->from = quote_qualified_identifier(get_namespace_name(registration.schema), registration.relation_name);
    tree->id_column = pstrdup(registration.id);
    tree->parent_column = pstrdup(registration.parent);

    const AttrNumber id = column_number(relation, registration.id, tree->name);
    const AttrNumber parent_column = column_number(relation, registration.parent, tree->name);
    const FormData_pg_attribute* id_attribute = TupleDescAttr(RelationGetDescr(relation), id - 1);
    const FormData_pg_attribute* parent_attribute = TupleDescAttr(RelationGetDescr(relation), parent_column - 1);
    if (getBaseType(id_attribute->atttypid) != getBaseType(parent_attribute->atttypid) ||
        id_attribute->attcollation != parent_attribute->attcollation) {
        ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
                errmsg("key column \"%s\" and parent column \"%s\" of tree %s have different types", registration.id,
                       registration.parent, tree->name),
                errdetail("\"%s\" is %s, \"%s\" is %s%s.", registration.id, format_type_be(id_attribute->atttypid),
                          registration.parent, format_type_be(parent_attribute->atttypid),
                          id_attribute->attcollation != parent_attribute->attcollation &&
                                  id_attribute->atttypid == parent_attribute->atttypid
                              ? " with another collation"
                              : ""),
                errhint("Give both columns the same type with ALTER TABLE ... ALTER COLUMN ... TYPE."));
    }
    tree->key = describe_key_type(id_attribute->atttypid, id_attribute->attcollation, registration.id, tree->name);

    tree->id = column_expression(relation, id);
    tree->parent = column_expression(relation, parent_column);
    const char* code = registration.code != nullptr ? registration.code : registration.id;
    tree->code_column = column_number(relation, code, tree->name);
    tree->code = as_text(column_expression(relation, tree->code_column));
    const Dialect canonical = {true, NIL};
    Node* label = registration.name != nullptr
                      ? parse_expression(relation, registration.name, "name", canonical, false).tree
                      : column_expression(relation, id);
    tree->label = as_text(label);
    tree->stable_text = has_stable_text(column_expression(relation, tree->code_column)) && has_stable_text(label);
    tree->only_columns = is_column(label);
    if (registration.filter != nullptr) {
        tree->filter = parse_expression(relation, registration.filter, "filter", canonical, true).tree;
    }
    const char* order_by = registration.order_by != nullptr ? registration.order_by : quote_identifier(code);
    List* sorts = parse_sort_expressions(relation, order_by, canonical);
    if (list_length(sorts) > max_sort_columns) {
        ereport(ERROR, errcode(ERRCODE_TOO_MANY_COLUMNS),
                errmsg("order_by of tree %s has %d columns; at most %d are possible", tree->name, list_length(sorts),
                       max_sort_columns));
    }
    ListCell* cell;
    foreach (cell, sorts) {
        const auto* sort = static_cast<const SortExpression*>(lfirst(cell));
        tree->sort[tree->sort_columns++] = {sort->expression.tree, sort->expression.type, sort->expression.collation,
                                            sort->less_than,       sort->descending,      sort->nulls_first};
    }
    tree->only_columns = tree->only_columns && (tree->filter == nullptr || is_column(tree->filter));
    fill_columns(*tree);
    tree->trigger = registration.trigger_oid;
    tree->definition = trigger_arguments(registration);
    tree->trigger_argument_count = list_arguments(registration, &tree->trigger_arguments);
    table_close(relation, NoLock);
    MemoryContextSwitchTo(caller);
    return tree;
}

}  // namespace pg_tree::registry
