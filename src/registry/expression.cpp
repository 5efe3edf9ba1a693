#include "registry/expression.h"

#include "pg/compat.h"

extern "C" {
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_oper.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace pg_tree::registry {

namespace {

/// The words to blame in an error raised while an expression is parsed.
struct Source {
    const char* what;
    const char* text;
    const char* statement;
    Relation relation;
    bool stored;  ///< read back from a registration, not from the call at hand
};

void explain_source(void* argument) {
    const auto* source = static_cast<const Source*>(argument);
    // The position counts in our statement, not in the user's: show it there.
    if (const int position = geterrposition(); position > 0) {
        errposition(0);
        internalerrposition(position);
        internalerrquery(source->statement);
    }
    if (source->stored) {
        errhint("The tree's registration does not fit its table: renew it with tree_register('%s', ...).",
                RelationGetRelationName(source->relation));
    }
    errcontext("%s \"%s\" of a tree on \"%s\"", source->what, source->text, RelationGetRelationName(source->relation));
}

[[noreturn]] void refuse(const Source& source, const char* problem) {
    ereport(
        ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s \"%s\" %s", source.what, source.text, problem),
        errhint("Use only the row's own columns and immutable functions that come with the server or an extension."));
    pg_unreachable();
}

/// What belongs to an extension is trusted if a superuser owns it: anybody who owns an extension, as users of trusted ones do, can add an
/// object of their own to it.
bool is_of_extension(Oid catalog, Oid object, Oid owner) {
    return OidIsValid(getExtensionOfObject(catalog, object)) && superuser_arg(owner);
}

bool is_foreign_function(Oid function, void*) {
    if (function < FirstNormalObjectId) {
        return false;
    }
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) {
        return true;
    }
    const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner;
    ReleaseSysCache(tuple);
    return !is_of_extension(ProcedureRelationId, function, owner);
}

bool is_foreign_type(Oid type) {
    HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple)) {
        return true;
    }
    const Oid owner = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typowner;
    ReleaseSysCache(tuple);
    return !is_of_extension(TypeRelationId, type, owner);
}

bool refuse_untrusted(Node* node, void* argument) {
    const auto& source = *static_cast<const Source*>(argument);
    if (node == nullptr) {
        return false;
    }
    if (check_functions_in_node(node, is_foreign_function, nullptr)) {
        refuse(source, "calls a function that belongs neither to the server nor to an extension");
    }
    if (IsA(node, Var) && castNode(Var, node)->varattno < 0) {
        refuse(source, "uses a system column");
    }
    if (IsA(node, Var) && castNode(Var, node)->varattno == 0) {
        // Written with the table's name, it would not survive the table's renaming.
        refuse(source, "refers to the row as a whole; name its columns");
    }
    if ((IsA(node, CoerceToDomain) || IsA(node, CoerceViaIO)) && contains_user_domain(exprType(node))) {
        refuse(source, "casts to a domain, whose constraints may call any function");
    }
    return pg::walk_expression(node, refuse_untrusted, argument);
}

/// The one SELECT that `statement` must be, with nothing in it but what was asked for.
SelectStmt* parse_select(const Source& source) {
    List* statements = raw_parser(source.statement, RAW_PARSE_DEFAULT);
    if (list_length(statements) == 1) {
        Node* statement = linitial_node(RawStmt, statements)->stmt;
        if (IsA(statement, SelectStmt)) {
            auto* select = castNode(SelectStmt, statement);
            if (select->op == SETOP_NONE && select->distinctClause == NIL && select->intoClause == nullptr &&
                select->fromClause == NIL && select->whereClause == nullptr && select->groupClause == NIL &&
                select->havingClause == nullptr && select->windowClause == NIL && select->valuesLists == NIL &&
                select->limitOffset == nullptr && select->limitCount == nullptr && select->lockingClause == NIL &&
                select->withClause == nullptr) {
                return select;
            }
        }
    }
    refuse(source, "is not an expression");
}

ParseState* parse_state_for(Relation relation, Dialect dialect) {
    ParseState* state = make_parsestate(nullptr);
    Alias* alias =
        dialect.column_names == NIL ? nullptr : makeAlias(RelationGetRelationName(relation), dialect.column_names);
    ParseNamespaceItem* item = addRangeTableEntryForRelation(state, relation, AccessShareLock, alias, false, true);
    addNSItemToQuery(state, item, false, true, true);
    return state;
}

Node* transform(ParseState* state, Node* raw, const Source& source) {
    // The parser allows a star at the top, which is no expression and which transformExpr() does not expect.
    if (IsA(raw, ColumnRef) && IsA(llast(castNode(ColumnRef, raw)->fields), A_Star)) {
        refuse(source, "is not an expression");
    }
    return transformExpr(state, raw, EXPR_KIND_OTHER);
}

