// Counting a call: from its first moment to its end, however that comes.
//
// A call of a set-returning function may be interrupted by whoever takes its rows. Its time is that of its *sections*, in which pg_tree itself
// was at work. An error inside a section ends the call as an error or a cancel; one that somebody else raises meanwhile ends it as it is.
//
// Besides, each statement of a client is timed from its arrival to the end of its execution, however that comes, when it has called pg_tree: its response. Where parsing,
// planning and running come by a message each, that is the last one's arrival. Of a cursor, it is the first FETCH that counts.
#pragma once

#include "pg/error.h"
#include "stats/trees.h"

#include <chrono>

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
}

namespace pg_tree::stats {

/// Trivially destructible: may live in the executor's state.
struct Call {
    Function function = Function::count;
    bool open = false;  ///< begun, counted, and not yet finished
    bool running = false;
    bool interruptible = false;  ///< at work outside of a section, where only an interrupt can end it
    Source source = Source::none;
    SlotRef slot;
    std::uint64_t started = 0;   ///< of the section that runs, by the monotonic clock
    std::uint64_t duration = 0;  ///< nanoseconds, of the sections that have ended
    std::uint64_t rows = 0;
    Oid user = InvalidOid;    ///< the session's, or whom it has SET ROLE to
    Oid caller = InvalidOid;  ///< whose rights the call has; another one's inside of SECURITY DEFINER
    TimestampTz arrived = 0;  ///< of the client's message that began it
    Call* outer = nullptr;    ///< the one in whose section this one's runs
};

/// The key that a call is about, as the caller gave it: a bigint, uuid or text.
struct RootKey {
    FmgrInfo* function = nullptr;  ///< null: there is none
    int argument = 0;
    NullableDatum value = {0, true};
};

/// Is anything counted at all? pg_tree.track, and shared memory to count in.
bool is_on();
/// pg_tree.slow_threshold is 0.
bool is_every_call_slow();

/// Begins a call, if calls are counted now.
inline void begin(Call& call, Function function) {
    call = Call();
    call.function = function;
    call.open = is_on();
    // It may end in another statement, and outside of the function whose rights it has.
    call.user = GetOuterUserId();
    call.caller = GetUserId();
    call.arrived = GetCurrentStatementStartTimestamp();
}

/// The client's statement has called pg_tree.
void note_statement(SlotRef tree);

/// The call whose section is running, or null.
inline Call* current = nullptr;

/// Says which tree the running call is about; a server frame.
inline void name_tree(const registry::TreeUse& use) {
    if (current != nullptr && current->open) {
        current->slot = slot_of(use);
        note_statement(current->slot);
    }
}
inline void name_source(Source source) {
    if (current != nullptr) {
        current->source = source;
    }
}

/// Nanoseconds of the monotonic clock.
inline std::uint64_t clock_now() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count());
}
inline void start_clock(Call& call) {
    if (!call.running) {
        call.started = clock_now();
        call.running = true;
    }
}
inline void stop_clock(Call& call) {
    if (call.running) {
        call.duration += clock_now() - call.started;
        call.running = false;
    }
}

/// Ends the call and counts it; nothing happens when it has ended. Raises nothing.
void finish(Call& call, const RootKey& root, Outcome outcome = Outcome::success);

/// Ends the call as the server's pending error has it.
void finish_failed(Call& call, const RootKey& root);

/// Runs body() as the call's, and says whether it returned; false: an error is pending. The clock is the caller's to start and stop.
template <class Body>
bool runs_as(Call& call, Body& body) {
    struct Run {
        Body* body;
        static void go(void* argument) {
            pg::enter([&] { (*static_cast<Run*>(argument)->body)(); });
        }
    } run = {&body};
    call.outer = current;
    current = &call;
    const bool returned = pg::runs_without_error(Run::go, &run);
    current = call.outer;
    return returned;
}

/// What a section does with the clock.
enum class Clock {
    stop,   ///< it runs for as long as the section does
    go_on,  ///< it keeps running for the next section, which follows at once
    leave   ///< nothing
};

/// A section of the call. root() is asked for when it ends in an error.
template <class Body, class Root>
void section(Call& call, Body&& body, Root&& root, Clock clock = Clock::stop) {
    if (!call.open) {
        body();
        return;
    }
    if (clock != Clock::leave) {
        start_clock(call);
    }
    if (!runs_as(call, body)) {
        stop_clock(call);
        finish_failed(call, root());
        pg::raise_pending();
    }
    if (clock == Clock::stop) {
        stop_clock(call);
    }
}

/// The settings pg_tree.track and pg_tree.slow_threshold, and the hooks that time statements. Called once from _PG_init.
void watch_calls();

}  // namespace pg_tree::stats
