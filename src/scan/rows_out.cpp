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

void put_whole_rows(RowsOut& out, const Reading& reading, const core::Walk& walk) {
    pg::server_fault_point(pg::Fault::emit);
    const core::NodeTable& table = *reading.table;
    Datum values[3];
    bool nulls[3] = {};
    for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
        prefetch_walk(table, walk, i);
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

Datum key_array(const fetch::Keys& keys, std::span<const core::Key> path, KeyForm form) {
    auto* values = static_cast<Datum*>(
        MemoryContextAllocHuge(CurrentMemoryContext, std::max<std::size_t>(path.size(), 1) * sizeof(Datum)));
    for (std::size_t i = 0; i < path.size(); ++i) {
        CHECK_FOR_INTERRUPTS();
        values[i] = keys.to_caller(path[i], form);
    }
    const Datum array = array_of_keys(values, path.size(), form);
    pfree(values);
    return array;
}

Datum array_of_keys(const Datum* values, std::size_t count, KeyForm form) {
    const Oid type = fetch::type_of(form);
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    return PointerGetDatum(
        construct_array(const_cast<Datum*>(values), static_cast<int>(count), type, length, by_value, alignment));
}

}  // namespace pg_tree::scan
