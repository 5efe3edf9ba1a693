#include "scan/conditions.h"

extern "C" {
#include "access/stratnum.h"
#include "catalog/pg_opfamily_d.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
}

namespace pg_tree::scan {

using Kind = PushedCondition::Kind;

namespace {

Node* without_relabel(Node* node) {
    while (node != nullptr && IsA(node, RelabelType)) {
        node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
    }
    return node;
}

bool is_column(Node* node, Index rel, const SetFunction& function, PushedCondition& condition) {
    node = without_relabel(node);
    if (node == nullptr || !IsA(node, Var)) {
        return false;
    }
    const auto* var = reinterpret_cast<Var*>(node);
    if (static_cast<Index>(var->varno) != rel || var->varlevelsup != 0 || var->varattno < 1 ||
        var->varattno > function.columns) {
        return false;
    }
    condition.attribute = var->varattno;
    condition.column = function.column[var->varattno - 1];
    return true;
}

/// The same for every row of the scan.
bool is_comparand(PlannerInfo* root, Node* node, Index rel) {
    return !bms_is_member(static_cast<int>(rel), pull_varnos(root, node)) && !contain_volatile_functions(node);
}

bool is_range_column(Column column) {
    return column == Column::level || column == Column::depth || column == Column::distance || column == Column::rank;
}
bool is_key_column(Column column) { return column == Column::id || column == Column::parent_id; }

/// What `column operator comparand` means here, if it means anything.
bool recognise(PushedCondition& condition, Oid operation, Oid collation) {
    const Oid family = [operation] {
        for (const Oid one : {Oid{INTEGER_BTREE_FAM_OID}, Oid{TEXT_BTREE_FAM_OID}}) {
            if (op_in_opfamily(operation, one)) {
                return one;
            }
        }
        // The family of uuid has no name in the catalog's headers.
        Oid left;
        Oid right;
        op_input_types(operation, &left, &right);
        return left == UUIDOID && right == UUIDOID && get_opcode(operation) == F_UUID_EQ ? Oid{UUIDOID} : InvalidOid;
    }();
    if (!OidIsValid(family)) {
        return false;
    }
    condition.kind = family == UUIDOID ? Kind::equal : static_cast<Kind>(get_op_opfamily_strategy(operation, family));
    if (family == INTEGER_BTREE_FAM_OID) {
        // What somebody may have added to the family is not known here.
        Oid left;
        Oid right;
        op_input_types(operation, &left, &right);
        for (const Oid type : {left, right}) {
            if (type != INT2OID && type != INT4OID && type != INT8OID) {
                return false;
            }
        }
    }
    if (is_range_column(condition.column)) {
        return family == INTEGER_BTREE_FAM_OID;
    }
    if (!is_key_column(condition.column) || condition.kind != Kind::equal) {
        return false;
    }
    if (family != TEXT_BTREE_FAM_OID) {
        return true;
    }
    // Under other collations texts are equal that are different keys.
    Oid left;
    Oid right;
    op_input_types(operation, &left, &right);
    return left == TEXTOID && right == TEXTOID && OidIsValid(collation) && get_collation_isdeterministic(collation);
}

Kind commuted(Kind kind) {
    switch (kind) {
        case Kind::less:
            return Kind::more;
        case Kind::at_most:
            return Kind::at_least;
        case Kind::at_least:
            return Kind::at_most;
        case Kind::more:
            return Kind::less;
        default:
            return kind;
    }
}

bool from_operator(PlannerInfo* root, const OpExpr& clause, Index rel, const SetFunction& function,
                   PushedCondition& condition) {
    if (list_length(clause.args) != 2) {
        return false;
    }
    auto* left = static_cast<Node*>(linitial(clause.args));
    auto* right = static_cast<Node*>(lsecond(clause.args));
    const bool is_left = is_column(left, rel, function, condition);
    if (!is_left && !is_column(right, rel, function, condition)) {
        return false;
    }
    Node* comparand = is_left ? right : left;
    if (!is_comparand(root, comparand, rel) || !recognise(condition, clause.opno, clause.inputcollid)) {
        return false;
    }
    condition.kind = is_left ? condition.kind : commuted(condition.kind);
    condition.comparand = reinterpret_cast<Expr*>(comparand);
    return true;
}

bool from_array(PlannerInfo* root, const ScalarArrayOpExpr& clause, Index rel, const SetFunction& function,
                PushedCondition& condition) {
    auto* left = static_cast<Node*>(linitial(clause.args));
    auto* right = static_cast<Node*>(lsecond(clause.args));
    if (!clause.useOr || !is_column(left, rel, function, condition) || condition.column != Column::id ||
        !is_comparand(root, right, rel) || !recognise(condition, clause.opno, clause.inputcollid)) {
        return false;
    }
    condition.kind = Kind::any;
    condition.comparand = reinterpret_cast<Expr*>(right);
    return true;
}

bool from_truth(Node* clause, Index rel, const SetFunction& function, PushedCondition& condition) {
    condition.kind = Kind::yes;
    if (IsA(clause, BoolExpr) && reinterpret_cast<BoolExpr*>(clause)->boolop == NOT_EXPR) {
        condition.kind = Kind::no;
        clause = static_cast<Node*>(linitial(reinterpret_cast<BoolExpr*>(clause)->args));
    } else if (IsA(clause, BooleanTest)) {
        const auto* test = reinterpret_cast<BooleanTest*>(clause);
        // Whether a node is a leaf is never unknown.
        condition.kind = test->booltesttype == IS_TRUE || test->booltesttype == IS_NOT_FALSE ? Kind::yes : Kind::no;
        if (test->booltesttype == IS_UNKNOWN || test->booltesttype == IS_NOT_UNKNOWN) {
            return false;
        }
        clause = reinterpret_cast<Node*>(test->arg);
    }
    condition.comparand = nullptr;
    return is_column(clause, rel, function, condition) && condition.column == Column::is_leaf;
}

bool recognise_clause(PlannerInfo* root, Node* clause, Index rel, const SetFunction& function,
                      PushedCondition& condition) {
    if (IsA(clause, OpExpr)) {
        return from_operator(root, *reinterpret_cast<OpExpr*>(clause), rel, function, condition);
    }
    if (IsA(clause, ScalarArrayOpExpr)) {
        return from_array(root, *reinterpret_cast<ScalarArrayOpExpr*>(clause), rel, function, condition);
    }
    return from_truth(clause, rel, function, condition);
}

std::int64_t integer(Datum value, Oid type) {
    return type == INT2OID ? DatumGetInt16(value) : type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/// A key in the form that the function gives it.
Datum key_of(Datum value, Oid type) {
    return type == INT2OID || type == INT4OID ? Int64GetDatum(integer(value, type)) : value;
}

Range range_of(Kind kind, std::int64_t value) {
    Range range;
    switch (kind) {
        case Kind::less:
        case Kind::at_most:
            range.high = value - (kind == Kind::less && value != INT64_MIN ? 1 : 0);
            break;
        case Kind::more:
        case Kind::at_least:
            range.low = value + (kind == Kind::more && value != INT64_MAX ? 1 : 0);
            break;
        default:
            range = {value, value};
    }
    return range;
}

void add_range(Conditions& conditions, const PushedCondition& condition, std::int64_t value) {
    // No row is below the smallest number or above the largest one.
    conditions.never = conditions.never || (condition.kind == Kind::less && value == INT64_MIN) ||
                       (condition.kind == Kind::more && value == INT64_MAX);
    Range& range = condition.column == Column::level      ? conditions.level
                   : condition.column == Column::depth    ? conditions.depth
                   : condition.column == Column::distance ? conditions.distance
                                                          : conditions.rank;
    range.intersect(range_of(condition.kind, value));
}

void add_array(Conditions& conditions, Oid type, Datum value) {
    ArrayType* array = DatumGetArrayTypeP(value);
    const Oid element = get_element_type(type);
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(element, &length, &by_value, &alignment);
    Datum* values;
    bool* nulls;
    int count;
    deconstruct_array(array, element, length, by_value, alignment, &values, &nulls, &count);
    int kept = 0;
    for (int i = 0; i < count; ++i) {
        if (!nulls[i]) {
            values[kept++] = key_of(values[i], element);
        }
    }
    conditions.ids = values;
    conditions.id_count = kept;
}

}  // namespace

int push_conditions(PlannerInfo* root, RelOptInfo* rel, const SetFunction& function, List* clauses,
                    PushedCondition* conditions, List*& residual) {
    int count = 0;
    residual = NIL;
    ListCell* cell;
    foreach (cell, clauses) {
        auto* info = lfirst_node(RestrictInfo, cell);
        if (info->pseudoconstant) {
            continue;  // a Result above the scan looks at it
        }
        // A clause may not be looked at before others that keep rows from whoever wrote it, unless it tells nobody of what it sees.
        const bool may_come_first = info->security_level <= rel->baserestrict_min_security || info->leakproof;
        PushedCondition condition;
        if (may_come_first && count < max_conditions &&
            recognise_clause(root, reinterpret_cast<Node*>(info->clause), rel->relid, function, condition)) {
            conditions[count++] = condition;
            if (!is_key_column(condition.column)) {
                continue;
            }
        }
        residual = lappend(residual, info);
    }
    return count;
}

void add_condition(Conditions& conditions, const PushedCondition& condition, Oid comparand_type, Datum value,
                   bool null) {
    if (condition.kind == Kind::yes || condition.kind == Kind::no) {
        const auto leaf = condition.kind == Kind::yes ? Conditions::Leaf::yes : Conditions::Leaf::no;
        conditions.never = conditions.never || (conditions.leaf != Conditions::Leaf::any && conditions.leaf != leaf);
        conditions.leaf = leaf;
        return;
    }
    if (null) {
        conditions.never = true;
        return;
    }
    if (is_range_column(condition.column)) {
        add_range(conditions, condition, integer(value, comparand_type));
    } else if (condition.column == Column::parent_id) {
        conditions.of_parent = true;
        conditions.parent = key_of(value, comparand_type);
    } else if (condition.kind == Kind::any) {
        if (conditions.id_count < 0) {
            add_array(conditions, getBaseType(comparand_type), value);
        }
    } else {
        auto* id = static_cast<Datum*>(palloc(sizeof(Datum)));
        *id = key_of(value, comparand_type);
        conditions.ids = id;
        conditions.id_count = 1;
    }
}

const char* operator_of(Kind kind) {
    switch (kind) {
        case Kind::less:
            return "<";
        case Kind::at_most:
            return "<=";
        case Kind::at_least:
            return ">=";
        case Kind::more:
            return ">";
        default:
            return "=";
    }
}

}  // namespace pg_tree::scan
