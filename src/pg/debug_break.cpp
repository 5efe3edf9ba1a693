#include "pg/debug_break.h"

#ifdef PG_TREE_DEBUG

#include "pg/function.h"

extern "C" {
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/varlena.h"
}

namespace pg_tree::pg {

unsigned broken_rules = 0;

namespace {

constexpr const char* rule_names[] = {"same_writers",    "known_to_watch", "seal_running", "own_change",
                                      "pending",         "ground",         "triggers",     "ddl",
                                      "recovery",        "own_xid",        "note_subxact", "type_equality",
                                      "statement_count", "memo_pointer",   "read_write"};
static_assert(std::size(rule_names) == static_cast<std::size_t>(Rule::count));

constexpr const char* point_names[] = {"none", "build_read", "build_publish", "seal", "note", "serve"};
static_assert(std::size(point_names) == static_cast<std::size_t>(WaitPoint::count));

char* debug_break = nullptr;
WaitPoint waiting_at = WaitPoint::none;

bool parse_rules(const char* text, unsigned& rules) {
    rules = 0;
    List* names = NIL;
    char* copy = pstrdup(text);
    if (!SplitIdentifierString(copy, ',', &names)) {
        return false;
    }
    ListCell* cell;
    foreach (cell, names) {
        const auto* const end = std::end(rule_names);
        const auto* const found = std::find_if(std::begin(rule_names), end, [&](const char* name) {
            return strcmp(name, static_cast<const char*>(lfirst(cell))) == 0;
        });
        if (found == end) {
            return false;
        }
        rules |= 1U << static_cast<unsigned>(found - std::begin(rule_names));
    }
    return true;
}

bool check_rules(char** value, void**, GucSource) {
    unsigned rules;
    return parse_rules(*value, rules);
}

void assign_rules(const char* value, void*) { (void)parse_rules(value, broken_rules); }

}  // namespace

void wait_point(WaitPoint point) {
    if (waiting_at != point) {
        return;
    }
    waiting_at = WaitPoint::none;
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 20191, static_cast<uint32>(point), 2);
    (void)LockAcquire(&tag, ShareLock, true, false);
    (void)LockRelease(&tag, ShareLock, true);
}

/// tree_debug_wait_at(point text): the next time this session comes to the point it waits until nobody holds the advisory
/// lock (20191, number of the point) exclusively.
PG_TREE_FUNCTION(tree_debug_wait_at) {
    const char* name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    for (std::size_t i = 0; i < std::size(point_names); ++i) {
        if (strcmp(point_names[i], name) == 0) {
            waiting_at = static_cast<WaitPoint>(i);
            PG_RETURN_INT32(static_cast<int32>(i));
        }
    }
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no wait point is called \"%s\"", name));
    pg_unreachable();
}

void define_debug_settings() {
    DefineCustomStringVariable("pg_tree.debug_break", "Rules of the cache to leave out, for tests.", nullptr,
                               &debug_break, "", PGC_SUSET, 0, check_rules, assign_rules, nullptr);
}

}  // namespace pg_tree::pg

#endif
