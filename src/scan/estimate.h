// What the planner is told of a call.
//
// Numbers come from the tree's image, and only if the caller could read them there: the tree is resolved and the image looked up as it
// would be for the call itself, with the caller's rights. Nothing here raises an error for what is wrong with the call: that is said when
// it runs.
#pragma once

#include "scan/conditions.h"

namespace pg_tree::scan {

struct CallEstimate {
    double rows;           ///< of the call
    double matching_rows;  ///< of those that satisfy the conditions; negative: not known
    double nodes;          ///< in the whole tree; negative: not known
    bool from_image;       ///< it will probably be answered from an image
};

/// `conditions` may be null. A server frame.
CallEstimate estimate_call(PlannerInfo* root, const SetFunction& function, FuncExpr* call,
                           const PushedCondition* conditions, int condition_count);

/// In the planner's units: what has to be spent before the first row, and on each.
struct CallCost {
    double startup;
    double per_row;
};
CallCost cost_of(const CallEstimate& estimate);

/// What it takes to put a row into a tuplestore and to take it out again.
double store_cost();

}  // namespace pg_tree::scan
