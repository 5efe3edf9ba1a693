#include "scan/functions.h"

extern "C" {
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace pg_tree::scan {

namespace {

const SetFunction* const all[] = {&tree_build,    &tree_page,     &tree_rows,      &tree_forest, &tree_walk,
                                  &tree_children, &tree_siblings, &tree_ancestors, &tree_leaves, &tree_draw};

struct Known {
    Oid function;
    const SetFunction* set_function;
};
HTAB* known_functions = nullptr;

/// Every function that the server does not come with may have been asked about; nothing grows beyond this.
constexpr long most_known = 1000;

void forget_functions(Datum, int, uint32) {
    if (known_functions != nullptr) {
        hash_destroy(known_functions);
        known_functions = nullptr;
    }
}

/// The C symbol of a function, if its planner support function is this extension's.
char* symbol_of(Oid function) {
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) {
        return nullptr;
    }
    const auto* form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    char* symbol = nullptr;
    bool no_settings = false;
    SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &no_settings);
    if (form->prolang == ClanguageId && form->proretset && !form->prosecdef && no_settings &&
        OidIsValid(form->prosupport)) {
        bool null;
        const Datum library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &null);
        HeapTuple support = SearchSysCache1(PROCOID, ObjectIdGetDatum(form->prosupport));
        if (!null && HeapTupleIsValid(support)) {
            bool no_library;
            bool no_source;
            const Datum its_library = SysCacheGetAttr(PROCOID, support, Anum_pg_proc_probin, &no_library);
            const Datum its_source = SysCacheGetAttr(PROCOID, support, Anum_pg_proc_prosrc, &no_source);
            if (!no_library && !no_source && strcmp(TextDatumGetCString(its_source), "tree_support") == 0 &&
                strcmp(TextDatumGetCString(its_library), TextDatumGetCString(library)) == 0) {
                symbol = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &null));
            }
        }
        if (HeapTupleIsValid(support)) {
            ReleaseSysCache(support);
        }
    }
    ReleaseSysCache(tuple);
    return symbol;
}

const SetFunction* find(const char* symbol) {
    for (const SetFunction* one : all) {
        if (strcmp(one->symbol, symbol) == 0) {
            return one;
        }
    }
    return nullptr;
}

}  // namespace

const SetFunction* set_function_of(Oid function) {
    if (function < FirstGenbkiObjectId) {
        return nullptr;  // it came with the server
    }
    if (known_functions == nullptr) {
        HASHCTL control = {};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(Known);
        control.hcxt = CacheMemoryContext;
        known_functions = hash_create("pg_tree functions", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    if (const auto* known = static_cast<Known*>(hash_search(known_functions, &function, HASH_FIND, nullptr))) {
        return known->set_function;
    }
    const char* symbol = symbol_of(function);
    const SetFunction* found = symbol == nullptr ? nullptr : find(symbol);
    // Looking may have brought an invalidation, and with it the end of the table.
    if (known_functions != nullptr && hash_get_num_entries(known_functions) < most_known) {
        static_cast<Known*>(hash_search(known_functions, &function, HASH_ENTER, nullptr))->set_function = found;
    }
    return found;
}

const SetFunction* find_set_function(const char* symbol) {
    const SetFunction* found = find(symbol);
    if (found == nullptr) {
        elog(ERROR, "pg_tree has no function \"%s\"", symbol);
    }
    return found;
}

bool find_tree_quietly(const SetFunction& function, const FuncExpr& call, const char* name, MemoryContext context,
                       registry::TreeUse& use) {
    const Oid row_type = function.row_type ? exprType(static_cast<Node*>(linitial(call.args))) : InvalidOid;
    if (!registry::knows_tree(call.funcid, row_type, name)) {
        return false;
    }
    use = function.row_type ? registry::use_tree_of_row_type(call.funcid, row_type, name, context)
                            : registry::use_tree(call.funcid, name, context);
    return true;
}

fetch::Content content_of(const SetFunction& function) {
    return function.row_type ? fetch::Content::rows : fetch::Content::nodes;
}

void watch_functions() { CacheRegisterSyscacheCallback(PROCOID, forget_functions, 0); }

}  // namespace pg_tree::scan
