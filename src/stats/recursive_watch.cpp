// Which statements recurse over which tables, and how long they take: hooks around the executor.

#include "pg/compat.h"
#include "stats/call.h"
#include "stats/recursive.h"
#include "stats/tree_like.h"

extern "C" {
#include "access/parallel.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "parser/parsetree.h"
#include "utils/backend_status.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif
}

namespace pg_tree::stats {

namespace {

ExecutorStart_hook_type next_start = nullptr;
ExecutorEnd_hook_type next_end = nullptr;

/// A statement between its start and its end, in the memory of the executor's state. That is freed however the statement ends, and takes
/// it out of the list.
struct Running {
    Running* next;
    EState* state;
    List* relations;  ///< OIDs, at least one
    uint64 queryid;   ///< 0: there is none
    MemoryContextCallback at_end;
};
Running* running = nullptr;

void forget_running(void* argument) {
    Running** link = &running;
    while (*link != nullptr && *link != argument) {
        link = &(*link)->next;
    }
    if (*link != nullptr) {
        *link = (*link)->next;
    }
}

/// A recursive query is a plan of its own beside the main one, and the term that refers to itself keeps its entry in the range table.
bool is_recursive(const PlannedStmt& statement) {
    ListCell* cell;
    foreach (cell, statement.rtable) {
        const auto* entry = lfirst_node(RangeTblEntry, cell);
        if (entry->rtekind == RTE_CTE && entry->self_reference) {
            return true;
        }
    }
    return false;
}

// --- The tables that a recursion reads --------------------------------------------------------------------------------------
//
// Not all tables of the statement: what a recursion's result is joined to afterwards may well be another tree.

struct Search {
    const PlannedStmt* statement;
    List* subplans;   ///< PlanState*, in the order of their numbers
    List* relations;  ///< OIDs, each once
    List* queries;    ///< of WITH: those that were looked through
};

/// Partitions and inheriting tables count under the table that the statement names.
Oid named_relation(const PlannedStmt& statement, Oid relation) {
    for (;;) {
        const Oid parent = know_relation(relation).parent;
        if (!OidIsValid(parent) || !list_member_oid(statement.relationOids, parent)) {
            return relation;
        }
        relation = parent;
    }
}

/// Takes the table of this entry of the range table in. False: it is not one.
bool add_entry(Search& search, Index entry) {
    const RangeTblEntry* range = rt_fetch(entry, search.statement->rtable);
    if (range->rtekind != RTE_RELATION) {
        return false;
    }
    const Oid relation = named_relation(*search.statement, range->relid);
    if (know_relation(relation).tree_like) {
        search.relations = list_append_unique_oid(search.relations, relation);
    }
    return true;
}

bool add_entries(Search& search, const Bitmapset* entries) {
    bool any = false;
    for (int entry = -1; (entry = bms_next_member(entries, entry)) >= 0;) {
        any |= add_entry(search, static_cast<Index>(entry));
    }
    return any;
}

bool add_tables(PlanState* node, void* argument);

bool add_subselects(Node* node, void* argument) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, SubPlan)) {
        const int number = reinterpret_cast<const SubPlan*>(node)->plan_id;
        (void)add_tables(static_cast<PlanState*>(list_nth(static_cast<Search*>(argument)->subplans, number - 1)),
                         argument);
    }
    return pg::walk_expression(node, add_subselects, argument);
}

