#include "cache/image_reader.h"

namespace pg_tree::cache {

using core::Key;
using core::Rank;
using registry::KeyKind;

namespace {

const char* aligned(const char* at) {
    return reinterpret_cast<const char*>(TYPEALIGN(8, reinterpret_cast<std::uintptr_t>(at)));
}

Datum other_key_at(const registry::KeyType& type, const char* at) {
    if (type.by_value) {
        Datum value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    return PointerGetDatum(at);
}

}  // namespace

std::size_t other_key_size(const registry::KeyType& type, Datum value) {
    return type.by_value       ? sizeof(Datum)
           : type.length > 0   ? static_cast<std::size_t>(type.length)
           : type.length == -1 ? VARSIZE_ANY(DatumGetPointer(value))
                               : strlen(DatumGetCString(value)) + 1;
}

Datum ImageReader::stored_key(Key stored) const {
    const registry::KeyType& type = tree_->key;
    switch (type.kind) {
        case KeyKind::smallint:
            return Int16GetDatum(static_cast<int16>(stored));
        case KeyKind::integer:
            return Int32GetDatum(static_cast<int32>(stored));
        case KeyKind::bigint:
            return Int64GetDatum(stored);
        case KeyKind::other:
            return other_key_at(type, reinterpret_cast<const char*>(image_.payload_at(stored_offset(stored))));
        case KeyKind::uuid:
            return PointerGetDatum(image_.payload_at(stored_offset(stored)));
        default:
            return PointerGetDatum(varlena_at(reinterpret_cast<const char*>(image_.payload_at(stored_offset(stored)))));
    }
}

Datum ImageReader::to_caller(Key stored) const {
    if (form_ == fetch::KeyForm::bigint) {
        return Int64GetDatum(stored);
    }
    if (registry::is_integer(tree_->key.kind)) {
        return fetch::integer_key_text(stored);
    }
    return fetch::key_to_caller(tree_->key, stored_key(stored), form_);
}

Rank ImageReader::find(Datum argument) const {
    Datum value;
    if (!fetch::caller_key(argument, form_, *tree_, value)) {
        return core::no_rank;
    }
    fetch::KeyEquality equality(tree_->key, CurrentMemoryContext);
    return find_value(value, equality);
}

bool ImageReader::find_quietly(Datum argument, Rank& rank) const {
    Datum value;
    rank = core::no_rank;
    switch (fetch::caller_key_quietly(argument, form_, *tree_, value)) {
        case fetch::QuietKey::unknown:
            return false;
        case fetch::QuietKey::none:
            return true;
        case fetch::QuietKey::key:
            break;
    }
    fetch::KeyEquality equality(tree_->key, CurrentMemoryContext);
    rank = find_value(value, equality);
    return true;
}

Rank ImageReader::find_value(Datum value, fetch::KeyEquality& equality) const {
    switch (tree_->key.kind) {
        case KeyKind::smallint:
            return image_.find(DatumGetInt16(value));
        case KeyKind::integer:
            return image_.find(DatumGetInt32(value));
        case KeyKind::bigint:
            return image_.find(DatumGetInt64(value));
        default: {
            const fetch::KeyProbe probe = equality.probe(value);
            return image_.find_hashed(core::hash_key(probe.hash), [&](Key stored) {
                return stored_hash(stored) == probe.hash && equality.equal(probe, stored_key(stored));
            });
        }
    }
}

void ImageReader::any_key(Rank rank, Datum& value, bool& null) const {
    null = image_.is_node(rank) ? !has_key(rank) : image_.anchor(rank).kind == core::AnchorKind::parentless;
    value = null ? 0 : to_caller(image_.key(rank));
}

Datum ImageReader::own_key(Rank rank) const { return stored_key(image_.key(rank)); }

void ImageReader::any_parent_key(Rank rank, Datum& value, bool& null) const {
    if ((facts(rank) & fact::own_parent) != 0) {
        null = false;
        value = fetch::key_to_caller(
            tree_->key, other_key_at(tree_->key, aligned(reinterpret_cast<const char*>(image_.payload(rank)) + 1)),
            form_);
        return;
    }
    key(image_.parent(rank), value, null);
}

const char* ImageReader::after_own_parent(const char* at) const {
    at = aligned(at);
    return at + other_key_size(tree_->key, other_key_at(tree_->key, at));
}

void ImageReader::fill_node(Rank rank, Datum* values, bool* nulls) const {
    key(rank, values[0], nulls[0]);
    texts(rank, &values[1], &nulls[1], &values[2], &nulls[2]);
    parent_key(rank, values[3], nulls[3]);
}

}  // namespace pg_tree::cache
