// Statements with WITH RECURSIVE that ran over tables which are trees, or could be: what would gain from pg_tree.
//
// One record for each database, table and query id, 500 at most. Records are counted in by atomics; which record belongs to whom is
// protected by one LWLock, of which no other lock is taken below. On error the server releases it, and every state in which that can happen
// is valid.
#pragma once

#include "core/histogram.h"
#include "pg/server.h"

extern "C" {
#include "lib/stringinfo.h"
}

namespace pg_tree::stats {

inline constexpr std::size_t max_recursive = 500;

std::size_t recursive_bytes();
void attach_recursive(void* place, bool initialize);

/// Is there memory to count in?
bool can_count_recursive();

/// Installs the executor's hooks. Called once from _PG_init.
void watch_recursive_queries();

/// A statement has run over this table. When no place is left, it gets that of the record which was counted in longest ago.
void count_recursive(Oid relation, uint64 query_id, uint64 nanoseconds);

/// Counted of one table and statement of this database. Counters are read one after the other.
struct RecursiveStatistics {
    Oid relation;
    uint64 query_id;  ///< 0: none was computed
    uint64 calls;
    uint64 total;  ///< nanoseconds
    double p95;    ///< nanoseconds
};

/// Room for max_recursive of them is at `found`; returns how many there are. In no order.
std::size_t read_recursive(RecursiveStatistics* found);

/// Calls of all of them together.
uint64 recursive_calls_here();

/// Records that gave up their place for another.
uint64 dropped_recursive();

/// Forgets everything, or everything of a database: its OID can come back.
void forget_recursive();
void forget_recursive_of(Oid database);

/// Appends all records, for restore_recursive() of a later start of the server.
void save_recursive(StringInfo out);

/// Puts saved records in the place of what there is. False, and nothing is changed, when the data are not what save_recursive() writes.
/// Called by the process that starts the server, before there are others, and again when it recovers from a crash: takes no lock and asks
/// no catalog.
bool restore_recursive(const char* data, std::size_t size);

}  // namespace pg_tree::stats
