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

inline constexpr int first_batch = 4;
inline constexpr int max_batch = 64;

/// Rows that were made and not yet handed out.
struct RowBatch {
    int next;
    int count;
    Datum* values;  ///< of the scan's row, one row after the other
    bool* nulls;
    int64 before;  ///< rows of the call before this batch
    int size;      ///< of the next one
};

struct TreeScanState {
    CustomScanState node;  ///< first: the server knows it by this
    bool plain;            ///< no filter and no projection
    bool is_open;
    bool at_end;
    RowBatch batch;
    Rows* rows;  ///< null: there are none
    stats::Call counted;
    Oid opened_by;                       ///< whose rights the statement has, wherever its rows are fetched
    MemoryContextCallback end_counting;  ///< of a call that the executor does not come back to
    TreeScanPlan plan;

    FuncExpr* call;
    FmgrInfo function;
    bool strict;
    List* arguments;  ///< ExprStates
    /// Values of arguments that are volatile are kept here for as long as the parameters are the same; null: they are not volatile.
    MemoryContext volatile_memory;
    bool arguments_known;
    NullableDatum argument_values[max_arguments];
    /// Of arguments by reference that the call has to keep, the length as the type has it; 0: nothing is to be copied.
    std::int16_t argument_lengths[max_arguments];
    ExprState* comparands[max_conditions];
    Oid comparand_types[max_conditions];
    Bitmapset* argument_parameters;   ///< on which the call depends
    Bitmapset* condition_parameters;  ///< on which conditions depend
    Wanted wanted;
    TupleDesc row_type;  ///< of the function's row, if someone wants it as a whole

    MemoryContext context;     ///< of the open call
    MemoryContext row_memory;  ///< of a batch; null: no stream has needed it
    Relation relation;
    ResourceOwner owner;     ///< of the open relation
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
