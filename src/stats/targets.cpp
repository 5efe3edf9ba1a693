#include "stats/targets.h"

#include "pg/lock.h"

extern "C" {
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

namespace pg_tree::stats {

namespace {

double slo_p95_ms = 100;
double slo_response_p95_ms = 1000;
double slo_hit_ratio = 0.70;
double slo_error_ratio = 0.01;
int slo_window_s = 300;
int retention_minutes = minutes_kept;

constexpr const char* target_names[] = {"p95", "response_p95", "hit_ratio", "error_ratio"};
static_assert(std::size(target_names) == target_count);
constexpr const char* status_names[] = {"ok", "violated", "no_data", "off"};

/// The last bound of the histograms: above it nobody knows how long it was.
constexpr int longest_target_ms = static_cast<int>(core::duration_bounds.back() / 1'000'000);

/// In a row.
constexpr int misses_to_raise = 2;
constexpr int hits_to_resolve = 3;
/// To be resolved, a value has to be this much better than the target.
constexpr double margin = 0.1;

#define PG_TREE_ALERT_RAISED MAKE_SQLSTATE('P', 'T', 'A', '0', '1')
#define PG_TREE_ALERT_RESOLVED MAKE_SQLSTATE('P', 'T', 'A', '0', '2')

struct Watch {
    int missed;  ///< slices in a row
    int met;
    std::uint64_t number;  ///< of the alert that is raised, among all there were, and 1; 0: none
    Alert alert;           ///< that one, for the ring may be over it
};

struct Alerts {
    LWLock lock;  ///< protects all of it; no other lock is taken under it
    Watch watches[target_count];
    std::uint64_t end;    ///< how many have ever been raised
    std::uint64_t first;  ///< earlier ones are forgotten
    Alert items[alerts_kept];
};
Alerts* alerts = nullptr;

bool is_upper_bound(Target target) { return target != Target::hit_ratio; }
bool is_ratio(Target target) { return target == Target::hit_ratio || target == Target::error_ratio; }

bool is_worse(Target target, double value, double than) { return is_upper_bound(target) ? value > than : value < than; }

double ratio(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? -1 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Under the lock.
void add_alert(Watch& watch) {
    alerts->items[alerts->end % alerts_kept] = watch.alert;
    watch.number = ++alerts->end;
    alerts->first = std::max(alerts->first, alerts->end > alerts_kept ? alerts->end - alerts_kept : 0);
}

/// Has the state of this target changed? Under the lock.
bool step(Target target, const Judgement& now_is, TimestampTz now, Change& change) {
    Watch& watch = alerts->watches[static_cast<int>(target)];
    const bool raised = watch.number != 0;
    if (now_is.status == Status::violated) {
        ++watch.missed;
        watch.met = 0;
    } else {
        watch.missed = 0;
        watch.met = now_is.status == Status::ok && !now_is.met_with_margin ? 0 : watch.met + 1;
    }
    if (!raised) {
        if (watch.missed < misses_to_raise) {
            return false;
        }
        watch.alert = {target, now, 0, now_is.target, now_is.value, now_is.value, now_is.value, now_is.samples};
        add_alert(watch);
        change = {watch.alert, true};
        return true;
    }
    watch.alert.last = now_is.value;
    if (now_is.status == Status::violated && is_worse(target, now_is.value, watch.alert.worst)) {
        watch.alert.worst = now_is.value;
    }
    const bool resolved = watch.met >= hits_to_resolve;
    watch.alert.resolved_at = resolved ? now : 0;
    if (const std::uint64_t number = watch.number - 1; number + alerts_kept >= alerts->end) {
        alerts->items[number % alerts_kept] = watch.alert;
    }
    if (resolved) {
        watch.number = 0;
        change = {watch.alert, false};
    }
    return resolved;
}

const char* what_it_is(Target target) {
    switch (target) {
        case Target::p95:
            return "95 % of calls should take at most";
        case Target::response_p95:
            return "95 % of statements that call pg_tree should take at most";
        case Target::hit_ratio:
            return "the share of calls answered from the cache should be at least";
        default:
            return "the share of calls that end in an error should be at most";
    }
}

/// Between two bounds of the histogram nobody knows which calls took longer: a target there is that of the bound above.
double next_bound_ms(double target_ms) {
    if (target_ms <= 0) {
        return 0;
    }
    for (const std::uint64_t bound : core::duration_bounds) {
        if (const double bound_ms = static_cast<double>(bound) / 1e6; target_ms <= bound_ms) {
            return bound_ms;
        }
    }
    return longest_target_ms;
}

void log_change(const Change& change) {
    const Alert& alert = change.alert;
    const char* name = name_of(alert.target);
    char* detail = describe(change);
    if (change.raised) {
        ereport(WARNING, errcode(PG_TREE_ALERT_RAISED), errmsg("pg_tree: alert %s raised: %s", name, message_of(alert)),
                errdetail_internal("%s", detail), errhint("%s", advice_on(alert.target)));
    } else {
        ereport(LOG, errcode(PG_TREE_ALERT_RESOLVED), errmsg("pg_tree: alert %s resolved", name),
                errdetail_internal("%s", detail));
    }
    pfree(detail);
}

struct SavedHead {
    Watch watches[target_count];
    std::uint64_t count;
};

}  // namespace

const char* name_of(Target target) { return target_names[static_cast<int>(target)]; }
const char* name_of(Status status) { return status_names[static_cast<int>(status)]; }
int window_seconds() { return slo_window_s; }
int history_retention() { return retention_minutes; }

Judgement judge(Target target, const Totals& lately) {
    const Numbers& calls = lately.calls;
    Judgement result = {};
    bool too_long = false;  // longer than any target
    switch (target) {
        case Target::p95:
            result.target = next_bound_ms(slo_p95_ms);
            result.value = calls.percentile_ms(0.95);
            too_long = core::is_above_bounds(calls.durations, 0.95);
            result.samples = calls.calls();
            break;
        case Target::response_p95:
            result.target = next_bound_ms(slo_response_p95_ms);
            result.value = lately.responses.percentile_ms(0.95);
            too_long = core::is_above_bounds(lately.responses.durations, 0.95);
            result.samples = lately.responses.calls();
            break;
        case Target::hit_ratio:
            result.target = slo_hit_ratio;
            result.samples = calls.hits + calls.misses + calls.bypasses;
            result.value = ratio(calls.hits, result.samples);
            break;
        default:
            result.target = slo_error_ratio;
            result.samples = calls.calls();
            result.value = ratio(calls.errors, result.samples);
            break;
    }
    if (!is_ratio(target) && result.target <= 0) {
        result.status = Status::off;
    } else if (result.samples < least_samples) {
        result.status = Status::no_data;
    } else {
        result.status = too_long || is_worse(target, result.value, result.target) ? Status::violated : Status::ok;
        const double easier =
            target == Target::hit_ratio ? result.target + margin * (1 - result.target) : result.target * (1 - margin);
        result.met_with_margin = result.status == Status::ok && !is_worse(target, result.value, easier);
    }
    return result;
}

std::size_t alerts_bytes() { return sizeof(Alerts); }

void attach_alerts(void* place, bool initialize) {
    alerts = static_cast<Alerts*>(place);
    if (!initialize) {
        return;
    }
    memset(place, 0, sizeof(Alerts));
    pg::create_lock(alerts->lock, "PgTreeAlerts");
}

int look_at_targets(TimestampTz now, Change (&changes)[target_count]) {
    const Totals lately = counted_lately(slo_window_s, now);
    int count = 0;
    LWLockAcquire(&alerts->lock, LW_EXCLUSIVE);
    for (int i = 0; i < target_count; ++i) {
        const auto target = static_cast<Target>(i);
        count += step(target, judge(target, lately), now, changes[count]) ? 1 : 0;
    }
    LWLockRelease(&alerts->lock);
    for (int i = 0; i < count; ++i) {
        log_change(changes[i]);
    }
    return count;
}

std::span<const Alert> read_alerts() {
    if (alerts == nullptr) {
        return {};
    }
    auto* found = static_cast<Alert*>(palloc(sizeof alerts->items));
    std::size_t count = 0;
    LWLockAcquire(&alerts->lock, LW_SHARED);
    for (std::uint64_t number = alerts->end; number > alerts->first; --number) {
        found[count++] = alerts->items[(number - 1) % alerts_kept];
    }
    LWLockRelease(&alerts->lock);
    return {found, count};
}

const char* advice_on(Target target) {
    switch (target) {
        case Target::p95:
            return "SELECT * FROM tree_stat_slow shows the latest slow calls, tree_stat_calls where the time goes.";
        case Target::response_p95:
            return "tree_stat_calls tells whether it is pg_tree or the statements around it that take the time.";
        case Target::hit_ratio:
            return "tree_stat_bypass and tree_stat_cache say why the table was read.";
        default:
            return "tree_stat_calls shows which functions fail; the server log has the errors.";
    }
}

char* message_of(const Alert& alert) {
    const char* unit = is_ratio(alert.target) ? "" : " ms";
    return psprintf("%s %g%s; it was %.4g%s", what_it_is(alert.target), alert.target_value, unit, alert.value, unit);
}

char* describe(const Change& change) {
    const Alert& alert = change.alert;
    const double value = change.raised ? alert.value : alert.last;
    char at[MAXDATELEN + 1];
    JsonEncodeDateTime(at, TimestampTzGetDatum(change.raised ? alert.raised_at : alert.resolved_at), TIMESTAMPTZOID,
                       nullptr);
    return psprintf(R"({"alert":"%s","state":"%s","target":%g,"value":%s,"worst":%.6g,"samples":)" UINT64_FORMAT
                    R"(,"window_s":%d,"at":"%s"})",
                    name_of(alert.target), change.raised ? "raised" : "resolved", alert.target_value,
                    value < 0 ? "null" : psprintf("%.6g", value), alert.worst, alert.samples, slo_window_s, at);
}

void forget_alerts() {
    LWLockAcquire(&alerts->lock, LW_EXCLUSIVE);
    alerts->first = alerts->end;
    for (Watch& watch : alerts->watches) {
        if (watch.number != 0) {
            add_alert(watch);
        }
    }
    LWLockRelease(&alerts->lock);
}

void save_alerts(StringInfo out) {
    enlargeStringInfo(out, sizeof(SavedHead) + sizeof alerts->items);
    pg::lock_for_saving(alerts->lock);
    SavedHead head = {};
    head.count = alerts->end - alerts->first;
    for (int i = 0; i < target_count; ++i) {
        head.watches[i] = alerts->watches[i];
        // Numbers begin at 0 again when they are read back.
        const std::uint64_t number = head.watches[i].number;
        head.watches[i].number = number > alerts->first ? number - alerts->first : 0;
    }
    appendBinaryStringInfo(out, reinterpret_cast<const char*>(&head), sizeof head);
    for (std::uint64_t number = alerts->first; number < alerts->end; ++number) {
        appendBinaryStringInfo(out, reinterpret_cast<const char*>(&alerts->items[number % alerts_kept]), sizeof(Alert));
    }
    pg::unlock_for_saving(alerts->lock);
}

bool restore_alerts(const char* data, std::size_t size) {
    SavedHead head;
    if (size < sizeof head) {
        return false;
    }
    memcpy(&head, data, sizeof head);
    if (head.count > alerts_kept || size != sizeof head + head.count * sizeof(Alert)) {
        return false;
    }
    memcpy(static_cast<void*>(alerts->items), data + sizeof head, head.count * sizeof(Alert));
    for (std::uint64_t i = 0; i < head.count; ++i) {
        if (static_cast<unsigned>(alerts->items[i].target) >= target_count) {
            return false;
        }
    }
    for (int i = 0; i < target_count; ++i) {
        alerts->watches[i] = head.watches[i];
        if (head.watches[i].number > head.count || head.watches[i].alert.target != static_cast<Target>(i)) {
            alerts->watches[i] = {};
        }
    }
    alerts->end = head.count;
    return true;
}

void define_target_settings() {
    DefineCustomIntVariable("pg_tree.history_retention", "How long tree_stat_history keeps minutes.", "0: it is off.",
                            &retention_minutes, minutes_kept, 0, minutes_kept, PGC_SIGHUP, GUC_UNIT_MIN, nullptr,
                            nullptr, nullptr);
    DefineCustomRealVariable("pg_tree.slo_p95", "The target: 95 % of calls take at most this long.", "0: no target.",
                             &slo_p95_ms, 100, 0, longest_target_ms, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr,
                             nullptr);
    DefineCustomRealVariable("pg_tree.slo_response_p95",
                             "The target: 95 % of statements that call pg_tree take at most this long.",
                             "From their arrival to the end of their execution. 0: no target.", &slo_response_p95_ms,
                             1000, 0, longest_target_ms, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomRealVariable("pg_tree.slo_hit_ratio",
                             "The target: at least this share of calls is answered from the cache.", "0: no target.",
                             &slo_hit_ratio, 0.70, 0, 1, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomRealVariable("pg_tree.slo_error_ratio", "The target: at most this share of calls ends in an error.",
                             "Calls that were cancelled are no errors. 1: no target.", &slo_error_ratio, 0.01, 0, 1,
                             PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_tree.slo_window", "How far back targets look.",
                            "In steps of ten seconds; the one that is not over yet is looked at too.", &slo_window_s,
                            300, slice_seconds, slices_kept * slice_seconds, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr,
                            nullptr);
}

}  // namespace pg_tree::stats
