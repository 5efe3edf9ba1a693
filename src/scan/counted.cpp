// A value costs some tenths of a microsecond when a condition asks for one row after the other, and looking at a clock twice costs about as
// much as a third of that. So where every hit takes the same time, all calls of an expression are timed until 64 of them were hits, and then
// one in 16; those in between count with the duration of the latest one that was timed. Every call is counted, and each is timed while every
// one is to be noted as slow.

#include "scan/counted.h"

namespace pg_tree::scan {

namespace {

constexpr int timed_at_first = 64;
constexpr int untimed_between = 15;

CallMemo* memo_of(FunctionCallInfo fcinfo) { return static_cast<CallMemo*>(fcinfo->flinfo->fn_extra); }

void count_untimed(CallMemo& memo) {
    if (memo.untimed == 0) {
        return;
    }
    stats::Sample sample;
    sample.duration = memo.duration;
    sample.calls = static_cast<std::uint64_t>(std::exchange(memo.untimed, 0));
    sample.source = stats::Source::hit;
    stats::count_call(memo.slot, memo.function, sample);
}

/// The next call's duration stands for those that follow it.
void remember_duration(CallMemo& memo, const stats::Call& call) {
    if (memo.timed == 0) {
        memo.count_untimed = {[](void* argument) { count_untimed(*static_cast<CallMemo*>(argument)); }, &memo, nullptr};
        MemoryContextRegisterResetCallback(GetMemoryChunkContext(&memo), &memo.count_untimed);
    }
    memo.timed += memo.timed < timed_at_first ? 1 : 0;
    memo.function = call.function;
    memo.slot = call.slot;
    memo.duration = call.duration;
}

}  // namespace

Datum count_value(FunctionCallInfo fcinfo, stats::Function function, Timed timed_calls,
                  Datum (*body)(FunctionCallInfo)) {
    stats::Call call;
    stats::begin(call, function);
    if (!call.open) {
        return body(fcinfo);
    }
    const stats::RootKey root = {fcinfo->flinfo, 0, fcinfo->args[0]};
    CallMemo* memo = memo_of(fcinfo);
    const bool timed = timed_calls == Timed::each || memo == nullptr || stats::is_every_call_slow() ||
                       memo->timed < timed_at_first || memo->untimed >= untimed_between;
    if (timed) {
        stats::start_clock(call);
    }
    Datum result = 0;
    auto run = [&] { result = body(fcinfo); };
    if (!stats::runs_as(call, run)) {
        stats::finish_failed(call, root);
        pg::raise_pending();
    }
    memo = memo_of(fcinfo);
    if (!timed && call.source == stats::Source::hit && call.slot == memo->slot) {
        ++memo->untimed;
        return result;
    }
    if (memo != nullptr) {
        count_untimed(*memo);
    }
    if (!timed) {
        call.duration = memo->duration;  // of the last hit: this one was not expected to be none
    }
    stats::finish(call, root);
    if (memo != nullptr && call.source == stats::Source::hit && timed) {
        remember_duration(*memo, call);
    }
    return result;
}

}  // namespace pg_tree::scan
