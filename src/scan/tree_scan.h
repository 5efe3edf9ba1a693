// The state of a running TreeScan.
#pragma once

#include "scan/tree_path.h"

extern "C" {
#include "commands/explain.h"
#include "nodes/execnodes.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_state.h"
#endif
}

namespace pg_tree::scan {

struct TreeScanState {
    CustomScanState node;  ///< first: the server knows it by this
    TreeScanPlan plan;

    FuncExpr* call;
    FmgrInfo function;
    bool strict;
    List* arguments;  ///< ExprStates
    ExprState* comparands[max_conditions];
    Oid comparand_types[max_conditions];
    Bitmapset* parameters;  ///< on which the call depends
    Wanted wanted;
    TupleDesc row_type;  ///< of the function's row, if someone wants it as a whole

    MemoryContext context;  ///< of the open call
    bool is_open;
    Rows* rows;  ///< null: there are none
    Relation relation;
    ResourceOwner owner;  ///< of the open relation
    int64 rows_seen;      ///< of the open call, while there is no store
    bool at_end;
    Tuplestorestate* store;  ///< every row, once somebody has gone backwards
    TupleTableSlot* stored;

    // For EXPLAIN.
    char* tree_name;  ///< of the first call
    Origin origin;    ///< of the last one
    int64 hits;
    int64 misses;
    int64 bypasses;
    std::uint64_t skipped;  ///< by calls that are closed
};

/// What EXPLAIN says of the node besides what the server does. A server frame.
void explain(TreeScanState& state, List* ancestors, ExplainState* output);

}  // namespace pg_tree::scan
