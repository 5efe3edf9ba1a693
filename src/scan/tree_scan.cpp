// The executor's side of the TreeScan plan node.
//
// A call is opened when its first row is asked for, with the arguments as they are then: the tree is resolved, rights are checked and the
// image is looked up at that moment, for plans know nothing of the table. While it is open the tree's table is open too, so that DDL in the
// same session is refused as it is under any scan; an image stays pinned until the call is closed or its portal's resources are released.
//
// The first backward step puts all rows into a tuplestore and goes on from there: forwards nothing is stored.
//
// A level of the query that locks rows has no TreeScan, but what stands in such a query's subplans may: when the executor looks at a
// changed row again (EvalPlanQual), it runs those as they are, which ExecScan() would not do for a node without a relation of its own.

#include "scan/tree_scan.h"
#include "pg/compat.h"
#include "pg/fault.h"

extern "C" {
#include "access/relation.h"
#include "catalog/objectaccess.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "utils/datum.h"
#include "utils/tuplestore.h"
}

namespace pg_tree::scan {

namespace {

TreeScanState& state_of(CustomScanState* node) { return *reinterpret_cast<TreeScanState*>(node); }

// --- Begin and end ----------------------------------------------------------------------------------------------------------------

struct ParameterSearch {
    Bitmapset* found;
    const PlannedStmt* statement;
};

bool find_parameters(Node* node, void* argument) {
    auto& search = *static_cast<ParameterSearch*>(argument);
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Param) && reinterpret_cast<Param*>(node)->paramkind == PARAM_EXEC) {
        search.found = bms_add_member(search.found, reinterpret_cast<Param*>(node)->paramid);
    } else if (IsA(node, SubPlan)) {
        const auto* plan =
            static_cast<Plan*>(list_nth(search.statement->subplans, reinterpret_cast<SubPlan*>(node)->plan_id - 1));
        search.found = bms_add_members(search.found, plan->extParam);
    }
    return pg::walk_expression(node, find_parameters, argument);
}

/// As the function manager would refuse it.
void check_may_execute(Oid function) {
    if (!pg::may_execute(function)) {
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
    }
    InvokeFunctionExecuteHook(function);
}

/// Someone wants the row as a whole: then all of its columns are needed, and its type with the query's names.
void prepare_whole_rows(TreeScanState& state) {
    state.row_type = CreateTupleDescCopy(get_expr_result_tupdesc(reinterpret_cast<Node*>(state.call), false));
    ExecTypeSetColNames(state.row_type, state.plan.column_names);
    state.row_type->tdtypeid = RECORDOID;
    state.row_type->tdtypmod = -1;
    BlessTupleDesc(state.row_type);
}

/// The key that the open call is about.
stats::RootKey root_key(TreeScanState& state) {
    const int key = state.plan.function->key_argument;
    return key < 0 ? stats::RootKey() : stats::RootKey{&state.function, key, state.argument_values[key]};
}

/// What an argument points to may be a row's of another node, which has gone on or ended by the time that this call is closed and its key noted.
void note_arguments_to_copy(TreeScanState& state) {
    int position = 0;
    ListCell* cell;
    foreach (cell, state.call->args) {
        const auto* argument = static_cast<Node*>(lfirst(cell));
        std::int16_t length;
        bool by_value;
        get_typlenbyval(exprType(argument), &length, &by_value);
        state.argument_lengths[position++] = by_value || IsA(argument, Const) ? std::int16_t{0} : length;
    }
}

void begin_batches(RowBatch& batch) {
    batch.next = batch.count = 0;
    batch.before = 0;
    batch.size = first_batch;
}

/// What was made and nobody came for.
void take_back_rows(TreeScanState& state) {
    if (state.counted.open) {
        state.counted.rows -= static_cast<std::uint64_t>(state.batch.count - state.batch.next);
    }
}

/// Ends a call of which nobody will fetch more.
void finish_counting(TreeScanState& state, const stats::RootKey& root, stats::Outcome outcome) {
    take_back_rows(state);
    stats::finish(state.counted, root, outcome);
}

