#include "scan/question.h"

namespace pg_tree::scan {

namespace {

bool same_name(const text* a, const text* b) {
    if (a == nullptr || b == nullptr) {
        return a == b;
    }
    return VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

CallMemo& memo_of(FmgrInfo& function) {
    if (function.fn_extra == nullptr) {
        auto* memo = static_cast<CallMemo*>(MemoryContextAllocZero(function.fn_mcxt, sizeof(CallMemo)));
        memo->context = AllocSetContextCreate(function.fn_mcxt, "pg_tree call", ALLOCSET_SMALL_SIZES);
        function.fn_extra = memo;
    }
    return *static_cast<CallMemo*>(function.fn_extra);
}

}  // namespace

Question ask(FunctionCallInfo fcinfo, int key, int tree) {
    CallMemo& memo = memo_of(*fcinfo->flinfo);
    const text* name = PG_ARGISNULL(tree) ? nullptr : PG_GETARG_TEXT_PP(tree);
    if (memo.valid && same_name(memo.tree, name) && registry::names_still_mean(memo.names) &&
        cache::still_stands(memo.question.tree, memo.hit)) {
        stats::name_tree(memo.question.tree);
        return {memo.question.form, memo.question.tree, &memo, true};
    }
    // Until all of it is known, an error leaves nothing to go by.
    memo.valid = false;
    memo.hit = {};
    MemoryContextReset(memo.context);
    memo.tree = nullptr;
    if (name != nullptr) {
        memo.tree = static_cast<const text*>(
            memcpy(MemoryContextAlloc(memo.context, VARSIZE_ANY(name)), name, VARSIZE_ANY(name)));
    }
    const fetch::KeyForm form = fetch::form_of_argument(fcinfo, key);
    memo.question = {form, registry::use_tree(fcinfo->flinfo->fn_oid, text_argument(fcinfo, tree), memo.context), &memo,
                     false};
    registry::remember_names(memo.names, memo.context);
    memo.valid = true;
    stats::name_tree(memo.question.tree);
    return memo.question;
}

}  // namespace pg_tree::scan
