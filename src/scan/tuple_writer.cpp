#include "scan/tuple_writer.h"

#include "pg/compat.h"

namespace pg_tree::scan {

namespace {

std::size_t align_to(std::size_t offset, std::size_t boundary) { return (offset + boundary - 1) & ~(boundary - 1); }

std::size_t boundary_of(char alignment) {
    switch (alignment) {
        case TYPALIGN_DOUBLE:
            return ALIGNOF_DOUBLE;
        case TYPALIGN_INT:
            return ALIGNOF_INT;
        case TYPALIGN_SHORT:
            return ALIGNOF_SHORT;
        default:
            return 1;
    }
}

}  // namespace

TupleWriter::TupleWriter(TupleDesc descriptor)
    : slot_(MakeSingleTupleTableSlot(descriptor, &TTSOpsMinimalTuple)),
      buffer_(nullptr),
      capacity_(0),
      count_(descriptor->natts),
      columns_(static_cast<Column*>(palloc(sizeof(Column) * std::max(descriptor->natts, 1)))) {
    for (int i = 0; i < count_; ++i) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
        columns_[i] = {attribute->attlen, attribute->attbyval, attribute->attstorage != TYPSTORAGE_PLAIN,
                       boundary_of(attribute->attalign)};
    }
    make_room(1024);
}

void TupleWriter::make_room(std::size_t bytes) {
    if (bytes <= capacity_) {
        return;
    }
    if (bytes > MaxAllocSize) {
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a row of %zu bytes is too long", bytes));
    }
    const std::size_t capacity = std::min<std::size_t>(std::max(bytes, capacity_ * 2), MaxAllocSize);
    MemoryContext caller = MemoryContextSwitchTo(slot_->tts_mcxt);
    buffer_ = static_cast<char*>(buffer_ == nullptr ? palloc(capacity) : repalloc(buffer_, capacity));
    MemoryContextSwitchTo(caller);
    capacity_ = capacity;
    ExecStoreMinimalTuple(reinterpret_cast<MinimalTuple>(buffer_), slot_, false);
}

TupleTableSlot* TupleWriter::form(const Datum* values, const bool* nulls) {
    bool has_null = false;
    std::size_t most = MAXALIGN(SizeofMinimalTupleHeader + BITMAPLEN(count_));
    for (int i = 0; i < count_; ++i) {
        has_null |= nulls[i];
        most += MAXIMUM_ALIGNOF;
        if (!nulls[i] && !columns_[i].by_value) {
            most += columns_[i].length > 0 ? static_cast<std::size_t>(columns_[i].length)
                                           : VARSIZE_ANY(DatumGetPointer(values[i]));
        }
    }
    make_room(most);

    auto* tuple = reinterpret_cast<MinimalTuple>(buffer_);
    const std::size_t header = MAXALIGN(SizeofMinimalTupleHeader + (has_null ? BITMAPLEN(count_) : 0));
    memset(buffer_, 0, header);
    bits8* bitmap = tuple->t_bits;
    std::size_t offset = header;
    // Gaps are cleared: a reader tells an aligned value from a short header by the byte in the gap.
    auto align = [&](std::size_t boundary) {
        const std::size_t aligned = align_to(offset, boundary);
        while (offset < aligned) {
            buffer_[offset++] = 0;
        }
    };
    uint16 info = has_null ? HEAP_HASNULL : 0;
    for (int i = 0; i < count_; ++i) {
        if (nulls[i]) {
            continue;
        }
        if (has_null) {
            bitmap[i >> 3] |= static_cast<bits8>(1 << (i & 7));
        }
        const Column& column = columns_[i];
        const Datum value = values[i];
        if (column.by_value) {
            align(column.alignment);
            store_att_byval(buffer_ + offset, value, column.length);
            offset += static_cast<std::size_t>(column.length);
        } else if (column.length > 0) {
            align(column.alignment);
            memcpy(buffer_ + offset, DatumGetPointer(value), static_cast<std::size_t>(column.length));
            offset += static_cast<std::size_t>(column.length);
        } else {
            const char* bytes = DatumGetPointer(value);
            std::size_t size = VARSIZE_ANY(bytes);
            info |= HEAP_HASVARWIDTH;
            if (VARATT_IS_SHORT(bytes)) {
                memcpy(buffer_ + offset, bytes, size);
            } else if (column.packable && VARATT_CAN_MAKE_SHORT(bytes)) {
                size = VARATT_CONVERTED_SHORT_SIZE(bytes);
                SET_VARSIZE_SHORT(buffer_ + offset, size);
                memcpy(buffer_ + offset + VARHDRSZ_SHORT, bytes + VARHDRSZ, size - VARHDRSZ_SHORT);
            } else {
                align(column.alignment);
                memcpy(buffer_ + offset, bytes, size);
            }
            offset += size;
        }
    }
    tuple->t_len = static_cast<uint32>(offset);
    tuple->t_hoff = static_cast<uint8>(header + MINIMAL_TUPLE_OFFSET);
    tuple->t_infomask = info;
    tuple->t_infomask2 = static_cast<uint16>(count_);
    return slot_;
}

}  // namespace pg_tree::scan