bool add_tables(PlanState* node, void* argument) {
    auto& search = *static_cast<Search*>(argument);
    PlanState** parts = nullptr;
    int count = 0;
    const Bitmapset* whole = nullptr;
    switch (nodeTag(node)) {
        case T_SeqScanState:
        case T_SampleScanState:
        case T_IndexScanState:
        case T_IndexOnlyScanState:
        case T_BitmapHeapScanState:
        case T_TidScanState:
        case T_TidRangeScanState:
        case T_ForeignScanState:
        case T_CustomScanState:
            if (const Index entry = reinterpret_cast<const Scan*>(node->plan)->scanrelid; entry > 0) {
                (void)add_entry(search, entry);
            } else if (IsA(node->plan, ForeignScan)) {  // a join done elsewhere
                (void)add_entries(search, reinterpret_cast<const ForeignScan*>(node->plan)->fs_relids);
            }
            break;
        case T_CteScanState: {
            PlanState* query = reinterpret_cast<const CteScanState*>(node)->cteplanstate;
            if (!list_member_ptr(search.queries, query)) {
                search.queries = lappend(search.queries, query);
                (void)add_tables(query, argument);
            }
            break;
        }
        case T_WorkTableScanState:
            // The recursion's own rows. This node alone sets its columns up when it first runs, subselects in them included.
            (void)add_subselects(reinterpret_cast<Node*>(node->plan->targetlist), argument);
            break;
        case T_AppendState:
            whole = reinterpret_cast<const Append*>(node->plan)->apprelids;
            parts = reinterpret_cast<const AppendState*>(node)->appendplans;
            count = reinterpret_cast<const AppendState*>(node)->as_nplans;
            break;
        case T_MergeAppendState:
            whole = reinterpret_cast<const MergeAppend*>(node->plan)->apprelids;
            parts = reinterpret_cast<const MergeAppendState*>(node)->mergeplans;
            count = reinterpret_cast<const MergeAppendState*>(node)->ms_nplans;
            break;
        default:
            break;
    }
    // Where the table is known that these are partitions of, one of them says what all do: there may be thousands.
    if (add_entries(search, whole)) {
        return count > 0 && add_tables(parts[0], argument);
    }
    return pg::walk_plan_state(node, add_tables, argument);
}

bool add_recursions(PlanState* node, void* argument) {
    if (IsA(node, RecursiveUnionState)) {
        // The other term may have found where to begin in any table.
        (void)add_tables(innerPlanState(node), argument);
    }
    return pg::walk_plan_state(node, add_recursions, argument);
}

// --- The hooks ------------------------------------------------------------------------------------------------------------

void watch_statement(QueryDesc* query) {
    MemoryContext caller = MemoryContextSwitchTo(query->estate->es_query_cxt);
    Search search = {query->plannedstmt, query->estate->es_subplanstates, NIL, NIL};
    (void)add_recursions(query->planstate, &search);
    if (search.relations != NIL) {
        // With everything there is to measure: another extension may come upon it and go by what it finds.
        if (query->totaltime == nullptr) {
            query->totaltime = InstrAlloc(1, INSTRUMENT_ALL, false);
        }
        auto* statement = static_cast<Running*>(palloc0(sizeof(Running)));
        // What stands in CREATE TABLE AS or DECLARE has no id of its own: it goes under that of the command.
        const auto own = static_cast<uint64>(query->plannedstmt->queryId);
        *statement = {running,
                      query->estate,
                      search.relations,
                      own != 0 ? own : static_cast<uint64>(pgstat_get_my_query_id()),
                      {forget_running, statement, nullptr}};
        MemoryContextRegisterResetCallback(query->estate->es_query_cxt, &statement->at_end);
        running = statement;
    }
    MemoryContextSwitchTo(caller);
}

void count_statement(QueryDesc* query, const Running& statement) {
    if (query->totaltime == nullptr || !query->already_executed) {
        return;  // a cursor that nobody fetched from
    }
    InstrEndLoop(query->totaltime);
    const auto nanoseconds = static_cast<uint64>(std::max(query->totaltime->total, 0.0) * 1e9);
    ListCell* cell;
    foreach (cell, statement.relations) {
        count_recursive(lfirst_oid(cell), statement.queryid, nanoseconds);
    }
}

void see_start(QueryDesc* query, int flags) {
    if (next_start != nullptr) {
        next_start(query, flags);
    } else {
        standard_ExecutorStart(query, flags);
    }
    // First what says no to nearly all of them.
    if (query->plannedstmt->subplans != NIL && can_count_recursive() && is_on() &&
        (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && !IsParallelWorker() && is_recursive(*query->plannedstmt)) {
        watch_statement(query);
    }
}

void see_end(QueryDesc* query) {
    for (const Running* statement = running; statement != nullptr; statement = statement->next) {
        if (statement->state == query->estate) {
            count_statement(query, *statement);
            break;
        }
    }
    if (next_end != nullptr) {
        next_end(query);
    } else {
        standard_ExecutorEnd(query);
    }
}

}  // namespace

void watch_recursive_queries() {
    if (process_shared_preload_libraries_in_progress) {
        EnableQueryId();
    }
    watch_relations();
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = see_start;
    next_end = ExecutorEnd_hook;
    ExecutorEnd_hook = see_end;
}

}  // namespace pg_tree::stats
