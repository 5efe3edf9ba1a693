#include "fetch/keys.h"

extern "C" {
#include "catalog/pg_proc.h"
#include "common/hashfn.h"
#include "utils/datum.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
}

namespace pg_tree::fetch {

using core::Key;
using core::Word;
using registry::KeyKind;

namespace {

std::string_view view(Word word, KeyKind kind) {
    if (kind == KeyKind::uuid) {
        return {reinterpret_cast<const char*>(word), UUID_LEN};
    }
    const auto* value = reinterpret_cast<const varlena*>(word);
    return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/// A copy of a key's bytes as a value of its type.
Word store_bytes(core::Arena& arena, const char* bytes, std::size_t length, KeyKind kind) {
    const bool is_short = length + VARHDRSZ_SHORT <= VARATT_SHORT_MAX;
    const std::size_t header = kind == KeyKind::uuid ? 0 : is_short ? VARHDRSZ_SHORT : VARHDRSZ;
    auto* copy = reinterpret_cast<char*>(arena.allocate(header + length));
    if (header == VARHDRSZ_SHORT) {
        SET_VARSIZE_SHORT(copy, header + length);
    } else if (header == VARHDRSZ) {
        SET_VARSIZE(copy, header + length);
    }
    memcpy(copy + header, bytes, length);
    return reinterpret_cast<Word>(copy);
}

}  // namespace

Keys::Keys(const registry::KeyType& type, MemoryContext context, core::pmr::memory_resource* memory)
    : type_(type), interner_(memory), hash_(), equal_() {
    hash_.fn_mcxt = equal_.fn_mcxt = context;
}

Key Keys::number(Datum value) {
    switch (type_.kind) {
        case KeyKind::smallint:
            return DatumGetInt16(value);
        case KeyKind::integer:
            return DatumGetInt32(value);
        case KeyKind::bigint:
            return DatumGetInt64(value);
        case KeyKind::uuid:
            return intern_bytes(DatumGetPointer(value), UUID_LEN);
        case KeyKind::bytes:
        case KeyKind::padded: {
            varlena* plain = pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(value)));
            const char* bytes = VARDATA_ANY(plain);
            std::size_t length = VARSIZE_ANY_EXHDR(plain);
            while (type_.kind == KeyKind::padded && length > 0 && bytes[length - 1] == ' ') {
                --length;
            }
            const Key key = intern_bytes(bytes, length);
            if (reinterpret_cast<Pointer>(plain) != DatumGetPointer(value)) {
                pfree(plain);
            }
            return key;
        }
        case KeyKind::other:
            return intern_other(value, false);
    }
    pg_unreachable();
}

Key Keys::intern_bytes(const char* bytes, std::size_t length) {
    const uint32 hash = hash_bytes(reinterpret_cast<const unsigned char*>(bytes), static_cast<int>(length));
    const std::string_view wanted(bytes, length);
    const KeyKind kind = type_.kind;
    Key key = interner_.find(hash, [&](Word word) { return view(word, kind) == wanted; });
    if (key == core::Interner::absent) {
        key = pg::enter([&] { return interner_.add(hash, store_bytes(interner_.arena(), bytes, length, kind)); });
    }
    return key;
}

Key Keys::number_of_row(Datum value) {
    return type_.kind == KeyKind::other ? intern_other(value, true) : number(value);
}

Word Keys::store_other(Datum plain) {
    if (type_.by_value) {
        return static_cast<Word>(plain);
    }
    const std::size_t size = datumGetSize(plain, type_.by_value, type_.length);
    return pg::enter([&] {
        std::byte* copy = interner_.arena().allocate(size);
        memcpy(copy, DatumGetPointer(plain), size);
        return reinterpret_cast<Word>(copy);
    });
}

