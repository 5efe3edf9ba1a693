// Conditions of a query that a scan can keep by itself.
//
// What is recognised, with a comparand that does not depend on the row:
//   level, depth, distance, rank   <, <=, =, >=, > an integer          kept exactly: the clause is dropped
//   is_leaf, NOT is_leaf           also with IS TRUE and IS FALSE      kept exactly: the clause is dropped
//   id = x, id = ANY (array), parent_id = x                            finds the rows; the clause is looked at again
//
// The comparand is evaluated once, when the scan begins, as an index scan does it.
#pragma once

#include "scan/rows.h"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace pg_tree::scan {

struct PushedCondition {
    enum class Kind : int {
        less = 1,
        at_most,
        equal,
        at_least,
        more,
        any,
        yes,
        no
    };  // the first five as btree numbers them
    Column column;
    int attribute;  ///< the column's number in the function's row
    Kind kind;
    Expr* comparand;  ///< null for yes and no
};

inline constexpr int max_conditions = 16;

/// Takes those clauses (RestrictInfos) out of `clauses` that may and can be pushed into the scan of `rel`, a function of `function`'s columns;
/// what has to be looked at again is left in `residual`, the actual clauses of the others too. Returns how many conditions were found. A
/// server frame.
int push_conditions(PlannerInfo* root, RelOptInfo* rel, const SetFunction& function, List* clauses,
                    PushedCondition* conditions, List*& residual);

/// Adds what a condition asks for. `form` is that of the function's keys; values are of the comparand's type.
void add_condition(Conditions& conditions, const PushedCondition& condition, Oid comparand_type, Datum value,
                   bool null);

/// For EXPLAIN: the operator.
const char* operator_of(PushedCondition::Kind kind);

}  // namespace pg_tree::scan
