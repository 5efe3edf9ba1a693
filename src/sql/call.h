// What the SQL functions have in common: their arguments, and the tree that is meant.
#pragma once

#include "fetch/reading.h"
#include "pg/function.h"
#include "scan/rows_out.h"

namespace pg_tree::sql {

/// A text argument as a C string; null when it is null.
inline char* text_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(position));
}

/// A level limit: null means none.
inline std::int32_t level_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? core::unlimited : PG_GETARG_INT32(position);
}

/// A question about a tree: which tree, and in which form the caller writes keys. It lives in the call's memory.
struct Question {
    fetch::KeyForm form;
    registry::TreeUse tree;
};

/// `key` and `tree` are positions of arguments.
inline Question ask(FunctionCallInfo fcinfo, int key, int tree) {
    const fetch::KeyForm form = fetch::form_of_argument(fcinfo, key);
    return {form, registry::use_tree(fcinfo->flinfo->fn_oid, text_argument(fcinfo, tree), CurrentMemoryContext)};
}

inline fetch::Reading* read(const Question& question, fetch::Content content) {
    return fetch::begin_reading(question.tree, content, CurrentMemoryContext);
}

/// The key given as an argument. False: no row of this tree can have it.
inline bool key_argument(FunctionCallInfo fcinfo, int position, const Question& question, fetch::Reading& reading,
                         core::Key& key) {
    return reading.keys->from_caller(PG_GETARG_DATUM(position), question.form, reading.tree(), key);
}

}  // namespace pg_tree::sql