Key Keys::intern_other(Datum value, bool of_row) {
    if (hash_.fn_oid == InvalidOid) {
        const TypeCacheEntry* cache = lookup_type_cache(type_.type, TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR);
        const MemoryContext context = hash_.fn_mcxt;
        fmgr_info_cxt(get_opcode(cache->eq_opr), &equal_, context);
        fmgr_info_cxt(cache->hash_proc, &hash_, context);
    }
    Datum plain = value;
    if (type_.length == -1) {
        plain = PointerGetDatum(pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(value))));
    }
    const uint32 hash = DatumGetUInt32(FunctionCall1Coll(&hash_, type_.collation, plain));
    Key key = interner_.find(hash, [&](Word word) {
        return DatumGetBool(FunctionCall2Coll(&equal_, type_.collation, plain, static_cast<Datum>(word)));
    });
    if (key == core::Interner::absent) {
        const Word word = store_other(plain);
        key = pg::enter([&] { return interner_.add(hash, word); });
    } else if (of_row && !datumIsEqual(plain, static_cast<Datum>(interner_.word(key)), type_.by_value, type_.length)) {
        interner_.set_word(key, store_other(plain));
    }
    if (type_.length == -1 && plain != value) {
        pfree(DatumGetPointer(plain));
    }
    return key;
}

Datum Keys::value(Key number) const {
    switch (type_.kind) {
        case KeyKind::smallint:
            return Int16GetDatum(static_cast<int16>(number));
        case KeyKind::integer:
            return Int32GetDatum(static_cast<int32>(number));
        case KeyKind::bigint:
            return Int64GetDatum(number);
        default:
            return static_cast<Datum>(interner_.word(number));
    }
}

bool Keys::from_caller(Datum argument, KeyForm form, const registry::Tree& tree, Key& key) {
    Datum value;
    if (!caller_key(argument, form, tree, value)) {
        return false;
    }
    key = number(value);
    return true;
}

bool caller_key(Datum argument, KeyForm form, const registry::Tree& tree, Datum& value) {
    const registry::KeyType& type = tree.key;
    const bool is_integer = registry::is_integer(type.kind);
    if (form == KeyForm::text) {
        // Without a type modifier: 'abcdef' is a key that a varchar(3) column does not have, not an error.
        ErrorContextCallback callback;
        callback.callback = [](void* name) { errcontext("key of tree %s", static_cast<const char*>(name)); };
        callback.arg = const_cast<char*>(tree.name);
        callback.previous = error_context_stack;
        error_context_stack = &callback;
        char* written = text_to_cstring(DatumGetTextPP(argument));
        value = OidInputFunctionCall(type.input_function, written, type.input_parameter, -1);
        error_context_stack = callback.previous;
        return true;
    }
    if (form == KeyForm::uuid && type.kind == KeyKind::uuid) {
        value = argument;
        return true;
    }
    if (form == KeyForm::bigint && is_integer) {
        const int64 key = DatumGetInt64(argument);
        switch (type.kind) {
            case KeyKind::smallint:
                value = Int16GetDatum(static_cast<int16>(key));
                return key == static_cast<int16>(key);
            case KeyKind::integer:
                value = Int32GetDatum(static_cast<int32>(key));
                return key == static_cast<int32>(key);
            default:
                value = argument;
                return true;
        }
    }
    ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
            errmsg("tree %s has keys of type %s, not %s", tree.name, format_type_be(type.declared),
                   format_type_be(type_of(form))),
            errhint(is_integer                   ? "Write the key as a bigint."
                    : type.kind == KeyKind::uuid ? "Write the key as a uuid."
                                                 : "Write the key as text."));
    pg_unreachable();
}

namespace {

/// A number as the server writes it: no blanks, no plus, no leading zeros.
bool read_canonical(const text* written, int64& number) {
    const char* digit = VARDATA_ANY(written);
    const char* end = digit + VARSIZE_ANY_EXHDR(written);
    const bool negative = digit < end && *digit == '-';
    digit += negative ? 1 : 0;
    if (digit == end || end - digit > 19 || (*digit == '0' && (negative || end - digit > 1))) {
        return false;
    }
    uint64 size = 0;
    for (; digit < end; ++digit) {
        if (*digit < '0' || *digit > '9') {
            return false;
        }
        size = size * 10 + static_cast<uint64>(*digit - '0');  // 19 digits fit
    }
    if (size > static_cast<uint64>(INT64_MAX) + (negative ? 1 : 0)) {
        return false;
    }
    number = static_cast<int64>(negative ? 0 - size : size);
    return true;
}

}  // namespace

