// Between keys as the table has them and the integers that core works with.
#pragma once

#include "core/interner.h"
#include "pg/memory.h"
#include "registry/tree.h"

namespace pg_tree::fetch {

/// How the caller of an SQL function writes and reads keys: which of the three overloads it is.
enum class KeyForm { bigint, uuid, text };

/// The key that a caller wrote, in the form of its overload, as a value of the tree's own type. False: no key of this tree can be
/// equal to it (an integer out of the column's range). Raises an error when the form does not fit the tree, or the text is not of
/// the type. A server frame.
bool caller_key(Datum argument, KeyForm form, const registry::Tree& tree, Datum& value);

/// The same for those who only want to know which row would come out with this key, as the overload writes it, and who may not raise an
/// error. A server frame.
enum class QuietKey {
    key,     ///< `value` is set
    none,    ///< no key of this tree is handed out like that
    unknown  ///< it takes the type's own input function, which may raise an error
};
QuietKey caller_key_quietly(Datum argument, KeyForm form, const registry::Tree& tree, Datum& value);

/// A value of the key's type as the overload hands it out; allocated in the current context where it is not the value itself.
Datum key_to_caller(const registry::KeyType& type, Datum value, KeyForm form);

/// An integer key as text.
Datum integer_key_text(core::Key key);

/// A key that is not an integer, ready to be looked for among others: its hash, and what to compare. A server frame.
struct KeyProbe {
    uint32 hash;
    Datum plain;             ///< KeyKind::other: the value, detoasted
    std::string_view bytes;  ///< otherwise
};

/// Made once for a key type; compares keys as the type itself does. Trivially destructible; lives in `context`.
class KeyEquality {
public:
    KeyEquality(const registry::KeyType& type, MemoryContext context);
    KeyProbe probe(Datum value);
    /// `stored` is a value of the type, not toasted.
    bool equal(const KeyProbe& probe, Datum stored);

private:
    const registry::KeyType& type_;
    FmgrInfo hash_;
    FmgrInfo equal_;
};

/// Numbers the keys of one read. Made in a memory context by make_keys(); functions are server frames.
class Keys {
public:
    Keys(const registry::KeyType& type, MemoryContext context, core::pmr::memory_resource* memory);

    /// The number of a key of the tree's own type; `value` may be toasted.
    core::Key number(Datum value);
    /// The same for the key of a row. Equal keys may be written differently (citext, numeric); from now on value() is as this
    /// row writes it.
    core::Key number_of_row(Datum value);
    /// The key itself, of the tree's own type. Lives as long as this object.
    Datum value(core::Key number) const;

    /// The key that a caller wrote, in the form of its overload. False: no key of this tree can be equal to it (an integer
    /// out of the column's range). Raises an error when the form does not fit the tree, or the text is not of the type.
    bool from_caller(Datum argument, KeyForm form, const registry::Tree& tree, core::Key& number);

    /// A key as the overload hands it out; allocated in the current context where it is not by value.
    Datum to_caller(core::Key number, KeyForm form) const;

    /// A value of the tree's key type, in the text form.
    Datum to_text(Datum value) const;

    /// A hash of the key that is the same in every read.
    uint32 hash(core::Key number) const;

    const registry::KeyType& type() const { return type_; }

private:
    core::Key intern_bytes(const char* bytes, std::size_t length);
    core::Key intern_other(Datum value, bool of_row);
    core::Word store_other(Datum plain);

    registry::KeyType type_;
    core::Interner interner_;
    FmgrInfo hash_;
    FmgrInfo equal_;
};

/// SQL types of the three forms.
Oid type_of(KeyForm form);

/// The overload that is being called, from the type of the argument at `position`.
KeyForm form_of_argument(FunctionCallInfo fcinfo, int position);

}  // namespace pg_tree::fetch