void begin(TreeScanState& state, EState* executor, int flags) {
    const auto& scan = *reinterpret_cast<CustomScan*>(state.node.ss.ps.plan);
    state.plan = read_plan(scan);
    state.opened_by = GetUserId();
    state.call = linitial_node(FuncExpr, scan.custom_exprs);
    check_may_execute(state.call->funcid);
    state.strict = func_strict(state.call->funcid);
    fmgr_info_cxt(state.call->funcid, &state.function, executor->es_query_cxt);
    fmgr_info_set_expr(reinterpret_cast<Node*>(state.call), &state.function);
    state.arguments = ExecInitExprList(state.call->args, &state.node.ss.ps);
    note_arguments_to_copy(state);
    for (int i = 0; i < state.plan.condition_count; ++i) {
        if (state.plan.comparands[i] > 0) {
            auto* comparand = static_cast<Expr*>(list_nth(scan.custom_exprs, state.plan.comparands[i]));
            state.comparands[i] = ExecInitExpr(comparand, &state.node.ss.ps);
            state.comparand_types[i] = exprType(reinterpret_cast<Node*>(comparand));
        }
    }
    ParameterSearch search = {nullptr, executor->es_plannedstmt};
    find_parameters(reinterpret_cast<Node*>(state.call), &search);
    state.argument_parameters = search.found;
    search.found = nullptr;
    for (int i = 1; i < list_length(scan.custom_exprs); ++i) {
        find_parameters(static_cast<Node*>(list_nth(scan.custom_exprs, i)), &search);
    }
    state.condition_parameters = search.found;

    const SetFunction& function = *state.plan.function;
    for (int i = 0; i < state.plan.place_count; ++i) {
        if (state.plan.attributes[i] == 0) {
            prepare_whole_rows(state);
        }
    }
    if (state.row_type != nullptr) {
        for (int i = 0; i < function.columns; ++i) {
            state.wanted.places.want(function.column[i], i);
        }
    } else {
        for (int i = 0; i < state.plan.place_count; ++i) {
            state.wanted.places.want(function.column[state.plan.attributes[i] - 1], i);
        }
    }
    state.wanted.most = state.plan.most;
    if ((flags & EXEC_FLAG_EXPLAIN_ONLY) == 0) {
        state.context = AllocSetContextCreate(executor->es_query_cxt, "TreeScan", ALLOCSET_DEFAULT_SIZES);
        if (contain_volatile_functions(reinterpret_cast<Node*>(state.call->args))) {
            state.volatile_memory =
                AllocSetContextCreate(executor->es_query_cxt, "TreeScan arguments", ALLOCSET_SMALL_SIZES);
        }
        const auto cells = static_cast<std::size_t>(max_batch * std::max(state.plan.place_count, 1));
        state.batch.values = static_cast<Datum*>(palloc(cells * (sizeof(Datum) + sizeof(bool))));
        state.batch.nulls = reinterpret_cast<bool*>(state.batch.values + cells);
        begin_batches(state.batch);
        // After somebody else's error there is no end(). The arguments' memory has gone by then.
        state.end_counting = {[](void* argument) {
                                  auto& ended = *static_cast<TreeScanState*>(argument);
                                  finish_counting(
                                      ended, stats::RootKey(),
                                      ended.counted.interruptible ? stats::Outcome::cancel : stats::Outcome::success);
                              },
                              &state, nullptr};
        MemoryContextRegisterResetCallback(executor->es_query_cxt, &state.end_counting);
        state.plain = state.node.ss.ps.qual == nullptr && state.node.ss.ps.ps_ProjInfo == nullptr;
    }
}

/// Takes the relation that is read now; what was open before is closed.
void hold_relation(TreeScanState& state, Oid relation) {
    if (state.relation != nullptr && RelationGetRelid(state.relation) == relation) {
        return;
    }
    Relation opened = OidIsValid(relation) ? relation_open(relation, NoLock) : nullptr;
    const ResourceOwner now = CurrentResourceOwner;
    if (state.relation != nullptr) {
        CurrentResourceOwner = state.owner;
        relation_close(state.relation, NoLock);
        CurrentResourceOwner = now;
    }
    state.relation = opened;
    state.owner = now;
}

void close_call(TreeScanState& state) {
    if (!state.is_open) {
        return;
    }
    finish_counting(state, root_key(state), stats::Outcome::success);
    state.is_open = state.at_end = false;
    begin_batches(state.batch);
    if (state.rows != nullptr) {
        state.skipped += state.rows->skipped();
        state.rows->close();
        state.rows = nullptr;
    }
    if (state.store != nullptr) {
        ExecClearTuple(state.stored);
        tuplestore_end(state.store);
        state.store = nullptr;
    }
}

void end(TreeScanState& state) {
    close_call(state);
    hold_relation(state, InvalidOid);
}

// --- Open -------------------------------------------------------------------------------------------------------------------------

