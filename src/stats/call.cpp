#include "stats/call.h"

#include "stats/slow.h"

extern "C" {
#include "access/xact.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

namespace pg_tree::stats {

namespace {

bool track = true;
double slow_threshold_ms = 100;

ExecutorRun_hook_type next_executor_run = nullptr;

/// The statement that a client waits for, which is the first one that runs for a message. What functions run inside it is a part of it;
/// whatever runs for the message afterwards (in a DO, in a procedure) is not timed.
struct Statement {
    TimestampTz arrived;  ///< of the message, by which the server tells messages apart; stays after an error
    bool running;
    SlotRef tree;  ///< that it called first
    int level;     ///< of the transaction: in which savepoint it runs
};
Statement statement = {};

bool is_slow(std::uint64_t duration) {
    return slow_threshold_ms >= 0 && static_cast<double>(duration) >= slow_threshold_ms * 1e6;
}

template <std::size_t size>
void copy_clipped(char (&to)[size], const char* from, std::size_t length) {
    const int clipped = pg_mbcliplen(from, static_cast<int>(std::min(length, size * 4)), size - 1);
    memcpy(to, from, static_cast<std::size_t>(clipped));
    to[clipped] = '\0';
}

/// Allocates nothing and looks nothing up, for it may have to be done in the middle of an error.
template <std::size_t size>
void write_key(char (&to)[size], const RootKey& root) {
    to[0] = '\0';
    if (root.function == nullptr || root.value.isnull) {
        return;
    }
    const Datum value = root.value.value;
    const Oid type = get_fn_expr_argtype(root.function, root.argument);
    if (type == INT8OID) {
        snprintf(to, size, INT64_FORMAT, DatumGetInt64(value));
    } else if (type == UUIDOID) {
        const pg_uuid_t& uuid = *DatumGetUUIDP(value);
        char* at = to;
        for (int i = 0; i < UUID_LEN; ++i) {
            at += snprintf(at, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid.data[i]);
        }
    } else if (type == TEXTOID) {
        auto* key = reinterpret_cast<varlena*>(DatumGetPointer(value));
        if (!VARATT_IS_EXTERNAL(key) && !VARATT_IS_COMPRESSED(key)) {
            copy_clipped(to, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
        }
    }
}

void note_slow_call(const Call& call, const RootKey& root) {
    SlowCall slow;
    memset(static_cast<void*>(&slow), 0, sizeof slow);
    slow.at = GetCurrentTimestamp();
    slow.database = MyDatabaseId;
    slow.user = call.user;
    slow.caller = call.caller;
    slow.pid = MyProcPid;
    slow.function = call.function;
    slow.source = call.source;
    slow.rows = call.rows;
    slow.duration = call.duration;
    copy_name(call.slot, slow.tree, slow.relation);
    write_key(slow.root, root);
    // A cursor's call may end with another statement, which it has nothing to do with.
    const bool is_its_own = call.arrived == GetCurrentStatementStartTimestamp();
    slow.queryid = is_its_own ? static_cast<std::uint64_t>(pgstat_get_my_query_id()) : 0;
    if (is_its_own && debug_query_string != nullptr) {
        copy_clipped(slow.query, debug_query_string, strlen(debug_query_string));
    }
    note_slow(slow);
}

/// A session that is terminated ends in the middle of its calls.
void cancel_calls(int, Datum) {
    for (; current != nullptr; current = current->outer) {
        // Finding the place of calls without a tree might take a lock.
        if (current->slot.known()) {
            finish(*current, RootKey(), Outcome::cancel);
        }
    }
}

void begin_statement(TimestampTz arrived) {
    statement = {arrived, true, {}, GetCurrentTransactionNestLevel()};
    static bool prepared_for_exit = false;
    if (!std::exchange(prepared_for_exit, true)) {
        before_shmem_exit(cancel_calls, Datum{0});
    }
}

void end_statement() {
    statement.running = false;
    if (statement.tree.known() && is_on()) {
        Sample sample;
        sample.duration =
            static_cast<std::uint64_t>(std::max<TimestampTz>(GetCurrentTimestamp() - statement.arrived, 0)) * 1000;
        count_response(statement.tree, sample);
    }
}

/// An error ends a statement with the transaction or the savepoint that it runs in.
void end_failed_statement() {
    if (statement.running) {
        end_statement();
    }
}
void see_transaction(XactEvent event, void*) {
    if (event == XACT_EVENT_ABORT) {
        end_failed_statement();
    }
}
void see_savepoint(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    // An error that a function catches is in a deeper one.
    if (event == SUBXACT_EVENT_ABORT_SUB && GetCurrentTransactionNestLevel() <= statement.level) {
        end_failed_statement();
    }
}

#if PG_VERSION_NUM >= 180000
#define PG_TREE_RUN_ONCE_PARAMETER
#define PG_TREE_RUN_ONCE
#else
#define PG_TREE_RUN_ONCE_PARAMETER , bool once
#define PG_TREE_RUN_ONCE , once
#endif

void run_executor(QueryDesc* query, ScanDirection direction, uint64 count PG_TREE_RUN_ONCE_PARAMETER) {
    const TimestampTz arrived = GetCurrentStatementStartTimestamp();
    const bool is_outermost = statement.arrived != arrived && is_on() && MyBackendType == B_BACKEND;
    if (is_outermost) {
        begin_statement(arrived);
    }
    if (next_executor_run != nullptr) {
        next_executor_run(query, direction, count PG_TREE_RUN_ONCE);
    } else {
        standard_ExecutorRun(query, direction, count PG_TREE_RUN_ONCE);
    }
    if (is_outermost) {
        end_statement();
    }
}

}  // namespace

bool is_on() { return track && can_count(); }
bool is_every_call_slow() { return slow_threshold_ms == 0; }

void note_statement(SlotRef tree) {
    if (statement.running && !statement.tree.known() && statement.arrived == GetCurrentStatementStartTimestamp()) {
        statement.tree = tree;
    }
}

void finish(Call& call, const RootKey& root, Outcome outcome) {
    if (!call.open) {
        return;
    }
    stop_clock(call);
    call.open = false;
    if (!call.slot.known()) {
        if (outcome == Outcome::success) {
            return;  // nothing was asked of any tree
        }
        call.slot = slot_of_no_tree();
    }
    Sample sample;
    sample.duration = call.duration;
    sample.rows = call.rows;
    sample.source = call.source;
    sample.outcome = outcome;
    sample.slow = is_slow(call.duration);
    count_call(call.slot, call.function, sample);
    if (sample.slow) {
        note_slow_call(call, root);
    }
}

void finish_failed(Call& call, const RootKey& root) {
    finish(call, root, geterrcode() == ERRCODE_QUERY_CANCELED ? Outcome::cancel : Outcome::error);
}

void watch_calls() {
    DefineCustomBoolVariable("pg_tree.track", "Counts calls and times them.",
                             "Needs pg_tree in shared_preload_libraries.", &track, true, PGC_SUSET, 0, nullptr, nullptr,
                             nullptr);
    DefineCustomRealVariable("pg_tree.slow_threshold", "What counts as a slow call, and is shown in tree_stat_slow.",
                             "0: every call is. -1: none is.", &slow_threshold_ms, 100, -1, INT_MAX, PGC_SUSET,
                             GUC_UNIT_MS, nullptr, nullptr, nullptr);
    next_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = run_executor;
    RegisterXactCallback(see_transaction, nullptr);
    RegisterSubXactCallback(see_savepoint, nullptr);
}

}  // namespace pg_tree::stats
