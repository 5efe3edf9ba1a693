#include "cache/image_writer.h"

#include "cache/image_reader.h"

extern "C" {
#include "utils/datum.h"
}

namespace pg_tree::cache {

using core::Key;
using core::Node;
using core::Rank;
using core::Row;
using registry::KeyKind;

namespace {

std::uint64_t align(std::uint64_t offset, std::uint64_t boundary) { return (offset + boundary - 1) & ~(boundary - 1); }

/// The end of a varlena that is put at `offset`; short headers need no alignment. Those of a reading are short wherever they can be.
std::uint64_t varlena_end(std::uint64_t offset, const char* value) {
    return (VARATT_IS_SHORT(value) ? offset : align(offset, 4)) + VARSIZE_ANY(value);
}

/// Puts a varlena, zero bytes before it where it has to be aligned. Returns its end.
std::uint64_t put_varlena(std::byte* payload, std::uint64_t offset, const char* value) {
    if (!VARATT_IS_SHORT(value)) {
        for (const std::uint64_t begin = align(offset, 4); offset < begin; ++offset) {
            payload[offset] = std::byte{0};
        }
    }
    memcpy(payload + offset, value, VARSIZE_ANY(value));
    return offset + VARSIZE_ANY(value);
}

std::uint64_t other_end(std::uint64_t offset, const registry::KeyType& type, Datum value) {
    return align(offset, 8) + other_key_size(type, value);
}

std::uint64_t put_other(std::byte* payload, std::uint64_t offset, const registry::KeyType& type, Datum value) {
    for (const std::uint64_t begin = align(offset, 8); offset < begin; ++offset) {
        payload[offset] = std::byte{0};
    }
    if (type.by_value) {
        memcpy(payload + offset, &value, sizeof value);
    } else {
        memcpy(payload + offset, DatumGetPointer(value), other_key_size(type, value));
    }
    return offset + other_key_size(type, value);
}

const char* word(const Row& row, int number) { return reinterpret_cast<const char*>(row.payload[number]); }

bool same_bytes(const char* a, const char* b) {
    return VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

unsigned facts_of(const Row& row, int parent_word) {
    unsigned facts = row.has_key() ? 0 : fact::null_key;
    const bool null_code = row.word_is_null(fetch::code_word);
    const bool null_name = row.word_is_null(fetch::name_word);
    facts |= null_code ? fact::null_code : 0;
    facts |= null_name ? fact::null_name : 0;
    if (!null_code && !null_name && same_bytes(word(row, fetch::code_word), word(row, fetch::name_word))) {
        facts |= fact::name_is_code;
    }
    if (parent_word >= 0 && row.has_parent()) {
        facts |= fact::own_parent;
    }
    return facts;
}

/// Rows are visited in the order of the walk, which memory does not have.
[[gnu::always_inline]] inline void prefetch(const core::Vector<Row>& rows, const core::Vector<Node>& order,
                                            std::size_t position) {
    if (position + 32 < order.size()) {
        __builtin_prefetch(&rows[order[position + 32]]);
    }
    if (position + 16 < order.size()) {
        __builtin_prefetch(rows[order[position + 16]].payload);
        __builtin_prefetch(reinterpret_cast<const char*>(rows[order[position + 16]].payload) + 56);
    }
}

}  // namespace

ImageWriter::ImageWriter(const fetch::Reading& reading)
    : reading_(reading), plan_(reading.memory), integer_keys_(registry::is_integer(reading.tree().key.kind)) {}

std::uint64_t ImageWriter::key_bytes(std::uint64_t offset, Key key) const {
    if (integer_keys_) {
        return offset;
    }
    const Datum value = reading_.keys->value(key);
    const registry::KeyType& type = reading_.tree().key;
    switch (type.kind) {
        case KeyKind::uuid:
            return offset + 16;
        case KeyKind::other:
            return other_end(offset, type, value);
        default:
            return varlena_end(offset, DatumGetPointer(value));
    }
}

std::uint64_t ImageWriter::node_bytes(std::uint64_t offset, Node node) const {
    const Row& row = reading_.table->rows[node];
    const unsigned facts = facts_of(row, reading_.parent_word);
    offset += 1;
    if ((facts & fact::own_parent) != 0) {
        offset = other_end(offset, reading_.tree().key, static_cast<Datum>(row.payload[reading_.parent_word]));
    }
    if ((facts & fact::null_code) == 0) {
        offset = varlena_end(offset, word(row, fetch::code_word));
    }
    if ((facts & (fact::null_name | fact::name_is_code)) == 0) {
        offset = varlena_end(offset, word(row, fetch::name_word));
    }
    return offset;
}

bool ImageWriter::measure() {
    const core::Forest& forest = *reading_.forest;
    const core::Vector<Row>& rows = reading_.table->rows;
    plan_.make(forest);
    std::uint64_t offset = 0;
    const core::Vector<Node>& order = plan_.order();
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
        forest.poller().step();
        prefetch(rows, order, rank);
        if (rows[order[rank]].has_key()) {
            offset = key_bytes(offset, rows[order[rank]].key);
        }
        offset = node_bytes(offset, order[rank]);
    }
    for (std::size_t anchor = 1; anchor < plan_.anchors(); ++anchor) {
        forest.poller().step();
        offset = key_bytes(offset, plan_.anchor_key(anchor));
    }
    if (offset > UINT32_MAX) {
        return false;
    }
    plan_.lay_out(forest, integer_keys_, offset);
    return true;
}

void ImageWriter::write(std::byte* block) {
    const core::Forest& forest = *reading_.forest;
    const core::Vector<Row>& rows = reading_.table->rows;
    const registry::KeyType& type = reading_.tree().key;
    plan_.write(forest, block);
    core::ImageArrays arrays(block);
    std::byte* payload = arrays.payload;
    std::uint64_t offset = 0;
    auto put_key = [&](Rank rank, Key key) {
        if (integer_keys_) {
            arrays.keys[rank] = key;
            arrays.enter_key(rank, key);
            return;
        }
        const Datum value = reading_.keys->value(key);
        std::uint64_t begin = offset;
        switch (type.kind) {
            case KeyKind::uuid:
                memcpy(payload + offset, DatumGetPointer(value), 16);
                offset += 16;
                break;
            case KeyKind::other:
                begin = align(offset, 8);
                offset = put_other(payload, offset, type, value);
                break;
            default:
                begin = VARATT_IS_SHORT(DatumGetPointer(value)) ? offset : align(offset, 4);
                offset = put_varlena(payload, offset, DatumGetPointer(value));
        }
        const uint32 hash = reading_.keys->hash(key);
        arrays.keys[rank] = static_cast<Key>((std::uint64_t{hash} << 32) | begin);
        arrays.enter_hashed(rank, core::hash_key(hash));
    };
    const core::Vector<Node>& order = plan_.order();
    for (Rank rank = 0; rank < order.size(); ++rank) {
        forest.poller().step();
        prefetch(rows, order, rank);
        const Row& row = rows[order[rank]];
        if (row.has_key()) {
            put_key(rank, row.key);
        } else {
            arrays.keys[rank] = 0;
        }
        arrays.payloads[rank] = static_cast<std::uint32_t>(offset);
        const unsigned facts = facts_of(row, reading_.parent_word);
        payload[offset++] = static_cast<std::byte>(facts);
        if ((facts & fact::own_parent) != 0) {
            offset = put_other(payload, offset, type, static_cast<Datum>(row.payload[reading_.parent_word]));
        }
        if ((facts & fact::null_code) == 0) {
            offset = put_varlena(payload, offset, word(row, fetch::code_word));
        }
        if ((facts & (fact::null_name | fact::name_is_code)) == 0) {
            offset = put_varlena(payload, offset, word(row, fetch::name_word));
        }
        if (reading_.progress != nullptr && (rank & 4095) == 0) {
            pg_atomic_write_u64(&reading_.progress->done, rank);
        }
    }
    arrays.keys[order.size()] = 0;
    for (std::size_t anchor = 1; anchor < plan_.anchors(); ++anchor) {
        forest.poller().step();
        put_key(static_cast<Rank>(order.size() + anchor), plan_.anchor_key(anchor));
    }
}

}  // namespace pg_tree::cache
