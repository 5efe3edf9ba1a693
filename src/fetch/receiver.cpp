#include "fetch/receiver.h"

#include "pg/debug_break.h"
#include "pg/fault.h"

extern "C" {
#include "executor/tuptable.h"
#include "nodes/params.h"
#include "tcop/dest.h"
}

namespace pg_tree::fetch {

using core::Word;

namespace {

struct Receiver {
    DestReceiver base;  // first: the server sees only this
    Reading* reading;
    const Layout* layout;
    int16 lengths[core::flag::max_words];
    bool by_value[core::flag::max_words];
    char alignments[core::flag::max_words];
};

/// A word's value, ready to be copied into the arena.
struct Piece {
    const char* bytes;
    std::size_t size;
    std::size_t offset;  ///< in the row's block
    bool make_short;     ///< to be stored with a one-byte header
    void* to_free;
};

std::size_t align_to(std::size_t offset, std::size_t boundary) { return (offset + boundary - 1) & ~(boundary - 1); }

/// Where a by-reference value goes and how long it is there. Detoasts, so a server frame.
Piece measure(Datum value, int16 length, char alignment, std::size_t& offset) {
    Piece piece = {};
    if (length >= 0) {
        piece.bytes = DatumGetPointer(value);
        piece.size = static_cast<std::size_t>(length);
        offset = align_to(offset, alignment == TYPALIGN_DOUBLE ? 8 : 4);
    } else if (length == -2) {
        piece.bytes = DatumGetCString(value);
        piece.size = strlen(piece.bytes) + 1;
    } else {
        auto* original = reinterpret_cast<varlena*>(DatumGetPointer(value));
        varlena* plain = VARATT_IS_SHORT(original) ? original : pg_detoast_datum_packed(original);
        piece.to_free = plain != original ? plain : nullptr;
        piece.bytes = reinterpret_cast<const char*>(plain);
        piece.size = VARSIZE_ANY(plain);
        if (alignment == TYPALIGN_DOUBLE) {  // composite values and arrays are read in place: they keep their header
            offset = align_to(offset, 8);
        } else if (VARATT_CAN_MAKE_SHORT(plain)) {
            piece.make_short = true;
            piece.size = VARATT_CONVERTED_SHORT_SIZE(plain);
        } else if (!VARATT_IS_SHORT(plain)) {
            offset = align_to(offset, 4);
        }
    }
    piece.offset = offset;
    offset += piece.size;
    return piece;
}

void copy(const Piece& piece, std::byte* block) {
    auto* to = reinterpret_cast<char*>(block + piece.offset);
    if (piece.make_short) {
        SET_VARSIZE_SHORT(to, piece.size);
        memcpy(to + VARHDRSZ_SHORT, piece.bytes + VARHDRSZ, piece.size - VARHDRSZ_SHORT);
    } else {
        memcpy(to, piece.bytes, piece.size);
    }
}

bool receive(TupleTableSlot* slot, DestReceiver* base) {
    auto& receiver = *reinterpret_cast<Receiver*>(base);
    const Layout& layout = *receiver.layout;
    Reading& reading = *receiver.reading;
    pg::server_fault_point(pg::Fault::receive);
    slot_getallattrs(slot);
    if (reading.progress != nullptr && (reading.table->rows.size() & 4095) == 0) {
        pg_atomic_write_u64(&reading.progress->done, reading.table->rows.size());
    }
    const Datum* values = slot->tts_values;
    const bool* nulls = slot->tts_isnull;

    core::Row row = {};
    row.parent_node = core::no_node;
    const bool rejected = layout.rejected >= 0 && DatumGetBool(values[layout.rejected]);
    if (!nulls[0]) {
        // Where a filter is what makes keys unique, the row inside it says how its key is written.
        row.key = rejected ? reading.keys->number(values[0]) : reading.keys->number_of_row(values[0]);
        row.flags |= core::flag::has_key;
    }
    if (!nulls[1]) {
        row.parent = reading.keys->number(values[1]);
        row.flags |= core::flag::has_parent;
    }
    if (rejected) {
        // That it exists is all there is to know of a row outside the tree.
        row.flags |= core::flag::rejected;
        pg::enter([&] {
            reading.table->rows.push_back(row);
            if (reading.order != nullptr) {
                reading.table->prefixes.push_back(0);
            }
        });
        return true;
    }

    Piece pieces[core::flag::max_words];
    std::size_t size = static_cast<std::size_t>(layout.words) * sizeof(Word);
    for (int word = 0; word < layout.words; ++word) {
        const int column = layout.word_column[word];
        if (nulls[column]) {
            row.flags |= core::flag::null_word(static_cast<unsigned>(word));
        } else if (!receiver.by_value[word]) {
            pieces[word] = measure(values[column], receiver.lengths[word], receiver.alignments[word], size);
        }
    }
    uint64 prefix = 0;
    if (reading.order != nullptr) {
        if (nulls[layout.sort_column[0]]) {
            row.flags |= reading.order->null_flag();
            reading.table->null_sort_keys = true;
        } else {
            const int word = layout.sort_word[0];
            prefix = reading.order->prefix(receiver.by_value[word] || pieces[word].to_free == nullptr
                                               ? values[layout.sort_column[0]]
                                               : PointerGetDatum(pieces[word].to_free));
        }
    }
    pg::enter([&] {
        core::NodeTable& table = *reading.table;
        if (layout.words > 0) {
            std::byte* block = table.arena.allocate(size);
            auto* words = reinterpret_cast<Word*>(block);
            for (int word = 0; word < layout.words; ++word) {
                const int column = layout.word_column[word];
                if (nulls[column]) {
                    words[word] = 0;
                } else if (receiver.by_value[word]) {
                    words[word] = static_cast<Word>(values[column]);
                } else {
                    copy(pieces[word], block);
                    words[word] = reinterpret_cast<Word>(block + pieces[word].offset);
                }
            }
            row.payload = words;
        }
        table.rows.push_back(row);
        if (reading.order != nullptr) {
            table.prefixes.push_back(prefix);
        }
    });
    for (int word = 0; word < layout.words; ++word) {
        if (!nulls[layout.word_column[word]] && !receiver.by_value[word] && pieces[word].to_free != nullptr) {
            pfree(pieces[word].to_free);
        }
    }
    return true;
}

void start_up(DestReceiver* base, int, TupleDesc descriptor) {
    auto& receiver = *reinterpret_cast<Receiver*>(base);
    // Keys are read by what their type was said to be; it must not be taken on trust.
    const registry::KeyType& key = receiver.reading->keys->type();
    for (int column = 0; column < 2; ++column) {
        if (const Oid type = TupleDescAttr(descriptor, column)->atttypid;
            type != key.type && getBaseType(type) != key.type) {
            elog(ERROR, "tree %s: column %d has type %u, not the key's", receiver.reading->tree().name, column, type);
        }
    }
    for (int word = 0; word < receiver.layout->words; ++word) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, receiver.layout->word_column[word]);
        receiver.lengths[word] = attribute->attlen;
        receiver.by_value[word] = attribute->attbyval;
        receiver.alignments[word] = attribute->attalign;
    }
}

void shut_down(DestReceiver*) {}

}  // namespace

void fetch_rows(Reading& reading, const Plan& plan, Datum argument) {
    pg::server_fault_point(pg::Fault::fetch);
    Receiver receiver = {};
    receiver.base.receiveSlot = receive;
    receiver.base.rStartup = start_up;
    receiver.base.rShutdown = shut_down;
    receiver.base.rDestroy = shut_down;
    receiver.base.mydest = DestTuplestore;  // neither of those that SPI treats in its own way
    receiver.reading = &reading;
    receiver.layout = &plan.layout;

    SPIExecuteOptions options = {};
    options.read_only = !pg::broken(pg::Rule::read_write);
    options.dest = &receiver.base;
    if (OidIsValid(plan.argument)) {
        options.params = makeParamList(1);
        options.params->params[0] = {argument, false, PARAM_FLAG_CONST, plan.argument};
    }
    if (const int result = SPI_execute_plan_extended(plan.plan, &options); result != SPI_OK_SELECT) {
        elog(ERROR, "reading tree %s failed: %s", reading.tree().name, SPI_result_code_string(result));
    }
}

}  // namespace pg_tree::fetch
