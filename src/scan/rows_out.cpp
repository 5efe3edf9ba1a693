#include "scan/rows_out.h"

#include "pg/fault.h"

extern "C" {
#include "utils/array.h"
}

namespace pg_tree::scan {

using core::Row;
using fetch::KeyForm;
using fetch::Reading;

namespace {

/// Rows are visited in an order that memory does not have: asking for one ahead of time hides most of the wait. First the
/// row; when it is there, its payload, of which the words and the first strings fill about two cache lines. Inlined by force:
/// GCC takes a function that only prefetches for one without effects and drops calls to it.
constexpr std::size_t rows_ahead = 48;
constexpr std::size_t payloads_ahead = 24;
constexpr std::size_t cache_line = 64;

[[gnu::always_inline]] inline void prefetch(const core::NodeTable& table, const core::Walk& walk,
                                            std::size_t position) {
    if (position + rows_ahead < walk.nodes.size()) {
        __builtin_prefetch(&table.rows[walk.nodes[position + rows_ahead]]);
    }
    if (position + payloads_ahead < walk.nodes.size()) {
        const auto* payload = reinterpret_cast<const char*>(table.rows[walk.nodes[position + payloads_ahead]].payload);
        __builtin_prefetch(payload);
        __builtin_prefetch(payload + cache_line - 8);
    }
}

void fill_word(const Row& row, int word, Datum& value, bool& null) {
    null = row.word_is_null(static_cast<unsigned>(word));
    value = null ? 0 : static_cast<Datum>(row.payload[word]);
}

void fill_level(std::int32_t level, Datum& value, bool& null) {
    null = level < 0;
    value = Int32GetDatum(level);
}

template <class List>
core::Walk* make_walk(const Reading& reading, List&& list) {
    pg::server_fault_point(pg::Fault::walk);
    auto* walk = pg::make_in_context<core::Walk>(reading.context, reading.memory);
    pg::enter([&] { list(*walk); });
    return walk;
}

}  // namespace

RowsOut::RowsOut(FunctionCallInfo fcinfo) {
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const bool described = result != nullptr && IsA(result, ReturnSetInfo) && result->expectedDesc != nullptr;
    InitMaterializedSRF(fcinfo, described ? MAT_SRF_USE_EXPECTED_DESC : 0);
    store_ = result->setResult;
    writer_ = new (palloc(sizeof(TupleWriter))) TupleWriter(result->setDesc);
    row_memory_ = AllocSetContextCreate(CurrentMemoryContext, "pg_tree row", ALLOCSET_SMALL_SIZES);
}

void RowsOut::put(const Datum* values, const bool* nulls) {
    tuplestore_puttupleslot(store_, writer_->form(values, nulls));
    // By bytes, not by rows: the path of a single node can fill megabytes.
    written_ += writer_->size();
    if (written_ > 32 * 1024) {
        written_ = 0;
        pg::server_fault_point(pg::Fault::emit);
        MemoryContextReset(row_memory_);
        CHECK_FOR_INTERRUPTS();
    }
}

void fill_node(const Reading& reading, const Row& row, KeyForm form, Datum* values, bool* nulls) {
    nulls[0] = !row.has_key();
    values[0] = nulls[0] ? 0 : reading.keys->to_caller(row.key, form);
    fill_word(row, fetch::code_word, values[1], nulls[1]);
    fill_word(row, fetch::name_word, values[2], nulls[2]);
    nulls[3] = !row.has_parent();
    // A row may write its parent's key in a way of its own.
    values[3] = nulls[3]                   ? 0
                : reading.parent_word >= 0 ? reading.keys->to_text(static_cast<Datum>(row.payload[reading.parent_word]))
                                           : reading.keys->to_caller(row.parent, form);
}

void put_nodes(RowsOut& out, const Reading& reading, const core::Walk& walk, std::size_t first, std::size_t count,
               KeyForm form) {
    pg::server_fault_point(pg::Fault::emit);
    const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
    const core::NodeTable& table = *reading.table;
    const std::size_t end = first + std::min(count, walk.nodes.size() - first);
    Datum values[5];
    bool nulls[5];
    for (std::size_t i = first; i < end; ++i) {
        prefetch(table, walk, i);
        fill_node(reading, table.rows[walk.nodes[i]], form, values, nulls);
        fill_level(walk.levels[i], values[4], nulls[4]);
        out.put(values, nulls);
    }
    MemoryContextSwitchTo(caller);
}

void put_whole_rows(RowsOut& out, const Reading& reading, const core::Walk& walk) {
    pg::server_fault_point(pg::Fault::emit);
    const core::NodeTable& table = *reading.table;
    Datum values[3];
    bool nulls[3] = {};
    for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
        prefetch(table, walk, i);
        fill_word(table.rows[walk.nodes[i]], fetch::row_word, values[0], nulls[0]);
        fill_level(walk.levels[i], values[1], nulls[1]);
        values[2] = Int64GetDatum(static_cast<int64>(i) + 1);
        out.put(values, nulls);
    }
}

void put_node_with_depth(RowsOut& out, const Reading& reading, const Row& row, KeyForm form, std::int32_t depth) {
    const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
    Datum values[5];
    bool nulls[5];
    fill_node(reading, row, form, values, nulls);
    fill_level(depth, values[4], nulls[4]);
    out.put(values, nulls);
    MemoryContextSwitchTo(caller);
}

core::Walk* walk_depth_first(const Reading& reading, std::int32_t max_level) {
    return make_walk(reading, [&](core::Walk& walk) { reading.forest->walk_depth_first(max_level, walk); });
}

core::Walk* walk_breadth_first(const Reading& reading, std::int32_t max_level) {
    return make_walk(reading, [&](core::Walk& walk) { reading.forest->walk_breadth_first(max_level, walk); });
}

char* label(const Reading& reading, const Row& row) {
    if (!row.word_is_null(fetch::name_word)) {
        return TextDatumGetCString(static_cast<Datum>(row.payload[fetch::name_word]));
    }
    return row.has_key() ? TextDatumGetCString(reading.keys->to_caller(row.key, KeyForm::text)) : pstrdup("");
}

Datum key_array(const fetch::Keys& keys, std::span<const core::Key> path, KeyForm form) {
    auto* values = static_cast<Datum*>(
        MemoryContextAllocHuge(CurrentMemoryContext, std::max<std::size_t>(path.size(), 1) * sizeof(Datum)));
    for (std::size_t i = 0; i < path.size(); ++i) {
        CHECK_FOR_INTERRUPTS();
        values[i] = keys.to_caller(path[i], form);
    }
    const Oid type = fetch::type_of(form);
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    ArrayType* array = construct_array(values, static_cast<int>(path.size()), type, length, by_value, alignment);
    pfree(values);
    return PointerGetDatum(array);
}

}  // namespace pg_tree::scan
