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
    Oid user;
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

/// The call that was noted `age` calls ago (0: the latest). False: there is none, or it is being written.
bool read_slow(int age, SlowCall& call);

void forget_slow();
std::uint64_t dropped_slow();

void save_slow(StringInfo out);
bool restore_slow(const char* data, std::size_t size);

}  // namespace pg_tree::stats
