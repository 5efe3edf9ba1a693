#include "scan/estimate.h"

#include "pg/compat.h"
#include "scan/functions.h"
#include "scan/question.h"

extern "C" {
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace pg_tree::scan {

namespace {

PlannedArgument plan_argument(PlannerInfo* root, Node* expression) {
    PlannedArgument argument;
    // Without a root when an inlined function's cost is asked for.
    Node* value = root != nullptr ? estimate_expression_value(root, expression) : expression;
    if (IsA(value, Const)) {
        argument.known = true;
        argument.null = reinterpret_cast<Const*>(value)->constisnull;
        argument.value = reinterpret_cast<Const*>(value)->constvalue;
    }
    return argument;
}

/// Rows of a call about which nothing is known, as CREATE FUNCTION says it.
double usual_rows(Oid function) {
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) {
        return 1000;
    }
    const double rows = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->prorows;
    ReleaseSysCache(tuple);
    return rows;
}

/// As the last ANALYZE or VACUUM counted them; negative: it has not been.
double rows_of_relation(Oid relation) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple)) {
        return -1;
    }
    const double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
    ReleaseSysCache(tuple);
    return rows;
}

/// Those conditions of which the comparand is known by now. False: there are others.
bool known_conditions(PlannerInfo* root, const PushedCondition* pushed, int count, Conditions& conditions) {
    bool all = true;
    for (int i = 0; i < count; ++i) {
        PlannedArgument comparand;
        Oid type = InvalidOid;
        if (pushed[i].comparand != nullptr) {
            comparand = plan_argument(root, reinterpret_cast<Node*>(pushed[i].comparand));
            type = exprType(reinterpret_cast<Node*>(pushed[i].comparand));
        }
        if (pushed[i].comparand == nullptr || comparand.known) {
            add_condition(conditions, pushed[i], type, comparand.value, comparand.null);
        } else {
            all = false;
        }
    }
    return all;
}

struct Planned {
    PlannerInfo* root;
    const SetFunction& function;
    FuncExpr* call;
    const PushedCondition* conditions;
    int condition_count;
    PlannedArgument arguments[max_arguments];
};

void estimate_from_image(const Planned& planned, const registry::TreeUse& use, CallEstimate& estimate) {
    const SetFunction& function = planned.function;
    fetch::KeyForm form = fetch::KeyForm::text;
    if (function.key_argument >= 0) {
        const Oid type = exprType(static_cast<Node*>(list_nth(planned.call->args, function.key_argument)));
        form = type == INT8OID ? fetch::KeyForm::bigint : type == UUIDOID ? fetch::KeyForm::uuid : fetch::KeyForm::text;
        const bool fits = form == fetch::KeyForm::bigint ? registry::is_integer(use.tree->key.kind)
                          : form == fetch::KeyForm::uuid ? use.tree->key.kind == registry::KeyKind::uuid
                                                         : true;
        if (!fits) {
            return;  // the call will say so
        }
    }
    cache::Lookup lookup = cache::look_up(use, content_of(function), false);
    if (!lookup.hit()) {
        return;
    }
    const cache::ImageReader reader(lookup.image, *use.tree, form);
    estimate.from_image = true;
    estimate.nodes = lookup.image.header().in_tree;
    core::Rank node = core::no_rank;
    bool known = function.key_argument < 0;
    if (!known && planned.arguments[function.key_argument].known) {
        const PlannedArgument& key = planned.arguments[function.key_argument];
        known = key.null ||
                (reader.find_quietly(key.value, node) && (node == core::no_rank || lookup.image.is_node(node) ||
                                                          lookup.image.anchor(node).kind != core::AnchorKind::cyclic));
    }
    if (known) {
        Conditions conditions;
        estimate.rows = function.estimate(reader, node, planned.arguments, conditions);
        if (planned.condition_count > 0 &&
            known_conditions(planned.root, planned.conditions, planned.condition_count, conditions)) {
            estimate.matching_rows = function.estimate(reader, node, planned.arguments, conditions);
        }
    } else {
        estimate.rows = std::min(function.average(lookup.image), estimate.nodes);
    }
    cache::done(lookup);
}

/// Without an image.
void estimate_from_catalog(const Planned& planned, Oid relation, CallEstimate& estimate) {
    estimate.nodes = rows_of_relation(relation);
    if (estimate.nodes >= 0) {
        estimate.rows = planned.function.key_argument < 0 ? estimate.nodes : std::min(estimate.rows, estimate.nodes);
    }
}

}  // namespace

CallEstimate estimate_call(PlannerInfo* root, const SetFunction& function, FuncExpr* call,
                           const PushedCondition* conditions, int condition_count) {
    CallEstimate estimate = {usual_rows(call->funcid), -1, -1, false};
    Planned planned = {root, function, call, conditions, condition_count, {}};
    const int count = list_length(call->args);
    if (count > max_arguments || count <= function.tree_argument || !ActiveSnapshotSet() ||
        !pg::may_execute(call->funcid)) {
        return estimate;
    }
    const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_tree estimate", ALLOCSET_SMALL_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(context);
    for (int i = 0; i < count; ++i) {
        planned.arguments[i] = plan_argument(root, static_cast<Node*>(list_nth(call->args, i)));
    }
    const PlannedArgument& tree = planned.arguments[function.tree_argument];
    if (tree.known) {
        const char* name = tree.null ? nullptr : TextDatumGetCString(tree.value);
        registry::TreeUse use;
        if (find_tree_quietly(function, *call, name, context, use) &&
            cache::may_read(*use.tree, content_of(function))) {
            estimate_from_catalog(planned, use.tree->relation, estimate);
            estimate_from_image(planned, use, estimate);
        }
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(context);
    return estimate;
}

double store_cost() { return 8 * cpu_operator_cost; }

CallCost cost_of(const CallEstimate& estimate) {
    if (estimate.from_image) {
        // Measured against a sequential scan, of which a row costs about cpu_tuple_cost: docs/benchmarks.scan.md.
        return {20 * cpu_operator_cost, cpu_operator_cost / 2};
    }
    // A row takes a probe of an index and a fetch while there are few; a sequential scan and a sort when there are many.
    const double each = 4 * cpu_tuple_cost + 4 * cpu_operator_cost;
    return {400 * cpu_operator_cost + estimate.rows * each, cpu_operator_cost};
}

}  // namespace pg_tree::scan
