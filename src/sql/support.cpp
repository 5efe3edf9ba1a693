// tree_support: what the planner asks of every set-returning function. It also loads the library before a session's first query is planned.

#include "pg/function.h"
#include "scan/estimate.h"
#include "scan/functions.h"

extern "C" {
#include "nodes/supportnodes.h"
}

namespace pg_tree::sql {

namespace {

const scan::SetFunction* asked_about(Oid function, Node* node) {
    return node != nullptr && IsA(node, FuncExpr) ? scan::set_function_of(function) : nullptr;
}

bool support_rows(SupportRequestRows& request) {
    const scan::SetFunction* function = asked_about(request.funcid, request.node);
    if (function == nullptr) {
        return false;
    }
    request.rows =
        scan::estimate_call(request.root, *function, reinterpret_cast<FuncExpr*>(request.node), nullptr, 0).rows;
    return true;
}

/// Of the plain function, which puts its rows into a tuplestore.
bool support_cost(SupportRequestCost& request) {
    const scan::SetFunction* function = asked_about(request.funcid, request.node);
    if (function == nullptr) {
        return false;
    }
    const scan::CallEstimate estimate =
        scan::estimate_call(request.root, *function, reinterpret_cast<FuncExpr*>(request.node), nullptr, 0);
    const scan::CallCost cost = scan::cost_of(estimate);
    request.startup = 0;
    request.per_tuple = cost.startup + estimate.rows * (cost.per_row + scan::store_cost());
    return true;
}

}  // namespace

PG_TREE_FUNCTION(tree_support) {
    auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
    const bool answered =
        IsA(request, SupportRequestRows)   ? support_rows(*reinterpret_cast<SupportRequestRows*>(request))
        : IsA(request, SupportRequestCost) ? support_cost(*reinterpret_cast<SupportRequestCost*>(request))
                                           : false;
    PG_RETURN_POINTER(answered ? request : nullptr);
}

}  // namespace pg_tree::sql
