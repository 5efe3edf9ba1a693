// Functions of one value, counted.
#pragma once

#include "pg/function.h"
#include "scan/question.h"

namespace pg_tree::scan {

/// Calls the function and counts the call. Of calls that one expression makes again and again, with hits only, not every one is timed: see
/// counted.cpp.
Datum count_value(FunctionCallInfo fcinfo, stats::Function function, Datum (*body)(FunctionCallInfo));

/// PG_TREE_FUNCTION for a function that reads and returns one value; argument 0 is the key it is about.
#define PG_TREE_COUNTED_FUNCTION(name, counted_as)                                                           \
    static Datum name##_counted(FunctionCallInfo fcinfo);                                                    \
    PG_TREE_FUNCTION(name) {                                                                                 \
        return ::pg_tree::scan::count_value(fcinfo, ::pg_tree::stats::Function::counted_as, name##_counted); \
    }                                                                                                        \
    static Datum name##_counted([[maybe_unused]] FunctionCallInfo fcinfo)

}  // namespace pg_tree::scan
