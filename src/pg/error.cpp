#include "pg/error.h"

extern "C" {
#include "access/xact.h"
#include "utils/resowner.h"
}

namespace pg_tree::pg {

namespace {

/// What is to be reported once all C++ objects are gone. Plain memory on purpose, and never two at a time: describing is followed by
/// reporting.
struct Failure {
    bool pending_in_server;
    int sqlstate;
    char message[256];
    char hint[256];
};
Failure failure;

void describe(int sqlstate, const char* message, const char* hint = "") noexcept {
    failure.pending_in_server = false;
    failure.sqlstate = sqlstate;
    strlcpy(failure.message, message, sizeof failure.message);
    strlcpy(failure.hint, hint, sizeof failure.hint);
}

}  // namespace

void describe_current_exception() noexcept {
    try {
        throw;
    } catch (const ServerError&) {
        describe(0, "");
        failure.pending_in_server = true;
    } catch (const BuildMemoryExceeded& exceeded) {
        describe(ERRCODE_OUT_OF_MEMORY, "", "Raise pg_tree.max_build_memory, or ask for a smaller part of the tree.");
        snprintf(failure.message, sizeof failure.message,
                 "reading tree %.120s needs more memory than pg_tree.max_build_memory allows (%zu kB)", exceeded.tree(),
                 exceeded.limit_bytes() / 1024);
    } catch (const std::bad_alloc&) {
        describe(ERRCODE_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& exception) {
        describe(ERRCODE_INTERNAL_ERROR, exception.what());
    } catch (...) {
        describe(ERRCODE_INTERNAL_ERROR, "unknown C++ exception in pg_tree");
    }
}

void raise_described() {
    if (failure.pending_in_server) {
        PG_RE_THROW();
    }
    ereport(ERROR, errcode(failure.sqlstate), errmsg("%s", failure.message),
            failure.hint[0] != '\0' ? errhint("%s", failure.hint) : 0);
    pg_unreachable();
}

bool runs_without_error(void (*fn)(void*), void* argument) {
    const MemoryContext context = CurrentMemoryContext;
    // errfinish() clears these before it jumps (elog.c), which is right for an error that ends the transaction, but our
    // caller is still inside whatever raised them.
    const uint32 interrupt_holdoff = InterruptHoldoffCount;
    const uint32 query_cancel_holdoff = QueryCancelHoldoffCount;
    volatile bool returned = false;
    PG_TRY();
    {
        fn(argument);
        returned = true;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        InterruptHoldoffCount = interrupt_holdoff;
        QueryCancelHoldoffCount = query_cancel_holdoff;
    }
    PG_END_TRY();
    return returned;
}

void raise_pending() { PG_RE_THROW(); }

bool succeeds_in_subtransaction(void (*fn)(void*), void* argument, char (&message)[256], bool* out_of_memory) {
    const MemoryContext context = CurrentMemoryContext;
    const ResourceOwner owner = CurrentResourceOwner;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context);
    const bool succeeded = runs_without_error(fn, argument);
    if (succeeded) {
        ReleaseCurrentSubTransaction();
    } else {
        MemoryContextSwitchTo(context);
        ErrorData* error = CopyErrorData();
        FlushErrorState();
        strlcpy(message, error->message != nullptr ? error->message : "", sizeof message);
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
        // Only the work's own failure is thrown away: not a cancel, a shutdown, exhaustion or corruption.
        const int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
        const bool tolerant = out_of_memory != nullptr;
        if (tolerant) {
            *out_of_memory = error->sqlerrcode == ERRCODE_OUT_OF_MEMORY;
        }
        if (category == ERRCODE_OPERATOR_INTERVENTION ||
            (!tolerant && (category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_INTERNAL_ERROR))) {
            ReThrowError(error);
        }
        FreeErrorData(error);
    }
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    return succeeded;
}

}  // namespace pg_tree::pg
