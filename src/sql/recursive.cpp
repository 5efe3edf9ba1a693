// The rows of tree_stat_recursive.

#include "stats/recursive.h"

#include "pg/function.h"
#include "scan/rows_out.h"
#include "stats/visible.h"

namespace pg_tree::sql {

namespace {

/// What it is called now, quoted; null when it is no more.
const char* name_of(Oid relation) {
    const char* name = get_rel_name(relation);
    const char* schema = name == nullptr ? nullptr : get_namespace_name(get_rel_namespace(relation));
    return schema == nullptr ? nullptr : quote_qualified_identifier(schema, name);
}

}  // namespace

/// queryid, relation, calls, total_ms, p95_ms
PG_TREE_FUNCTION(tree_recursive_statistics) {
    scan::RowsOut out(fcinfo);
    auto* found =
        static_cast<stats::RecursiveStatistics*>(palloc(stats::max_recursive * sizeof(stats::RecursiveStatistics)));
    const std::size_t count = stats::read_recursive(found);
    std::sort(found, found + count, [](const auto& a, const auto& b) { return a.total > b.total; });
    const bool sees_all = stats::sees_everything();
    for (const stats::RecursiveStatistics& each : std::span(found, count)) {
        const char* name = name_of(each.relation);
        if (name == nullptr || !stats::may_see(MyDatabaseId, each.relation)) {
            continue;
        }
        const Datum values[] = {Int64GetDatum(static_cast<int64>(each.query_id)), CStringGetTextDatum(name),
                                Int64GetDatum(static_cast<int64>(each.calls)),
                                Float8GetDatum(static_cast<double>(each.total) / 1e6), Float8GetDatum(each.p95 / 1e6)};
        const bool nulls[] = {each.query_id == 0 || !sees_all, false, false, false, false};
        out.put(values, nulls);
    }
    return Datum{0};
}

}  // namespace pg_tree::sql
