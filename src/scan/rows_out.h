// Rows out, by way of the tuplestore that a plain set-returning function fills.
#pragma once

#include "fetch/reading.h"
#include "scan/rows.h"
#include "scan/tuple_writer.h"

extern "C" {
#include "utils/tuplestore.h"
}

namespace pg_tree::scan {

/// Where a set-returning function's rows go. All functions are server frames.
class RowsOut {
public:
    /// Raises the usual error when the caller cannot take a set.
    explicit RowsOut(FunctionCallInfo fcinfo);

    /// Memory for the values of the next row; what was allocated here for an earlier row may be gone.
    MemoryContext row_memory() const { return row_memory_; }

    void put(const Datum* values, const bool* nulls);

private:
    Tuplestorestate* store_;
    TupleWriter* writer_;
    MemoryContext row_memory_;
    std::size_t written_ = 0;
};

/// Fills id, code, name and parent_id, as far as they are wanted, from a row that was read with Content::nodes, and the row itself from one
/// that was read with Content::rows.
void fill_node(const fetch::Reading& reading, const core::Row& row, fetch::KeyForm form, const Places& places,
               Datum* values, bool* nulls);
/// The first four at values[0..3].
void fill_node(const fetch::Reading& reading, const core::Row& row, fetch::KeyForm form, Datum* values, bool* nulls);

/// Rows are visited in an order that memory does not have: asking for one ahead of time hides most of the wait. First the
/// row; when it is there, its payload, of which the words and the first strings fill about two cache lines. Inlined by force:
/// GCC takes a function that only prefetches for one without effects and drops calls to it.
inline constexpr std::size_t rows_ahead = 48;
inline constexpr std::size_t payloads_ahead = 24;
inline constexpr std::size_t cache_line = 64;

[[gnu::always_inline]] inline void prefetch_walk(const core::NodeTable& table, const core::Vector<core::Node>& nodes,
                                                 std::size_t position) {
    if (position + rows_ahead < nodes.size()) {
        __builtin_prefetch(&table.rows[nodes[position + rows_ahead]]);
    }
    if (position + payloads_ahead < nodes.size()) {
        const auto* payload = reinterpret_cast<const char*>(table.rows[nodes[position + payloads_ahead]].payload);
        __builtin_prefetch(payload);
        __builtin_prefetch(payload + cache_line - 8);
    }
}

/// Lists the nodes of a finished reading in pre-order or breadth-first. The walk lives as long as the reading.
core::Walk* walk_depth_first(const fetch::Reading& reading, std::int32_t max_level);
core::Walk* walk_breadth_first(const fetch::Reading& reading, std::int32_t max_level);

/// An array of keys in the caller's form.
Datum key_array(const fetch::Keys& keys, std::span<const core::Key> path, fetch::KeyForm form);
/// The same of keys that are in the caller's form already.
Datum array_of_keys(const Datum* values, std::size_t count, fetch::KeyForm form);

}  // namespace pg_tree::scan
