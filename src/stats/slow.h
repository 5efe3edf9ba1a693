// The latest slow calls: a ring in shared memory.
//
// Writers take no lock. Each claims the next place by counting on, and marks it as being written while it writes; whoever finds the place still
// being written by one who was a whole round earlier drops its own call and counts it. Readers copy a place and look whether it was written
// meanwhile.
#pragma once

#include "stats/trees.h"

namespace pg_tree::stats {

inline constexpr int slow_calls_kept = 256;

struct SlowCall {
    TimestampTz at;  ///< its end
    Oid database;
    Oid user;      ///< the session's, or whom it has SET ROLE to: whose query it is
    Oid caller;    ///< whose rights the call had; another one's inside of SECURITY DEFINER
    Oid relation;  ///< InvalidOid when no tree was named
    int pid;
    Function function;
    Source source;
    std::uint64_t queryid;  ///< 0: not known
    std::uint64_t rows;
    std::uint64_t duration;  ///< nanoseconds
    char tree[tree_name_bytes];
    char root[128];    ///< the key as text, cut; empty: none
    char query[1024];  ///< cut; empty: not known
};

std::size_t slow_bytes();
void attach_slow(void* place, bool initialize);

/// Raises nothing and takes no lock.
void note_slow(const SlowCall& call);

/// How many calls were noted, ever. Calls are numbered from 0.
std::uint64_t slow_calls_noted();
/// False: the call is forgotten, or it is being written.
bool read_slow(std::uint64_t number, SlowCall& call);
/// Calls visit(call) from the latest on, in the place for one of them that is given.
template <class Visit>
void for_each_slow_call(SlowCall& call, Visit&& visit) {
    // Calls that are noted meanwhile do not shift the others.
    const std::uint64_t end = slow_calls_noted();
    for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(end, slow_calls_kept); ++back) {
        if (read_slow(end - back, call)) {
            visit(call);
        }
    }
}

/// A database is being dropped.
void forget_slow_of(Oid database);

void forget_slow();
std::uint64_t dropped_slow();

void save_slow(StringInfo out);
bool restore_slow(const char* data, std::size_t size);

}  // namespace pg_tree::stats
