# docs/benchmarks.monitoring.md from docs/benchmarks.monitoring.csv: awk -f csv.awk -f monitoring/report.awk docs/benchmarks.monitoring.csv

function figure(section, q, m, statistic) { return value[section, "", q, m, statistic] }

# Questions of a section, in the order they come.
FNR > 1 && !((section, field[3]) in asked) {
    asked[section, field[3]] = 1
    questions_of[section] = questions_of[section] (questions_of[section] == "" ? "" : SUBSEP) field[3]
}

# The histogram's bucket that a duration in milliseconds falls into.
function bucket(ms,    bounds, n, i) {
    n = split("0.1 0.25 0.5 1 2.5 5 10 25 50 100 250 500 1000 2500 5000 10000", bounds, " ")
    for (i = 1; i <= n; i++) if (ms <= bounds[i] + 0) return i
    return n + 1
}

function percent(ratio) { return sprintf("%.1f %%", 100 * (1 - ratio)) }
function verdict(met) { return met ? "met" : "**NOT met**" }

END {
    print "# Benchmarks: the statistics"
    print ""
    print "Written by `scripts/bench-monitoring`; do not edit. What is measured, how, and how to read it: [bench/README.md](../bench/README.md)."
    print "All raw figures: [benchmarks.monitoring.csv](benchmarks.monitoring.csv)."
    print ""
    print "| | |"
    print "|---|---|"
    for (i = 1; i <= environments; i++) print "| " environment[i] " | " value["environment", "", "", "", environment[i]] " |"
    print ""
    print "## What counting costs"
    print ""
    print "pgbench, prepared statements, two clients; `pg_tree.track` on and off in turns. The goal: at most 2 % of the throughput of the hottest"
    print "small read, `tree_build` of ten nodes. (On a shared machine single pairs are some hundredths apart either way.)"
    print ""
    print "| | on / off, median of all pairs | mean | least and most | costs (median) | |"
    print "|---|--:|--:|--:|--:|---|"
    n = split(questions_of["ratio"], q, SUBSEP)
    for (i = 1; i <= n; i++) {
        m = figure("ratio", q[i], "", "median")
        printf "| %s | %.3f | %.3f | %.3f to %.3f | %s | %s |\n", q[i], m, figure("ratio", q[i], "", "mean"), figure("ratio", q[i], "", "least"), \
            figure("ratio", q[i], "", "most"), percent(m), i == 1 ? verdict(m >= 0.98) : "–"
    }
    print ""
    print "A value for every row of a table, one session, medians. Of what answers in constant time one call in 16 is timed; every one is counted."
    print ""
    print "| | on | off | the scan alone | counting, a row |"
    print "|---|--:|--:|--:|--:|"
    n = split(questions_of["values"], q, SUBSEP)
    rows_in_all = value["environment", "", "", "", "tree"] + 0
    for (i = 1; i <= n; i++) {
        on = figure("values", q[i], "track_on", "median ms"); off = figure("values", q[i], "track_off", "median ms")
        printf "| `%s` | %s | %s | %s | %.0f ns |\n", q[i], milliseconds(on), milliseconds(off), \
            milliseconds(figure("values", q[i], "scan", "median ms")), (on - off) * 1e6 / rows_in_all
    }
    print ""
    print "## Whether anybody waits"
    print ""
    print "64 clients, all on one tree and one function, and every session looked at some hundred times in `pg_stat_activity`. The goal: nobody waits"
    print "for a lock of pg_tree's (`LWLock:PgTree...`)."
    print ""
    print "| | transactions a second | looks | active sessions seen | waiting for pg_tree | waiting for others | |"
    print "|---|--:|--:|--:|--:|--:|---|"
    n = split(questions_of["waits"], q, SUBSEP)
    for (i = 1; i <= n; i++) {
        waiting = figure("waits", q[i], "", "waiting for pg_tree")
        printf "| %s | %s | %s | %s | %s%s | %s | %s |\n", q[i], thousands(figure("waits", q[i], "", "transactions a second")), figure("waits", q[i], "", "looks"), \
            thousands(figure("waits", q[i], "", "sessions seen")), waiting, (waiting > 0 ? " (" figure("waits", q[i], "", "what for") ")" : ""), \
            figure("waits", q[i], "", "waiting for others"), verdict(waiting == 0)
        if (figure("waits", q[i], "", "slow calls") != "")
            note = sprintf("Of %s slow calls that were noted in the ring of 256, %s were dropped because another was being noted in their place.", \
                thousands(figure("waits", q[i], "", "slow calls")), thousands(figure("waits", q[i], "", "dropped")))
    }
    print ""
    print note
    print ""
    print "## Percentiles"
    print ""
    print "What the statistics say against pgbench's own log of the same run, two clients, in which sending and receiving are included. *Statements* are"
    print "`tree_stat_responses`; *calls* are `tree_stat_calls`, where the function is nearly all that the statement does. The goal: within one bound of the"
    print "histogram (1, 2.5 and 5 of each power of ten)."
    print ""
    print "| | | counted | p50, pgbench's | p95, pgbench's | p99, pgbench's | bounds apart, at most | |"
    print "|---|---|--:|--:|--:|--:|--:|---|"
    n = split(questions_of["percentiles"], q, SUBSEP)
    split("p50 p95 p99", quantile, " ")
    split("statements calls", kind, " ")
    for (i = 1; i <= n; i++) for (k = 1; k <= 2; k++) {
        if (figure("percentiles", q[i], kind[k], "number") == "") continue
        line = ""; apart = 0
        for (j = 1; j <= 3; j++) {
            ours = figure("percentiles", q[i], kind[k], quantile[j]); theirs = figure("percentiles", q[i], "pgbench", quantile[j])
            line = line " | " number(ours) ", " milliseconds(theirs)
            d = bucket(ours) - bucket(theirs); d = d < 0 ? -d : d
            if (d > apart) apart = d
        }
        printf "| %s | %s | %s of %s%s | %d | %s |\n", q[i], kind[k], thousands(figure("percentiles", q[i], kind[k], "number")), \
            thousands(figure("percentiles", q[i], "pgbench", "number")), line, apart, verdict(apart <= 1)
    }
}