/// Values in the current context, unless they are to be kept.
void evaluate_arguments(TreeScanState& state) {
    if (state.arguments_known) {
        return;
    }
    MemoryContext caller = CurrentMemoryContext;
    if (state.volatile_memory != nullptr) {
        MemoryContextReset(state.volatile_memory);
        MemoryContextSwitchTo(state.volatile_memory);
    }
    int position = 0;
    ListCell* cell;
    foreach (cell, state.arguments) {
        NullableDatum& argument = state.argument_values[position];
        argument.value =
            ExecEvalExpr(static_cast<ExprState*>(lfirst(cell)), state.node.ss.ps.ps_ExprContext, &argument.isnull);
        if (state.argument_lengths[position] != 0 && !argument.isnull) {
            argument.value = datumCopy(argument.value, false, state.argument_lengths[position]);
        }
        ++position;
    }
    state.arguments_known = state.volatile_memory != nullptr;
    MemoryContextSwitchTo(caller);
}

/// The conditions as they are for this call; values in the current context.
void evaluate_conditions(TreeScanState& state) {
    for (int i = 0; i < state.plan.condition_count; ++i) {
        bool null = false;
        const Datum value = state.comparands[i] == nullptr
                                ? Datum{0}
                                : ExecEvalExpr(state.comparands[i], state.node.ss.ps.ps_ExprContext, &null);
        add_condition(state.wanted.conditions, state.plan.conditions[i], state.comparand_types[i], value, null);
    }
}

void count_call(TreeScanState& state, const Origin& origin) {
    state.origin = origin;
    switch (origin.kind) {
        case Origin::Kind::hit:
            ++state.hits;
            break;
        case Origin::Kind::miss:
            ++state.misses;
            break;
        case Origin::Kind::bypass:
            ++state.bypasses;
            break;
        case Origin::Kind::none:
            break;
    }
}

void open_call(TreeScanState& state) {
    MemoryContextReset(state.context);
    const MemoryContext caller = MemoryContextSwitchTo(state.context);
    LOCAL_FCINFO(fcinfo, max_arguments);
    InitFunctionCallInfoData(*fcinfo, &state.function, static_cast<short>(list_length(state.arguments)),
                             state.call->inputcollid, nullptr, nullptr);
    evaluate_arguments(state);
    bool refused = false;
    for (int i = 0; i < list_length(state.arguments); ++i) {
        fcinfo->args[i] = state.argument_values[i];
        refused = refused || (state.strict && fcinfo->args[i].isnull);
    }
    // Where there can be no rows, nothing is compared with them.
    const int key = state.plan.function->key_argument;
    state.wanted.conditions = {};
    if (!refused && (key < 0 || !fcinfo->args[key].isnull)) {
        evaluate_conditions(state);
    }
    if (!refused) {
        PgStat_FunctionCallUsage usage;
        pgstat_init_function_usage(fcinfo, &usage);
        OpenCall call;
        stats::begin(state.counted, state.plan.function->counted);
        state.counted.caller = state.opened_by;
        // The clock goes on: the first rows are made at once.
        stats::section(
            state.counted, [&] { call = state.plan.function->open(fcinfo, state.wanted); },
            [&] { return root_key(state); }, stats::Clock::go_on);
        pgstat_end_function_usage(&usage, true);
        state.rows = call.rows;
        count_call(state, call.origin);
        if (call.tree.tree != nullptr) {
            if (state.tree_name == nullptr) {
                state.tree_name = MemoryContextStrdup(state.node.ss.ps.state->es_query_cxt, call.tree.tree->name);
            }
            hold_relation(state, call.tree.tree->relation);
        }
        pg::server_fault_point(pg::Fault::emit);
    }
    state.is_open = true;
    MemoryContextSwitchTo(caller);
}

// --- Rows -------------------------------------------------------------------------------------------------------------------------

// Rows are made a few at a time, which is quicker than each by itself: the slot is pointed at one after the other. The first batch is small,
// for who wants but one row.

/// The function's row, of which some columns are wanted, and the row as a whole.
int make_whole_row(TreeScanState& state) {
    Datum values[max_columns];
    bool nulls[max_columns];
    if (!state.rows->next(values, nulls)) {
        return 0;
    }
    for (int i = 0; i < state.plan.place_count; ++i) {
        const int attribute = state.plan.attributes[i];
        state.batch.nulls[i] = attribute > 0 && nulls[attribute - 1];
        state.batch.values[i] =
            attribute > 0 ? values[attribute - 1] : HeapTupleGetDatum(heap_form_tuple(state.row_type, values, nulls));
    }
    return 1;
}

/// Rows that are but pointed to, without memory of their own and without comparing anything: nothing can fail.
bool is_made_of_pointers(const TreeScanState& state) {
    return !state.rows->allocates() && state.row_type == nullptr && !state.wanted.conditions.limits();
}

