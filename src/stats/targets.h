// The targets, what came of them lately, and alerts.
//
// An alert is raised when a target was missed in two slices in a row, and resolved when it was met with a margin, or nothing happened, in three in
// a row: one outlier raises nothing, and a value near the target does not raise and resolve again and again.
#pragma once

#include "stats/history.h"

namespace pg_tree::stats {

enum class Target : int { p95, response_p95, hit_ratio, error_ratio, count };
inline constexpr int target_count = static_cast<int>(Target::count);
const char* name_of(Target target);

/// Fewer samples say nothing.
inline constexpr std::uint64_t least_samples = 20;

enum class Status : int { ok, violated, no_data, off };
const char* name_of(Status status);

struct Judgement {
    double target;  ///< milliseconds, or a ratio
    double value;   ///< negative: there is none
    std::uint64_t samples;
    Status status;
    bool met_with_margin;
};
/// Of the latest pg_tree.slo_window.
Judgement judge(Target target, const Totals& lately);
int window_seconds();

inline constexpr int alerts_kept = 128;

struct Alert {
    Target target;
    TimestampTz raised_at;
    TimestampTz resolved_at;  ///< 0: not yet
    double target_value;
    double value;  ///< when it was raised
    double worst;  ///< since
    double last;   ///< when it was looked at last; negative: no data
    std::uint64_t samples;
};

std::size_t alerts_bytes();
void attach_alerts(void* place, bool initialize);

/// An alert whose state has changed.
struct Change {
    Alert alert;
    bool raised;
};
/// Looks at every target; writes changes to the server log. Returns how many there were. One process at a time; a server frame.
int look_at_targets(TimestampTz now, Change (&changes)[target_count]);

/// All alerts, the latest first, in memory of the current context.
std::span<const Alert> read_alerts();
/// Where to look when the target is missed.
const char* advice_on(Target target);

/// A sentence: what the target was, and what it came to. Allocated in the current context.
char* message_of(const Alert& alert);

/// What the log's DETAIL and a notification say, as JSON. Allocated in the current context.
char* describe(const Change& change);

/// Alerts that are raised stay.
void forget_alerts();

void save_alerts(StringInfo out);
bool restore_alerts(const char* data, std::size_t size);

/// pg_tree.slo_... and pg_tree.history_retention. Called once from _PG_init.
void define_target_settings();
/// Minutes that tree_stat_history shows.
int history_retention();

}  // namespace pg_tree::stats