Expression finish_expression(ParseState* state, Node* tree, const Source& source) {
    if (exprType(tree) == UNKNOWNOID) {
        tree = coerce_to_specific_type(state, tree, TEXTOID, source.what);
    }
    assign_expr_collations(state, tree);
    if (state->p_hasAggs || state->p_hasWindowFuncs || state->p_hasSubLinks || expression_returns_set(tree)) {
        refuse(source, "looks beyond its row");
    }
    refuse_untrusted(tree, const_cast<Source*>(&source));
    // Default arguments and the like only show after planning.
    if (contain_mutable_functions(
            reinterpret_cast<Node*>(expression_planner(reinterpret_cast<Expr*>(copyObjectImpl(tree)))))) {
        refuse(source, "is not immutable");
    }
    return {nullptr, tree, exprType(tree), exprCollation(tree)};
}

const char* deparse(Relation relation, Node* tree) {
    CanonicalSettings settings(relation);
    List* context = deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation));
    const char* sql = deparse_expression(tree, context, false, false);
    settings.leave();
    return sql;
}

Expression transform_expression(const Source& source, Dialect dialect, bool boolean) {
    SelectStmt* select = parse_select(source);
    if (list_length(select->targetList) != 1 || select->sortClause != NIL ||
        linitial_node(ResTarget, select->targetList)->name != nullptr) {
        refuse(source, "is not an expression");
    }
    ParseState* state = parse_state_for(source.relation, dialect);
    Node* tree = transform(state, linitial_node(ResTarget, select->targetList)->val, source);
    if (boolean) {
        tree = coerce_to_boolean(state, tree, source.what);
    }
    return finish_expression(state, tree, source);
}

List* transform_sort_expressions(const Source& source, Dialect dialect) {
    SelectStmt* select = parse_select(source);
    if (select->targetList != NIL || select->sortClause == NIL) {
        refuse(source, "is not a list of sort expressions");
    }
    ParseState* state = parse_state_for(source.relation, dialect);
    List* result = NIL;
    ListCell* cell;
    foreach (cell, select->sortClause) {
        const auto* item = lfirst_node(SortBy, cell);
        if (item->sortby_dir == SORTBY_USING) {
            refuse(source, "sorts with USING; write ASC or DESC");
        }
        if (IsA(item->node, A_Const)) {
            refuse(source, "sorts by a constant; write a column or an expression");
        }
        auto* sort = static_cast<SortExpression*>(palloc0(sizeof(SortExpression)));
        sort->expression = finish_expression(state, transform(state, item->node, source), source);
        sort->descending = item->sortby_dir == SORTBY_DESC;
        sort->nulls_first =
            item->sortby_nulls == SORTBY_NULLS_DEFAULT ? sort->descending : item->sortby_nulls == SORTBY_NULLS_FIRST;
        Oid less_than;
        Oid greater_than;
        get_sort_group_operators(sort->expression.type, !sort->descending, false, sort->descending, &less_than, nullptr,
                                 &greater_than, nullptr);
        sort->less_than = sort->descending ? greater_than : less_than;
        result = lappend(result, sort);
    }
    return result;
}

/// Runs `transform` with errors explained, in the dialect's search path.
template <class Transform>
auto with_source(const Source& source, Dialect dialect, Transform&& transform) {
    ErrorContextCallback callback;
    callback.callback = explain_source;
    callback.arg = const_cast<Source*>(&source);
    callback.previous = error_context_stack;
    error_context_stack = &callback;
    std::invoke_result_t<Transform> result;
    if (dialect.canonical) {
        CanonicalSettings settings(source.relation);
        result = transform();
        settings.leave();
    } else {
        result = transform();
    }
    error_context_stack = callback.previous;
    return result;
}

/// The canonical form must mean the same: some constructs (CASE x WHEN, IS DISTINCT FROM) name no operator, and would find
/// another one when names resolve differently.
[[noreturn]] void refuse_ambiguous(const Source& source) {
    refuse(source, "compares by an operator outside pg_catalog in a construct that cannot name it");
}

}  // namespace

CanonicalSettings::CanonicalSettings(Relation relation) : nest_level_(NewGUCNestLevel()) {
    // What changes how names and literals are read or written; pg_dump fixes much the same.
    static constexpr struct {
        const char* name;
        const char* value;
    } settings[] = {
        {"search_path", "pg_catalog, pg_temp"},
        {"DateStyle", "ISO, YMD"},
        {"IntervalStyle", "postgres"},
        {"TimeZone", "UTC"},
        {"extra_float_digits", "3"},
        {"lc_monetary", "C"},
        {"standard_conforming_strings", "on"},
        {"quote_all_identifiers", "off"},
        {"bytea_output", "hex"},
        {"xmloption", "content"},
        {"xmlbinary", "base64"},
        {"array_nulls", "on"},
        {"transform_null_equals", "off"},
    };
    for (const auto& setting : settings) {
        (void)set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                                false);
    }
    GetUserIdAndSecContext(&user_, &security_context_);
    SetUserIdAndSecContext(relation->rd_rel->relowner, security_context_ | SECURITY_RESTRICTED_OPERATION);
}

