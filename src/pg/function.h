// How a C++ function is handed to the server.
#pragma once

#include "pg/error.h"

namespace pg_tree::pg {

/// The body of an SQL function or callback is a server frame; wrapping it in enter() makes it certain that an exception
/// which slipped out of a C++ frame inside it ends as a server error and not in the server's C frames.
///
///     PG_TREE_FUNCTION(tree_depth) { ... PG_RETURN_INT32(depth); }
///
/// The body gets `fcinfo` and returns a Datum.
#define PG_TREE_FUNCTION(name)                                                                \
    static Datum name##_body(FunctionCallInfo fcinfo);                                        \
    _Pragma("GCC visibility push(default)") extern "C" {                                      \
        PG_FUNCTION_INFO_V1(name);                                                            \
        Datum name(PG_FUNCTION_ARGS) {                                                        \
            return ::pg_tree::pg::enter([fcinfo]() -> Datum { return name##_body(fcinfo); }); \
        }                                                                                     \
    }                                                                                         \
    _Pragma("GCC visibility pop") static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)

}  // namespace pg_tree::pg
