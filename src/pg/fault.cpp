#include "pg/fault.h"

#ifdef PG_TREE_DEBUG

#include <stdexcept>

#include "pg/error.h"
#include "pg/function.h"
#include "pg/interrupts.h"

namespace pg_tree::pg {

namespace {

enum class Kind : int { none, server_error, bad_alloc, foreign, standard, cancel };

constexpr const char* stage_names[] = {"resolve", "fetch", "receive", "assemble", "sort", "walk", "emit", "allocation"};
constexpr const char* kind_names[] = {"none", "error", "bad_alloc", "foreign", "standard", "cancel"};
static_assert(std::size(stage_names) == static_cast<std::size_t>(Fault::count));

struct Armed {
    Kind kind;
    Fault stage;
    int64 countdown;
};
Armed armed = {Kind::none, Fault::resolve, 0};

Kind take(Fault stage) {
    if (armed.kind == Kind::none || armed.stage != stage || --armed.countdown > 0) {
        return Kind::none;
    }
    return std::exchange(armed.kind, Kind::none);
}

void raise_injected_error() {
    ereport(ERROR, errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION), errmsg("injected error"),
            errdetail("injected detail"), errhint("injected hint"));
}

void cancel_now() {
    QueryCancelPending = true;
    InterruptPending = true;
    ProcessInterrupts();
}

template <std::size_t size>
int position(const char* const (&names)[size], const char* name) {
    for (std::size_t i = 0; i < size; ++i) {
        if (strcmp(names[i], name) == 0) {
            return static_cast<int>(i);
        }
    }
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no fault is called \"%s\"", name));
    pg_unreachable();
}

}  // namespace

void fault_point(Fault stage) {
    switch (take(stage)) {
        case Kind::none:
            return;
        case Kind::server_error:
            call_server([] { raise_injected_error(); });
            return;
        case Kind::bad_alloc:
            throw std::bad_alloc();
        case Kind::foreign:
            throw 1;
        case Kind::standard:
            throw std::runtime_error("injected exception");
        case Kind::cancel:
            call_server([] { cancel_now(); });
            return;
    }
}

void server_fault_point(Fault stage) {
    enter([stage] { fault_point(stage); });
}

/// tree_debug_arm(kind text, stage text, countdown bigint): the next fault, once.
PG_TREE_FUNCTION(tree_debug_arm) {
    char* kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
    char* stage = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const Kind which = static_cast<Kind>(position(kind_names, kind));
    armed = {which, static_cast<Fault>(position(stage_names, stage)), PG_GETARG_INT64(2)};
    PG_RETURN_VOID();
}

/// tree_debug_disarm() RETURNS bool: was a fault still waiting?
PG_TREE_FUNCTION(tree_debug_disarm) { PG_RETURN_BOOL(std::exchange(armed.kind, Kind::none) != Kind::none); }

/// tree_debug_holdoff() RETURNS int: the interrupt hold-off count as seen after call_server() caught an error that was
/// raised with two more holds on. 0 when they were given back.
PG_TREE_FUNCTION(tree_debug_holdoff) {
    const uint32 before = InterruptHoldoffCount;
    uint32 inside = 0;
    HOLD_INTERRUPTS();
    const bool returned = runs_without_error(
        [](void*) {
            HOLD_INTERRUPTS();
            raise_injected_error();
        },
        nullptr);
    inside = InterruptHoldoffCount;
    RESUME_INTERRUPTS();
    if (!returned) {
        FlushErrorState();
    }
    PG_RETURN_INT32(returned ? -1 : static_cast<int32>(inside - before) - 1);
}

}  // namespace pg_tree::pg

#endif