QuietKey caller_key_quietly(Datum argument, KeyForm form, const registry::Tree& tree, Datum& value) {
    const registry::KeyType& type = tree.key;
    if (form != KeyForm::text) {
        return caller_key(argument, form, tree, value) ? QuietKey::key : QuietKey::none;
    }
    if (registry::is_integer(type.kind)) {
        int64 number;
        if (!read_canonical(DatumGetTextPP(argument), number)) {
            return QuietKey::none;
        }
        return caller_key(Int64GetDatum(number), KeyForm::bigint, tree, value) ? QuietKey::key : QuietKey::none;
    }
    if (type.declared == TEXTOID || type.declared == VARCHAROID) {
        value = argument;
        return QuietKey::key;
    }
    return QuietKey::unknown;
}

Datum Keys::to_caller(Key key, KeyForm form) const {
    if (form == KeyForm::bigint) {
        return Int64GetDatum(key);
    }
    if (registry::is_integer(type_.kind)) {
        return integer_key_text(key);
    }
    return key_to_caller(type_, value(key), form);
}

Datum key_to_caller(const registry::KeyType& type, Datum value, KeyForm form) {
    if (form == KeyForm::uuid) {
        return value;
    }
    if (type.kind == KeyKind::bytes && type.type != BYTEAOID) {
        return value;  // text and varchar are text already
    }
    if (type.kind == KeyKind::padded) {
        return value;  // kept without trailing blanks, as a cast to text would have it
    }
    char* written = OidOutputFunctionCall(type.output_function, value);
    const Datum result = CStringGetTextDatum(written);
    pfree(written);
    return result;
}

Datum integer_key_text(Key key) {
    char digits[MAXINT8LEN + 1];
    pg_lltoa(key, digits);
    return CStringGetTextDatum(digits);
}

KeyEquality::KeyEquality(const registry::KeyType& type, MemoryContext context) : type_(type), hash_(), equal_() {
    if (type.kind == KeyKind::other) {
        const TypeCacheEntry* cache = lookup_type_cache(type.type, TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR);
        fmgr_info_cxt(get_opcode(cache->eq_opr), &equal_, context);
        fmgr_info_cxt(cache->hash_proc, &hash_, context);
    }
}

KeyProbe KeyEquality::probe(Datum value) {
    KeyProbe probe = {0, value, {}};
    if (type_.kind == KeyKind::other) {
        if (type_.length == -1) {
            probe.plain = PointerGetDatum(pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(value))));
        }
        probe.hash = DatumGetUInt32(FunctionCall1Coll(&hash_, type_.collation, probe.plain));
        return probe;
    }
    if (type_.kind == KeyKind::uuid) {
        probe.bytes = {DatumGetPointer(value), UUID_LEN};
    } else {
        const varlena* plain = pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(value)));
        std::size_t length = VARSIZE_ANY_EXHDR(plain);
        while (type_.kind == KeyKind::padded && length > 0 && VARDATA_ANY(plain)[length - 1] == ' ') {
            --length;
        }
        probe.bytes = {VARDATA_ANY(plain), length};
    }
    probe.hash =
        hash_bytes(reinterpret_cast<const unsigned char*>(probe.bytes.data()), static_cast<int>(probe.bytes.size()));
    return probe;
}

bool KeyEquality::equal(const KeyProbe& probe, Datum stored) {
    if (type_.kind == KeyKind::other) {
        return DatumGetBool(FunctionCall2Coll(&equal_, type_.collation, probe.plain, stored));
    }
    return view(static_cast<Word>(stored), type_.kind) == probe.bytes;
}

Datum Keys::to_text(Datum value) const {
    char* written = OidOutputFunctionCall(type_.output_function, value);
    const Datum result = CStringGetTextDatum(written);
    pfree(written);
    return result;
}

uint32 Keys::hash(Key key) const {
    return registry::is_integer(type_.kind)
               ? hash_bytes_uint32(static_cast<uint32>(key) ^ static_cast<uint32>(key >> 32))
               : interner_.hash(key);
}

Oid type_of(KeyForm form) { return form == KeyForm::bigint ? INT8OID : form == KeyForm::uuid ? UUIDOID : TEXTOID; }

KeyForm form_of_argument(FunctionCallInfo fcinfo, int position) {
    Oid type = get_fn_expr_argtype(fcinfo->flinfo, position);
    if (!OidIsValid(type)) {  // called without an expression, through the function manager
        Oid* types;
        int count;
        get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
        type = types[position];
    }
    switch (getBaseType(type)) {
        case INT8OID:
            return KeyForm::bigint;
        case UUIDOID:
            return KeyForm::uuid;
        default:
            return KeyForm::text;
    }
}

}  // namespace pg_tree::fetch
