// Tuples for a tuplestore, formed in a buffer that is used again for each row.
//
// heap_form_minimal_tuple() goes over the values twice and allocates and clears a tuple each time, and tuplestore_putvalues()
// spends more on that than on storing it. Here a row is laid out in one pass, by the same rules (heaptuple.c, fill_val), and
// the tuplestore makes the only copy.
#pragma once

#include "pg/server.h"

extern "C" {
#include "executor/tuptable.h"
}

namespace pg_tree::scan {

/// Server frames throughout; trivially destructible. The memory is that of the context it was made in.
class TupleWriter {
public:
    explicit TupleWriter(TupleDesc descriptor);

    /// The row as a slot that is valid until the next call. By-reference values are flat: no toast pointers.
    TupleTableSlot* form(const Datum* values, const bool* nulls);

    /// Length of the row formed last, in bytes.
    std::size_t size() const { return reinterpret_cast<const MinimalTupleData*>(buffer_)->t_len; }

private:
    struct Column {
        int16 length;
        bool by_value;
        bool packable;  ///< a short varlena may have a one-byte header
        std::size_t alignment;
    };

    void make_room(std::size_t bytes);

    TupleTableSlot* slot_;
    char* buffer_;
    std::size_t capacity_;
    int count_;
    Column* columns_;
};

}  // namespace pg_tree::scan
