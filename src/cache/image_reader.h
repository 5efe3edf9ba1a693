// A tree's image as values: keys, code and name of each node as SQL has them.
//
// What the payload of a node looks like is known here and in image_writer.cpp alone: a byte of facts; the parent's key as the row writes it,
// where equal keys can be written differently; code; name. Strings are ready-made varlenas, laid out as in a tuple: a
// short header stands anywhere, a long one on a multiple of four behind zero bytes. Values are handed out in place.
#pragma once

#include "core/image.h"
#include "fetch/keys.h"

namespace pg_tree::cache {

namespace fact {
inline constexpr unsigned null_key = 1;
inline constexpr unsigned null_code = 2;
inline constexpr unsigned null_name = 4;
inline constexpr unsigned name_is_code = 8;
inline constexpr unsigned own_parent = 16;  ///< the parent's key is in the payload
}  // namespace fact

/// How keys that are no integers are kept: the hash above, the offset in the payload below.
inline std::uint32_t stored_hash(core::Key stored) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(stored) >> 32);
}
inline std::uint32_t stored_offset(core::Key stored) { return static_cast<std::uint32_t>(stored); }

/// A key of a type that has no kind of its own stands on a multiple of eight, as it is in memory. How many bytes it takes.
std::size_t other_key_size(const registry::KeyType& type, Datum value);

/// Where a varlena that is laid out as in a tuple stands: zero bytes are padding.
inline const char* varlena_at(const char* at) {
    return *at == 0 ? reinterpret_cast<const char*>(TYPEALIGN(4, reinterpret_cast<std::uintptr_t>(at))) : at;
}

/// All functions are server frames. Trivially destructible; the image must stay pinned.
class ImageReader {
public:
    ImageReader(const core::Image& image, const registry::Tree& tree, fetch::KeyForm form)
        : image_(image),
          tree_(&tree),
          form_(form),
          plain_keys_(form == fetch::KeyForm::bigint && image.header().has_null_keys == 0) {}

    const core::Image& image() const { return image_; }
    const registry::Tree& tree() const { return *tree_; }

    /// The node or anchor with the key that the caller wrote, or no_rank.
    core::Rank find(Datum argument) const;
    /// The same without an error for what is no key of the tree. False: it cannot be told without one.
    bool find_quietly(Datum argument, core::Rank& rank) const;
    /// The same for a value of the tree's own type. `equality` is for the tree's key type.
    core::Rank find_value(Datum value, fetch::KeyEquality& equality) const;

    /// In the caller's form. A key that is null for a node without one, and for the anchor of the parentless.
    void key(core::Rank rank, Datum& value, bool& null) const {
        if (plain_keys_ && image_.is_node(rank)) {
            null = false;
            value = Int64GetDatum(image_.key(rank));
        } else {
            any_key(rank, value, null);
        }
    }
    void parent_key(core::Rank rank, Datum& value, bool& null) const {
        if (plain_keys_) {
            key(image_.parent(rank), value, null);
        } else {
            any_parent_key(rank, value, null);
        }
    }
    /// Of the tree's own type; not for a null key.
    Datum own_key(core::Rank rank) const;
    bool has_key(core::Rank rank) const { return (facts(rank) & fact::null_key) == 0; }

    /// Keys are handed out without allocating.
    bool keys_stand_in_place() const {
        return form_ != fetch::KeyForm::text || tree_->key.type == TEXTOID || tree_->key.type == VARCHAROID ||
               tree_->key.kind == registry::KeyKind::padded;
    }

    /// id, code, name, parent_id at values[0..3].
    void fill_node(core::Rank rank, Datum* values, bool* nulls) const;
    void code(core::Rank rank, Datum& value, bool& null) const;
    void name(core::Rank rank, Datum& value, bool& null) const;
    /// The two at once, each only where there is a place for it.
    void texts(core::Rank rank, Datum* code, bool* null_code, Datum* name, bool* null_name) const;

    fetch::KeyForm form() const { return form_; }

private:
    unsigned facts(core::Rank rank) const { return static_cast<unsigned>(*image_.payload(rank)); }
    void any_key(core::Rank rank, Datum& value, bool& null) const;
    void any_parent_key(core::Rank rank, Datum& value, bool& null) const;
    const char* after_own_parent(const char* at) const;
    Datum stored_key(core::Key stored) const;
    Datum to_caller(core::Key stored) const;

    core::Image image_;
    const registry::Tree* tree_;
    fetch::KeyForm form_;
    bool plain_keys_;  ///< integers in the form bigint, none of them null
};

inline void ImageReader::texts(core::Rank rank, Datum* code, bool* null_code, Datum* name, bool* null_name) const {
    const char* at = reinterpret_cast<const char*>(image_.payload(rank));
    const auto known = static_cast<unsigned char>(*at++);
    if ((known & fact::own_parent) != 0) {
        at = after_own_parent(at);
    }
    const bool has_code = (known & fact::null_code) == 0;
    at = has_code ? varlena_at(at) : at;
    if (code != nullptr) {
        *null_code = !has_code;
        *code = has_code ? PointerGetDatum(at) : 0;
    }
    if (name == nullptr) {
        return;
    }
    if ((known & fact::name_is_code) != 0) {
        *null_name = !has_code;
        *name = has_code ? PointerGetDatum(at) : 0;
    } else if ((known & fact::null_name) != 0) {
        *null_name = true;
        *name = 0;
    } else {
        *null_name = false;
        *name = PointerGetDatum(varlena_at(has_code ? at + VARSIZE_ANY(at) : at));
    }
}

inline void ImageReader::code(core::Rank rank, Datum& value, bool& null) const {
    texts(rank, &value, &null, nullptr, nullptr);
}
inline void ImageReader::name(core::Rank rank, Datum& value, bool& null) const {
    texts(rank, nullptr, nullptr, &value, &null);
}

}  // namespace pg_tree::cache