void CanonicalSettings::leave() {
    SetUserIdAndSecContext(user_, security_context_);
    AtEOXact_GUC(false, nest_level_);
}

Node* as_text(Node* expression) {
    const Oid type = exprType(expression);
    if (type == TEXTOID) {
        return expression;
    }
    Oid function;
    const CoercionPathType path = find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &function);
    if (path == COERCION_PATH_RELABELTYPE || (path == COERCION_PATH_FUNC && !is_foreign_function(function, nullptr))) {
        Node* cast =
            coerce_to_target_type(nullptr, expression, type, TEXTOID, -1, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
        if (cast != nullptr) {
            assign_expr_collations(nullptr, cast);
            return cast;
        }
    }
    CoerceViaIO* cast = makeNode(CoerceViaIO);
    cast->arg = reinterpret_cast<Expr*>(expression);
    cast->resulttype = TEXTOID;
    cast->resultcollid = DEFAULT_COLLATION_OID;
    cast->coerceformat = COERCE_EXPLICIT_CAST;
    cast->location = -1;
    return reinterpret_cast<Node*>(cast);
}

bool contains_user_domain(Oid type) {
    check_stack_depth();
    if (type < FirstNormalObjectId) {
        return false;
    }
    switch (get_typtype(type)) {
        case TYPTYPE_DOMAIN:
            return is_foreign_type(type) || contains_user_domain(getBaseType(type));
        case TYPTYPE_RANGE:
            return contains_user_domain(get_range_subtype(type));
        case TYPTYPE_MULTIRANGE:
            return contains_user_domain(get_multirange_range(type));
        case TYPTYPE_COMPOSITE: {
            TupleDesc descriptor = lookup_rowtype_tupdesc(type, -1);
            bool found = false;
            for (int i = 0; !found && i < descriptor->natts; ++i) {
                const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
                found = !attribute->attisdropped && contains_user_domain(attribute->atttypid);
            }
            ReleaseTupleDesc(descriptor);
            return found;
        }
        default: {
            const Oid element = get_element_type(type);
            return OidIsValid(element) && contains_user_domain(element);
        }
    }
}

Expression parse_expression(Relation relation, const char* text, const char* what, Dialect dialect, bool boolean) {
    const Source source = {what, text, psprintf("SELECT %s\n", text), relation, dialect.canonical};
    Expression expression =
        with_source(source, dialect, [&] { return transform_expression(source, dialect, boolean); });
    if (dialect.canonical && dialect.column_names == NIL) {
        expression.sql = text;
        return expression;
    }
    expression.sql = deparse(relation, expression.tree);
    const Expression again = parse_expression(relation, expression.sql, what, {true, NIL}, boolean);
    if (!equal(expression.tree, again.tree)) {
        refuse_ambiguous(source);
    }
    return expression;
}

List* parse_sort_expressions(Relation relation, const char* text, Dialect dialect) {
    const Source source = {"order_by", text, psprintf("SELECT ORDER BY %s\n", text), relation, dialect.canonical};
    List* sorts = with_source(source, dialect, [&] { return transform_sort_expressions(source, dialect); });
    if (!dialect.canonical || dialect.column_names != NIL) {
        ListCell* cell;
        foreach (cell, sorts) {
            auto* sort = static_cast<SortExpression*>(lfirst(cell));
            sort->expression.sql = deparse(relation, sort->expression.tree);
        }
        List* again = parse_sort_expressions(relation, sort_expressions_sql(sorts), {true, NIL});
        for (int i = 0; i < list_length(sorts); ++i) {
            const auto* one = static_cast<SortExpression*>(list_nth(sorts, i));
            const auto* two = i < list_length(again) ? static_cast<SortExpression*>(list_nth(again, i)) : nullptr;
            if (two == nullptr || !equal(one->expression.tree, two->expression.tree) ||
                one->less_than != two->less_than) {
                refuse_ambiguous(source);
            }
        }
    }
    return sorts;
}

char* sort_expressions_sql(List* expressions) {
    StringInfoData sql;
    initStringInfo(&sql);
    ListCell* cell;
    foreach (cell, expressions) {
        const auto* sort = static_cast<const SortExpression*>(lfirst(cell));
        appendStringInfo(&sql, "%s%s%s", sql.len > 0 ? ", " : "", sort->expression.sql,
                         sort->descending ? " DESC" : "");
        if (sort->nulls_first != sort->descending) {
            appendStringInfoString(&sql, sort->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
    return sql.data;
}

}  // namespace pg_tree::registry