/// A handful of rows straight from an image is made in less time than looking at the clock takes.
bool is_worth_timing(const TreeScanState& state) {
    const RowBatch& batch = state.batch;
    const bool few = batch.size < max_batch || batch.count < max_batch / 4;
    return state.counted.running || !few || state.rows == nullptr || !is_made_of_pointers(state);
}

/// The next rows of the stream. False: there are none.
[[gnu::noinline]] bool make_batch(TreeScanState& state) {
    RowBatch& batch = state.batch;
    const bool timed = is_worth_timing(state);
    batch.before += batch.count;
    batch.next = batch.count = 0;
    if (state.rows == nullptr) {
        stats::finish(state.counted, root_key(state));
        return false;
    }
    MemoryContext caller = CurrentMemoryContext;
    if (state.rows->allocates() || state.row_type != nullptr) {
        if (state.row_memory == nullptr) {
            state.row_memory =
                AllocSetContextCreate(state.node.ss.ps.state->es_query_cxt, "TreeScan rows", ALLOCSET_DEFAULT_SIZES);
        }
        MemoryContextReset(state.row_memory);
        MemoryContextSwitchTo(state.row_memory);
    }
    auto make_rows = [&] {
        batch.count = state.row_type != nullptr
                          ? make_whole_row(state)
                          : state.rows->next_rows(batch.values, batch.nulls, state.plan.place_count, batch.size);
    };
    if (state.counted.open && is_made_of_pointers(state)) {
        // Without a section, which costs as much as some rows.
        if (timed) {
            stats::start_clock(state.counted);
        }
        state.counted.interruptible = true;
        make_rows();
        state.counted.interruptible = false;
        stats::stop_clock(state.counted);
    } else {
        stats::section(
            state.counted, make_rows, [&] { return root_key(state); },
            timed ? stats::Clock::stop : stats::Clock::leave);
    }
    batch.size *= batch.size < max_batch ? 4 : 1;
    MemoryContextSwitchTo(caller);
    state.counted.rows += static_cast<std::uint64_t>(batch.count);
    if (batch.count == 0) {
        stats::finish(state.counted, root_key(state));
    }
    return batch.count > 0;
}

/// The next row in the slot, forwards.
[[gnu::always_inline]] inline bool next_row(TreeScanState& state, TupleTableSlot* slot) {
    RowBatch& batch = state.batch;
    if ((slot->tts_flags & TTS_FLAG_SHOULDFREE) != 0) {
        ExecClearTuple(slot);  // somebody above has made it the owner of its values
    }
    if (batch.next == batch.count && !make_batch(state)) {
        return false;
    }
    const int columns = state.plan.place_count;
    slot->tts_values = batch.values + static_cast<std::ptrdiff_t>(batch.next) * columns;
    slot->tts_isnull = batch.nulls + static_cast<std::ptrdiff_t>(batch.next) * columns;
    ++batch.next;
    slot->tts_flags &= static_cast<uint16>(~TTS_FLAG_EMPTY);
    slot->tts_nvalid = static_cast<AttrNumber>(columns);
    return true;
}

