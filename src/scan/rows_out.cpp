#include "scan/rows_out.h"

#include "pg/fault.h"

extern "C" {
#include "access/relation.h"
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

void Rows::close() {
    cache::done(image_);
    const ResourceOwner now = CurrentResourceOwner;
    ListCell* cell;
    foreach (cell, open_) {
        CurrentResourceOwner = owner_;
        relation_close(static_cast<Relation>(lfirst(cell)), NoLock);
    }
    CurrentResourceOwner = now;
    open_ = NIL;
    if (reading_ != nullptr) {
        fetch::end_reading(reading_);
        reading_ = nullptr;
    }
}

void Rows::keep_open(const Oid* relations, int count) {
    owner_ = CurrentResourceOwner;
    for (int i = 0; i < count; ++i) {
        open_ = lappend(open_, relation_open(relations[i], NoLock));
    }
}

stats::RootKey root_key(const SetFunction& function, FunctionCallInfo fcinfo) {
    const int key = function.key_argument;
    return key < 0 ? stats::RootKey() : stats::RootKey{fcinfo->flinfo, key, fcinfo->args[key]};
}

Datum put_every_row(FunctionCallInfo fcinfo, const SetFunction& function) {
    RowsOut out(fcinfo);
    Wanted wanted;
    for (int i = 0; i < function.columns; ++i) {
        wanted.places.want(function.column[i], i);
    }
    stats::Call counted;
    stats::begin(counted, function.counted);
    const stats::RootKey root = root_key(function, fcinfo);
    auto put_rows = [&] {
        const OpenCall call = function.open(fcinfo, wanted);
        if (call.rows == nullptr) {
            return;
        }
        pg::server_fault_point(pg::Fault::emit);
        const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
        Datum values[max_columns];
        bool nulls[max_columns];
        while (call.rows->next(values, nulls)) {
            out.put(values, nulls);
            ++counted.rows;
        }
        MemoryContextSwitchTo(caller);
        call.rows->close();
    };
    stats::section(counted, put_rows, [&] { return root; });
    stats::finish(counted, root);
    return Datum{0};
}

void fill_node(const Reading& reading, const Row& row, KeyForm form, const Places& places, Datum* values, bool* nulls) {
    if (const int at = places.of(Column::id); at >= 0) {
        nulls[at] = !row.has_key();
        values[at] = nulls[at] ? 0 : reading.keys->to_caller(row.key, form);
    }
    if (const int at = places.of(Column::code); at >= 0) {
        fill_word(row, fetch::code_word, values[at], nulls[at]);
    }
    if (const int at = places.of(Column::name); at >= 0) {
        fill_word(row, fetch::name_word, values[at], nulls[at]);
    }
    if (const int at = places.of(Column::parent_id); at >= 0) {
        nulls[at] = !row.has_parent();
        // A row may write its parent's key in a way of its own.
        values[at] = nulls[at] ? 0
                     : reading.parent_word >= 0
                         ? reading.keys->to_text(static_cast<Datum>(row.payload[reading.parent_word]))
                         : reading.keys->to_caller(row.parent, form);
    }
    if (const int at = places.of(Column::node); at >= 0) {
        fill_word(row, fetch::row_word, values[at], nulls[at]);
    }
}

void fill_node(const Reading& reading, const Row& row, KeyForm form, Datum* values, bool* nulls) {
    static constexpr Places first_four = Places::in_order({Column::id, Column::code, Column::name, Column::parent_id});
    fill_node(reading, row, form, first_four, values, nulls);
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
