// Functions of one value, counted.
#pragma once

#include "pg/function.h"
#include "scan/question.h"

namespace pg_tree::scan {

/// Which calls are timed. What a key's place in the image answers at once takes the same time for each: see counted.cpp.
enum class Timed { each, some };

/// Calls the function and counts the call.
Datum count_value(FunctionCallInfo fcinfo, stats::Function function, Timed timed, Datum (*body)(FunctionCallInfo));

/// PG_TREE_FUNCTION for a function that reads and returns one value; argument 0 is the key it is about.
#define PG_TREE_COUNTED_FUNCTION(name, counted_as, timed)                                   \
    static Datum name##_counted(FunctionCallInfo fcinfo);                                   \
    PG_TREE_FUNCTION(name) {                                                                \
        return ::pg_tree::scan::count_value(fcinfo, ::pg_tree::stats::Function::counted_as, \
                                            ::pg_tree::scan::Timed::timed, name##_counted); \
    }                                                                                       \
    static Datum name##_counted([[maybe_unused]] FunctionCallInfo fcinfo)

}  // namespace pg_tree::scan
