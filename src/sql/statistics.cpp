// The rows of tree_stat_calls, tree_stat_histogram, tree_stat_responses, tree_stat_slow, tree_stat_history, tree_slo and tree_alerts, and
// tree_stat_reset.

#include "sql/statistics.h"

#include "cache/statistics.h"
#include "scan/question.h"
#include "scan/rows_out.h"
#include "stats/clock.h"
#include "stats/shared.h"
#include "stats/slow.h"
#include "stats/visible.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "utils/acl.h"
#include "utils/float.h"
#include "utils/timestamp.h"
}

namespace pg_tree::sql {

using stats::Numbers;

namespace {

void put_row(scan::RowsOut& out, Row& row) { out.put(row.values, row.nulls); }

double milliseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

/// The tree's name as it is now, or as it was when it was counted last; null for calls that named no tree there is.
const char* shown_name(const TreeNames& names, const stats::TreeNumbers& tree) {
    const registry::Registration* now = names.find(tree.database, tree.trigger);
    return now != nullptr             ? registry::qualified_tree_name(*now)
           : OidIsValid(tree.trigger) ? stats::readable(tree.tree, sizeof tree.tree, tree.database)
                                      : nullptr;
}

/// A database may have been dropped by the primary, or just before a crash.
bool is_gone(Oid database) { return OidIsValid(database) && get_database_name(database) == nullptr; }

bool is_same_name(const char* a, const char* b) { return a == nullptr || b == nullptr ? a == b : strcmp(a, b) == 0; }

/// Calls write(numbers, database's name, tree's name or null) for each tree that is counted and the user may know of. What was counted of a
/// tree before it was registered anew, or its table made anew, is the tree's still.
template <class Write>
void for_each_counted_tree(FunctionCallInfo fcinfo, Write&& write) {
    struct Shown {
        stats::TreeNumbers numbers;
        const char* name;
    };
    const TreeNames names(fcinfo);
    List* all = NIL;
    Shown* shown = nullptr;
    for (int slot = 0; stats::can_count() && slot < stats::slot_count; ++slot) {
        shown = shown != nullptr ? shown : static_cast<Shown*>(palloc(sizeof(Shown)));
        stats::TreeNumbers& numbers = shown->numbers;
        if (!stats::read_tree(slot, numbers) || is_gone(numbers.database) ||
            !stats::may_see(numbers.database, numbers.relation)) {
            continue;
        }
        shown->name = shown_name(names, numbers);
        Shown* earlier = nullptr;
        ListCell* cell;
        foreach (cell, all) {
            auto* other = static_cast<Shown*>(lfirst(cell));
            if (other->numbers.database == numbers.database && is_same_name(other->name, shown->name)) {
                earlier = other;
                break;
            }
        }
        if (earlier != nullptr) {
            earlier->numbers.add(numbers);
        } else {
            all = lappend(all, std::exchange(shown, nullptr));
        }
    }
    ListCell* cell;
    foreach (cell, all) {
        auto* tree = static_cast<Shown*>(lfirst(cell));
        write(tree->numbers, get_database_name(tree->numbers.database), tree->name);
    }
}

/// Resets what is shown under the name because a tree that is gone was called so.
void reset_earlier(const TreeNames& names, const char* name) {
    auto* tree = static_cast<stats::TreeNumbers*>(palloc(sizeof(stats::TreeNumbers)));
    for (int slot = 0; slot < stats::slot_count; ++slot) {
        if (stats::read_tree(slot, *tree) && tree->database == MyDatabaseId && OidIsValid(tree->trigger) &&
            names.find(tree->database, tree->trigger) == nullptr && is_same_name(shown_name(names, *tree), name)) {
            stats::reset_tree(tree->trigger);
        }
    }
}

/// One row for each bound: how many took so long or less. fill(row) puts what comes before, end(row) what comes after.
template <class Begin, class End>
void put_histogram(scan::RowsOut& out, const Numbers& numbers, Begin&& begin, End&& end) {
    uint64 count = 0;
    for (std::size_t i = 0; i < core::duration_buckets; ++i) {
        count += numbers.durations[i];
        Row row;
        begin(row);
        row.put_float(i < core::duration_bounds.size() ? static_cast<double>(core::duration_bounds[i]) / 1e9
                                                       : get_float8_infinity());
        row.put_count(count);
        end(row);
        put_row(out, row);
    }
}

}  // namespace

/// datname, tree, function, calls, errors, slow_calls, rows, hits, misses, total_ms, min_ms, max_ms, mean_ms, p50_ms, p95_ms, p99_ms, stats_since,
/// cancels
PG_TREE_FUNCTION(tree_call_statistics) {
    scan::RowsOut out(fcinfo);
    for_each_counted_tree(fcinfo, [&](const stats::TreeNumbers& tree, const char* database, const char* name) {
        for (int i = 0; i < stats::function_count; ++i) {
            const Numbers& numbers = tree.functions[i];
            const uint64 calls = numbers.calls();
            if (calls == 0) {
                continue;
            }
            Row row;
            row.put_text(database);
            row.put_text(name);
            row.put_text(stats::name_of(static_cast<stats::Function>(i)));
            for (const uint64 count :
                 {calls, numbers.errors, numbers.slow, numbers.rows, numbers.hits, numbers.misses}) {
                row.put_count(count);
            }
            row.put_float(milliseconds(numbers.total));
            row.put_float(milliseconds(std::min(numbers.least, numbers.most)));
            row.put_float(milliseconds(numbers.most));
            row.put_float(milliseconds(numbers.total) / static_cast<double>(calls));
            for (const double quantile : {0.5, 0.95, 0.99}) {
                row.put_float(numbers.percentile_ms(quantile));
            }
            row.put_time(tree.since);
            row.put_count(numbers.cancels);
            put_row(out, row);
        }
    });
    return Datum{0};
}

/// datname, tree, function, le, count
PG_TREE_FUNCTION(tree_call_histogram) {
    scan::RowsOut out(fcinfo);
    for_each_counted_tree(fcinfo, [&](const stats::TreeNumbers& tree, const char* database, const char* name) {
        for (int i = 0; i < stats::function_count; ++i) {
            if (tree.functions[i].calls() > 0) {
                put_histogram(
                    out, tree.functions[i],
                    [&](Row& row) {
                        row.put_text(database);
                        row.put_text(name);
                        row.put_text(stats::name_of(static_cast<stats::Function>(i)));
                    },
                    [](Row&) {});
            }
        }
    });
    return Datum{0};
}

/// datname, tree, le, count, total_ms
PG_TREE_FUNCTION(tree_response_histogram) {
    scan::RowsOut out(fcinfo);
    for_each_counted_tree(fcinfo, [&](const stats::TreeNumbers& tree, const char* database, const char* name) {
        if (tree.responses.calls() > 0) {
            put_histogram(
                out, tree.responses,
                [&](Row& row) {
                    row.put_text(database);
                    row.put_text(name);
                },
                [&](Row& row) { row.put_float(milliseconds(tree.responses.total)); });
        }
    });
    return Datum{0};
}

/// at, datname, usename, pid, queryid, tree, function, root, rows, duration_ms, cache, query
PG_TREE_FUNCTION(tree_slow_calls) {
    constexpr const char* sources[] = {nullptr, "hit", "miss", "bypass"};
    scan::RowsOut out(fcinfo);
    auto* call = static_cast<stats::SlowCall*>(palloc(sizeof(stats::SlowCall)));
    auto show = [&](const stats::SlowCall& slow) {
        const bool own = stats::sees_everything() || has_privs_of_role(GetUserId(), slow.user);
        // A key that somebody else's function has asked about is that one's secret.
        const bool own_key = own && (stats::sees_everything() || has_privs_of_role(GetUserId(), slow.caller));
        if (is_gone(slow.database) || (!own && !stats::may_see(slow.database, slow.relation))) {
            return;
        }
        auto text = [&](const char* value, std::size_t size) {
            return *value == '\0' ? nullptr : stats::readable(value, size, slow.database);
        };
        Row row;
        row.put_time(slow.at);
        row.put_text(get_database_name(slow.database));
        row.put_text(GetUserNameFromId(slow.user, true));
        row.put(Int32GetDatum(slow.pid));
        own&& slow.queryid != 0 ? row.put_count(slow.queryid) : row.put_null();
        row.put_text(text(slow.tree, sizeof slow.tree));
        row.put_text(stats::name_of(slow.function));
        row.put_text(own_key ? text(slow.root, sizeof slow.root) : nullptr);
        row.put_count(slow.rows);
        row.put_float(milliseconds(slow.duration));
        row.put_text(sources[static_cast<int>(slow.source)]);
        row.put_text(own ? text(slow.query, sizeof slow.query) : nullptr);
        put_row(out, row);
    };
    stats::for_each_slow_call(*call, show);
    return Datum{0};
}

/// minute, calls, errors, cancels, slow_calls, rows, hits, misses, bypasses, total_ms, p50_ms, p95_ms, p99_ms, responses, response_p95_ms,
/// cache_bytes
PG_TREE_FUNCTION(tree_minutes) {
    scan::RowsOut out(fcinfo);
    const TimestampTz oldest = stats::now() - int64{stats::history_retention()} * USECS_PER_MINUTE;
    for (const stats::Minute& minute : stats::read_minutes()) {
        if (minute.begin + USECS_PER_MINUTE <= oldest) {
            continue;
        }
        const Numbers& calls = minute.counted.calls;
        Row row;
        row.put_time(minute.begin);
        for (const uint64 count : {calls.calls(), calls.errors, calls.cancels, calls.slow, calls.rows, calls.hits,
                                   calls.misses, calls.bypasses}) {
            row.put_count(count);
        }
        row.put_float(milliseconds(calls.total));
        for (const double quantile : {0.5, 0.95, 0.99}) {
            row.put_float_if_any(calls.percentile_ms(quantile));
        }
        row.put_count(minute.counted.responses.calls());
        row.put_float_if_any(minute.counted.responses.percentile_ms(0.95));
        row.put_count(minute.cache_bytes);
        put_row(out, row);
    }
    return Datum{0};
}

/// name, target, current, samples, status
PG_TREE_FUNCTION(tree_targets) {
    scan::RowsOut out(fcinfo);
    const stats::Totals lately =
        stats::can_count() ? stats::counted_lately(stats::window_seconds(), stats::now()) : stats::Totals();
    for (int i = 0; i < stats::target_count; ++i) {
        const auto target = static_cast<stats::Target>(i);
        const stats::Judgement judgement = stats::judge(target, lately);
        Row row;
        row.put_text(stats::name_of(target));
        row.put_float(judgement.target);
        row.put_float_if_any(judgement.value);
        row.put_count(judgement.samples);
        row.put_text(stats::name_of(judgement.status));
        put_row(out, row);
    }
    return Datum{0};
}

/// name, state, raised_at, resolved_at, target, value, worst, samples, message
PG_TREE_FUNCTION(tree_alert_log) {
    scan::RowsOut out(fcinfo);
    for (const stats::Alert& alert : stats::read_alerts()) {
        Row row;
        row.put_text(stats::name_of(alert.target));
        row.put_text(alert.resolved_at == 0 ? "raised" : "resolved");
        row.put_time(alert.raised_at);
        row.put_time(alert.resolved_at);
        row.put_float(alert.target_value);
        row.put_float(alert.value);
        row.put_float(alert.worst);
        row.put_count(alert.samples);
        row.put_text(stats::message_of(alert));
        put_row(out, row);
    }
    return Datum{0};
}

/// tree_stat_reset(tree text) RETURNS timestamptz
PG_TREE_FUNCTION(tree_stat_reset) {
    if (PG_ARGISNULL(0)) {
        if (!stats::can_count()) {
            PG_RETURN_NULL();
        }
        cache::reset_statistics(InvalidOid);
        PG_RETURN_TIMESTAMPTZ(stats::reset_all());
    }
    const registry::Registration& registration =
        registry::find_registration(fcinfo->flinfo->fn_oid, scan::text_argument(fcinfo, 0));
    if (!stats::can_count()) {
        PG_RETURN_NULL();
    }
    cache::reset_statistics(registration.trigger_oid);
    const TimestampTz at = stats::reset_tree(registration.trigger_oid);
    reset_earlier(TreeNames(fcinfo), registry::qualified_tree_name(registration));
    PG_RETURN_TIMESTAMPTZ(at);
}

}  // namespace pg_tree::sql