/// Every row of the call into a tuplestore, which then stands where the stream stood.
void store_rows(TreeScanState& state, TupleTableSlot* slot) {
    const int64 seen = state.batch.before + state.batch.next;
    const MemoryContext caller = MemoryContextSwitchTo(state.context);
    state.store = tuplestore_begin_heap(true, false, work_mem);
    MemoryContextSwitchTo(caller);
    if (state.stored == nullptr) {
        state.stored = ExecInitExtraTupleSlot(state.node.ss.ps.state, slot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
    }
    tuplestore_set_eflags(state.store, EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD);
    const bool was_at_end = state.at_end;
    if (state.counted.open) {
        state.counted.rows -= static_cast<std::uint64_t>(state.batch.before + state.batch.count);  // made once more
    }
    if (state.rows != nullptr) {
        state.rows->rewind();
    }
    begin_batches(state.batch);
    while (next_row(state, slot)) {
        CHECK_FOR_INTERRUPTS();
        tuplestore_puttupleslot(state.store, slot);
    }
    ExecClearTuple(slot);
    tuplestore_rescan(state.store);
    if (seen > 0) {
        tuplestore_skiptuples(state.store, seen, true);
    }
    if (was_at_end) {
        tuplestore_advance(state.store, true);
    }
}

bool stored_row(TreeScanState& state, TupleTableSlot* slot, bool forward) {
    if (state.store == nullptr) {
        store_rows(state, slot);
    }
    ExecClearTuple(slot);
    if (!tuplestore_gettupleslot(state.store, forward, false, state.stored)) {
        return false;
    }
    slot_getallattrs(state.stored);
    for (int i = 0; i < state.plan.place_count; ++i) {
        state.batch.values[i] = state.stored->tts_values[i];
        state.batch.nulls[i] = state.stored->tts_isnull[i];
    }
    slot->tts_values = state.batch.values;
    slot->tts_isnull = state.batch.nulls;
    ExecStoreVirtualTuple(slot);
    return true;
}

/// A row that is not simply the stream's next one.
[[gnu::noinline]] bool find_row(TreeScanState& state, TupleTableSlot* slot) {
    if (!state.is_open) {
        open_call(state);
    }
    const bool forward = ScanDirectionIsForward(state.node.ss.ps.state->es_direction);
    if (!forward || state.store != nullptr) {
        return stored_row(state, slot, forward);
    }
    const bool found = next_row(state, slot);
    state.at_end = !found;
    return found;
}

/// The next row that passes the filter, projected.
[[gnu::noinline]] TupleTableSlot* next_checked(TreeScanState& state) {
    PlanState& node = state.node.ss.ps;
    TupleTableSlot* slot = state.node.ss.ss_ScanTupleSlot;
    ExprContext* context = node.ps_ExprContext;
    for (;;) {
        ResetExprContext(context);
        if (!find_row(state, slot)) {
            ExecClearTuple(slot);
            return node.ps_ProjInfo == nullptr ? slot : ExecClearTuple(node.ps_ProjInfo->pi_state.resultslot);
        }
        context->ecxt_scantuple = slot;
        if (node.qual == nullptr || ExecQual(node.qual, context)) {
            return node.ps_ProjInfo == nullptr ? slot : ExecProject(node.ps_ProjInfo);
        }
        InstrCountFiltered1(&state.node.ss.ps, 1);
        CHECK_FOR_INTERRUPTS();
    }
}

/// What most rows go through: the next one of the batch is what is wanted.
inline TupleTableSlot* next(TreeScanState& state) {
    if (!state.plain || state.batch.next == state.batch.count ||
        !ScanDirectionIsForward(state.node.ss.ps.state->es_direction)) {
        return next_checked(state);
    }
    TupleTableSlot* slot = state.node.ss.ss_ScanTupleSlot;
    next_row(state, slot);
    return slot;
}

void rescan(TreeScanState& state) {
    ExecClearTuple(state.node.ss.ss_ScanTupleSlot);
    // Parameters that are neither the call's nor the conditions' are the filter's. What a volatile argument gave stays until a parameter of
    // the arguments changes.
    const Bitmapset* changed = state.node.ss.ps.chgParam;
    const bool other_arguments = bms_overlap(changed, state.argument_parameters);
    state.arguments_known = state.arguments_known && !other_arguments;
    if (other_arguments || bms_overlap(changed, state.condition_parameters)) {
        close_call(state);
    }
    if (!state.is_open) {
        return;
    }
    state.at_end = false;
    take_back_rows(state);
    begin_batches(state.batch);
    if (state.store != nullptr) {
        tuplestore_rescan(state.store);
    } else if (state.rows != nullptr) {
        state.rows->rewind();
    }
}

// --- The door -------------------------------------------------------------------------------------------------------------------

const CustomExecMethods exec_methods = {
    "TreeScan",
    [](CustomScanState* node, EState* executor, int flags) {
        pg::enter([&] { begin(state_of(node), executor, flags); });
    },
    [](CustomScanState* node) { return pg::enter([&] { return next(state_of(node)); }); },
    [](CustomScanState* node) { pg::enter([&] { end(state_of(node)); }); },
    [](CustomScanState* node) { pg::enter([&] { rescan(state_of(node)); }); },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    [](CustomScanState* node, List* ancestors, ExplainState* output) {
        pg::enter([&] { explain(state_of(node), ancestors, output); });
    }};

Node* create_state(CustomScan*) {
    auto* state = new (palloc0(sizeof(TreeScanState))) TreeScanState();
    state->node.ss.ps.type = T_CustomScanState;
    state->node.methods = &exec_methods;
    return reinterpret_cast<Node*>(state);
}

const CustomScanMethods scan_methods = {"TreeScan",
                                        [](CustomScan* scan) { return pg::enter([&] { return create_state(scan); }); }};

}  // namespace

const CustomScanMethods& tree_scan_methods() { return scan_methods; }

}  // namespace pg_tree::scan
