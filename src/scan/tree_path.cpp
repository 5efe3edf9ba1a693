#include "scan/tree_path.h"

#include "pg/compat.h"
#include "scan/estimate.h"
#include "scan/functions.h"

extern "C" {
#include "catalog/pg_operator_d.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/guc.h"
#include "utils/selfuncs.h"
}

namespace pg_tree::scan {

namespace {

bool enable_scan = true;
set_rel_pathlist_hook_type previous_pathlist_hook = nullptr;
get_relation_stats_hook_type previous_stats_hook = nullptr;

/// The call, if the range table entry is nothing but one of a function of ours.
FuncExpr* lone_call(const RangeTblEntry& entry, const SetFunction*& function) {
    if (entry.rtekind != RTE_FUNCTION || entry.funcordinality || list_length(entry.functions) != 1) {
        return nullptr;
    }
    auto* call = reinterpret_cast<FuncExpr*>(linitial_node(RangeTblFunction, entry.functions)->funcexpr);
    if (!IsA(call, FuncExpr)) {
        return nullptr;
    }
    function = set_function_of(call->funcid);
    return function == nullptr ? nullptr : call;
}

// --- From a path to a plan -----------------------------------------------------------------------------------------------------

/// Appends the function's columns among these expressions to the scan's row, each once.
void add_columns(List*& row, Node* expressions, Index rel) {
    List* variables =
        pull_var_clause(expressions, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS);
    ListCell* cell;
    foreach (cell, variables) {
        auto* variable = lfirst_node(Var, cell);
        if (static_cast<Index>(variable->varno) == rel && variable->varlevelsup == 0 &&
            tlist_member(reinterpret_cast<Expr*>(variable), row) == nullptr) {
            row = lappend(row, makeTargetEntry(static_cast<Expr*>(copyObjectImpl(variable)),
                                               static_cast<AttrNumber>(list_length(row) + 1), nullptr, false));
        }
    }
}

/// Nobody will ask for more rows than the query's LIMIT: it is the whole query's, nothing between the two drops or reorders rows.
double limit_of(PlannerInfo* root, const CustomPath& path, List* residual) {
    const Query& query = *root->parse;
    const bool plain = root->limit_tuples > 0 && residual == NIL && query.limitOption == LIMIT_OPTION_COUNT &&
                       query.limitCount != nullptr && IsA(query.limitCount, Const) &&
                       (query.limitOffset == nullptr || IsA(query.limitOffset, Const)) && !query.hasAggs &&
                       !query.hasWindowFuncs && !query.hasTargetSRFs && query.groupClause == NIL &&
                       query.groupingSets == NIL && query.distinctClause == NIL && query.setOperations == nullptr &&
                       query.havingQual == nullptr && bms_membership(root->all_baserels) == BMS_SINGLETON &&
                       pathkeys_contained_in(root->query_pathkeys, path.path.pathkeys);
    return plain ? root->limit_tuples : 1e300;
}

Plan* make_plan(PlannerInfo* root, RelOptInfo* rel, CustomPath* path, List* target_list, List* clauses, List*) {
    const RangeTblEntry& entry = *planner_rt_fetch(rel->relid, root);
    const SetFunction* function;
    FuncExpr* call = lone_call(entry, function);
    PushedCondition conditions[max_conditions];
    List* residual;
    const int condition_count = push_conditions(root, rel, *function, clauses, conditions, residual);

    List* row = NIL;
    add_columns(row, reinterpret_cast<Node*>(target_list), rel->relid);
    add_columns(row, reinterpret_cast<Node*>(rel->reltarget->exprs), rel->relid);
    List* quals = extract_actual_clauses(residual, false);
    add_columns(row, reinterpret_cast<Node*>(quals), rel->relid);

    List* expressions = list_make1(call);
    List* attributes = NIL;
    ListCell* cell;
    foreach (cell, row) {
        attributes = lappend_int(attributes, reinterpret_cast<Var*>(lfirst_node(TargetEntry, cell)->expr)->varattno);
    }
    List* pushed = NIL;
    for (int i = 0; i < condition_count; ++i) {
        pushed = lappend_int(pushed, conditions[i].attribute);
        pushed = lappend_int(pushed, static_cast<int>(conditions[i].kind));
        pushed = lappend_int(pushed, conditions[i].comparand == nullptr ? 0 : list_length(expressions));
        if (conditions[i].comparand != nullptr) {
            expressions = lappend(expressions, conditions[i].comparand);
        }
    }
    auto* scan = makeNode(CustomScan);
    scan->scan.plan.targetlist = target_list;
    scan->scan.plan.qual = quals;
    scan->scan.scanrelid = 0;
    scan->flags = path->flags;
    scan->custom_scan_tlist = row;
    scan->custom_exprs = static_cast<List*>(copyObjectImpl(expressions));
    const double most = limit_of(root, *path, residual);
    scan->custom_private =
        list_make5(makeString(pstrdup(function->symbol)), attributes, pushed,
                   makeInteger(most < INT32_MAX ? static_cast<int>(most) : -1), copyObjectImpl(entry.eref->colnames));
    scan->methods = &tree_scan_methods();
    return &scan->scan.plan;
}

const CustomPathMethods path_methods = {
    "TreeScan",
    [](PlannerInfo* root, RelOptInfo* rel, CustomPath* path, List* target_list, List* clauses, List* plans) {
        return pg::enter([&] { return make_plan(root, rel, path, target_list, clauses, plans); });
    },
    nullptr};

// --- Paths ------------------------------------------------------------------------------------------------------------------------

Var* column_variable(Index rel, const SetFunction& function, Column column) {
    for (int i = 0; i < function.columns; ++i) {
        if (function.column[i] == column) {
            const Oid type = column == Column::rank ? INT8OID : INT4OID;
            return makeVar(static_cast<int>(rel), static_cast<AttrNumber>(i + 1), type, -1, InvalidOid, 0);
        }
    }
    return nullptr;
}

List* sort_order(PlannerInfo* root, RelOptInfo* rel, const SetFunction& function) {
    if (function.sorted_by == Column::count) {
        return NIL;
    }
    Var* column = column_variable(rel->relid, function, function.sorted_by);
    const Oid less_than = column->vartype == INT8OID ? Int8LessOperator : Int4LessOperator;
    return pg::sorted_by(root, reinterpret_cast<Expr*>(column), less_than, rel->relids);
}

void add_tree_scan(PlannerInfo* root, RelOptInfo* rel, const SetFunction& function, FuncExpr* call) {
    PushedCondition conditions[max_conditions];
    List* residual;
    const int condition_count = push_conditions(root, rel, function, rel->baserestrictinfo, conditions, residual);
    const CallEstimate estimate = estimate_call(root, function, call, conditions, condition_count);
    if (estimate.matching_rows >= 0) {
        // The conditions that stay are looked at again, though those on keys hold already.
        List* others = NIL;
        ListCell* cell;
        foreach (cell, residual) {
            auto* info = lfirst_node(RestrictInfo, cell);
            PushedCondition known[max_conditions];
            List* rest;
            if (push_conditions(root, rel, function, list_make1(info), known, rest) == 0) {
                others = lappend(others, info);
            }
        }
        rel->rows =
            clamp_row_est(estimate.matching_rows * clauselist_selectivity(root, others, 0, JOIN_INNER, nullptr));
    }
    auto* path = makeNode(CustomPath);
    path->path.pathtype = T_CustomScan;
    path->path.parent = rel;
    path->path.pathtarget = rel->reltarget;
    path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
    path->path.parallel_safe = false;
    path->path.rows = path->path.param_info != nullptr ? path->path.param_info->ppi_rows : rel->rows;
    // No order for one that depends on other tables' rows, as everywhere in the planner.
    path->path.pathkeys = path->path.param_info == nullptr ? sort_order(root, rel, function) : NIL;
    path->flags = CUSTOMPATH_SUPPORT_BACKWARD_SCAN | CUSTOMPATH_SUPPORT_PROJECTION;
    path->methods = &path_methods;

    const CallCost cost = cost_of(estimate);
    QualCost arguments;
    cost_qual_eval(&arguments, call->args, root);
    QualCost filter;
    cost_qual_eval(&filter, extract_actual_clauses(residual, false), root);
    // What conditions cut off costs nothing; what a filter drops has been made.
    const double visited =
        estimate.matching_rows >= 0 ? std::max(estimate.matching_rows, path->path.rows) : rel->tuples;
    path->path.startup_cost =
        cost.startup + arguments.startup + arguments.per_tuple + filter.startup + rel->reltarget->cost.startup;
    path->path.total_cost = path->path.startup_cost + visited * (cost.per_row + filter.per_tuple) +
                            path->path.rows * rel->reltarget->cost.per_tuple;
    // In place of the function scan, not beside it.
    rel->pathlist = NIL;
    add_path(rel, &path->path);
}

void set_pathlist(PlannerInfo* root, RelOptInfo* rel, Index index, RangeTblEntry* entry) {
    if (previous_pathlist_hook != nullptr) {
        previous_pathlist_hook(root, rel, index, entry);
    }
    if (!enable_scan || entry->rtekind != RTE_FUNCTION || root->rowMarks != NIL || IS_DUMMY_REL(rel)) {
        return;
    }
    const SetFunction* function;
    FuncExpr* call = lone_call(*entry, function);
    if (call != nullptr && !FmgrHookIsNeeded(call->funcid)) {
        add_tree_scan(root, rel, *function, call);
    }
}

/// Keys, ranks and paths are different in every row of a call, which the planner else takes for two hundred different values.
bool give_statistics(PlannerInfo* root, RangeTblEntry* entry, AttrNumber attribute, VariableStatData* variable) {
    const SetFunction* function;
    if (entry->rtekind == RTE_FUNCTION && attribute > 0 && lone_call(*entry, function) != nullptr &&
        attribute <= function->columns) {
        const Column column = function->column[attribute - 1];
        variable->isunique = column == Column::id || column == Column::rank || column == Column::path;
        variable->statsTuple = nullptr;
        return true;
    }
    return previous_stats_hook != nullptr && previous_stats_hook(root, entry, attribute, variable);
}

}  // namespace

TreeScanPlan read_plan(const CustomScan& scan) {
    TreeScanPlan plan = {};
    const List* parts = scan.custom_private;
    plan.function = find_set_function(strVal(linitial(parts)));
    ListCell* cell;
    foreach (cell, static_cast<List*>(lsecond(parts))) {
        plan.attributes[plan.place_count++] = lfirst_int(cell);
    }
    auto* pushed = static_cast<List*>(lthird(parts));
    for (int i = 0; i < list_length(pushed); i += 3) {
        const int at = plan.condition_count++;
        PushedCondition& condition = plan.conditions[at];
        condition.attribute = list_nth_int(pushed, i);
        condition.column = plan.function->column[condition.attribute - 1];
        condition.kind = static_cast<PushedCondition::Kind>(list_nth_int(pushed, i + 1));
        condition.comparand = nullptr;
        plan.comparands[at] = list_nth_int(pushed, i + 2);
    }
    const int most = intVal(lfourth(parts));
    plan.most = most < 0 ? 1e300 : most;
    plan.column_names = static_cast<List*>(list_nth(parts, 4));
    return plan;
}

void plan_tree_scans() {
    DefineCustomBoolVariable("pg_tree.enable_scan", "Reads trees with a plan node instead of function scans.",
                             "Off: plain function scans. The answers are the same.", &enable_scan, true, PGC_USERSET,
                             GUC_EXPLAIN, nullptr, nullptr, nullptr);
    RegisterCustomScanMethods(&tree_scan_methods());
    previous_pathlist_hook = set_rel_pathlist_hook;
    set_rel_pathlist_hook = [](PlannerInfo* root, RelOptInfo* rel, Index index, RangeTblEntry* entry) {
        pg::enter([&] { set_pathlist(root, rel, index, entry); });
    };
    previous_stats_hook = get_relation_stats_hook;
    get_relation_stats_hook = [](PlannerInfo* root, RangeTblEntry* entry, AttrNumber attribute,
                                 VariableStatData* variable) {
        return pg::enter([&] { return give_statistics(root, entry, attribute, variable); });
    };
}

}  // namespace pg_tree::scan
