# docs/benchmarks.scan.md from docs/benchmarks.scan.csv: awk -f csv.awk -f scan/report.awk docs/benchmarks.scan.csv

# The columns of the CSV are named as in docs/benchmarks.csv: here a "method" is a contender.
function figure(section, q, m, statistic) { return value[section, "", q, m, statistic] }
function ms(q, m) { return figure("time", q, m, "median ms") }
function planning(q, m) { return figure("time", q, m, "median planning ms") }
function part(q) { return figure("question", q, "", "part") }
function answer_rows(q) { return figure("asked", q, "", "rows") }
function plan(q, m) { return figure("contender", q, m, "plan") }
function rate(q, m) { return figure("clients", q, m, "median transactions a second") }
function copy(m) { return figure("copy", "COPY to a client", m, "median ms") }
function estimate(statistic) { return value["estimates", "", "", "", statistic] }
function drawn(q, statistic) { return value["drawn", "", q, "", statistic] }

# Microseconds that a function costs a row of the facts: what its statement takes above the one that calls none.
function each(m) { return (ms("every fact", m) - ms("every fact", "count(*)")) * 1000 / nodes(tree[1]) }

function times(slow, fast) { return number(slow / fast) }
function share(some, all) { return sprintf("%.3f", some / all) }
function percent(fraction) { return fraction < 10 ? sprintf("%.1f %%", 100 * fraction) : thousands(100 * fraction) " %" }
function signed(n) { return n < 0 ? "-" number(-n) : number(n) }

# Of a smaller tree than the goals speak of, the verdict is put in brackets.
function goal(what, measured, aim, met) {
    goals_in_all++
    goals_met += met
    met = met ? "met" : "**NOT met**"
    if (nodes(tree[1]) < 1000000) met = "(" met ")"
    goal_lines[goals_in_all] = "| " what " | " measured " | " aim " | " met " |"
}

function goal_small(name, q,    large, small) {
    large = ms(q, "pg_tree")
    small = ms(q, "pg_tree, small tree")
    goal(name ", with planning", milliseconds(large), "under 0.5 ms", large < 0.5)
    goal(name ", whatever the tree's size", milliseconds(large) " of " thousands(nodes(tree[1])) " nodes, " milliseconds(small) " of " \
         thousands(nodes(tree[2])) ": " times(large, small) " times", "at most 1.5 times", large / small <= 1.5)
}

function goal_rate(name, q, rival, least) {
    goal(name ", against " rival, thousands(rate(q, "pg_tree")) " against " thousands(rate(q, rival)) " a second: " times(rate(q, "pg_tree"), rate(q, rival)) " times",
         least > 1 ? "at least " least " times" : "at least as many", rate(q, "pg_tree") / rate(q, rival) >= least)
}

function goals(    i, q, m, n) {
    n = nodes(tree[1])
    q = "everything"
    goal("everything, against the sequential scan of the table", milliseconds(ms(q, "pg_tree")) " against " milliseconds(ms(q, "sequential scan")) ": " \
         share(ms(q, "pg_tree"), ms(q, "sequential scan")), "at most 0.35", ms(q, "pg_tree") / ms(q, "sequential scan") <= 0.35)
    goal("everything, against nested sets in order", milliseconds(ms(q, "pg_tree")) " against " milliseconds(ms(q, "nested sets")) ": " \
         times(ms(q, "nested sets"), ms(q, "pg_tree")) " times faster", "at least 25 times faster", ms(q, "nested sets") / ms(q, "pg_tree") >= 25)
    goal_small("`LIMIT 10` of everything", "LIMIT 10 of everything")
    goal_small("`tree_page`, 10 rows behind 90 % of all", "a page of 10 at 90 %")
    q = "a subtree of ten nodes"
    goal_rate(q ", pgbench", q, "recursive", 1.5)
    goal_rate(q ", pgbench", q, "nested sets", 1)
    goal_rate("ancestors at depth " drawn("ancestors", "depth") ", pgbench", "ancestors", "recursive", 3)
    q = "ancestors of a tenth of the facts"
    goal("`LATERAL tree_ancestors` for " thousands(int(n / 10)) " rows, against the recursive query", milliseconds(ms(q, "pg_tree")) " against " milliseconds(ms(q, "recursive")) ": " \
         times(ms(q, "recursive"), ms(q, "pg_tree")) " times faster", "at least 10 times faster", ms(q, "recursive") / ms(q, "pg_tree") >= 10)
    m = "WHERE tree_is_ancestor(…, site_id)"
    goal("`tree_is_ancestor` in the `WHERE` of a scan of " thousands(n) " rows", milliseconds(ms("every fact", m)) " against " milliseconds(ms("every fact", "count(*)")) \
         " without it: " signed(each(m)) " µs a row", "at most 0.3 µs a row", each(m) <= 0.3)
    goal("`COPY` to a client, against that of a plain table of the same rows", milliseconds(copy("pg_tree")) " against " milliseconds(copy("table")) ": " \
         share(copy("pg_tree"), copy("table")), "at most 1", copy("pg_tree") <= copy("table"))
    goal("estimates of `tree_build` of a constant root, for " estimate("roots") " roots", percent(estimate("largest error")) " at most: " \
         thousands(estimate("estimate where it is largest")) " for " thousands(estimate("rows where it is largest")) " rows; " \
         estimate("within a hundredth") " of " estimate("roots") " are within 1 %", "within 1 %", estimate("largest error") <= 0.01)
    print "## The goals\n"
    print "In one run on 1,000,000 nodes. Measured here: " thousands(n) " nodes" \
          (n < 1000000 ? ", in runs that are too short; the goals are not meant for this, and **this report is not to be published**" : "") ". " \
          goals_met " of " goals_in_all " are met."
    print "*pg_tree* is as it comes; here it reads with: " plan("everything", "pg_tree") \
          (ms("everything", "function scan") == "" ? ", for this pg_tree knows nothing else" : "") ".\n"
    print "| what | measured | goal | |\n|---|---|---|---|"
    for (i = 1; i <= goals_in_all; i++) print goal_lines[i]
    print ""
}

# Who answered a question, in the order of the CSV, into contender[1..].
function contenders_of(q,    i, n) {
    n = 0
    for (i = 1; i <= contender_lines; i++)
        if (contender_question[i] == q) contender[++n] = contender_name[i]
    return n
}

function range(q, m) { return number(figure("time", q, m, "min ms")) "–" number(figure("time", q, m, "max ms")) }

function question_table(q,    i, n, m) {
    n = contenders_of(q)
    print "| " q " | read by | ms | fastest–slowest | runs | planning, ms | times pg_tree's |\n|---|---|--:|--:|--:|--:|--:|"
    for (i = 1; i <= n; i++) {
        m = contender[i]
        print "| " m " | " plan(q, m) " | " number(ms(q, m)) " | " range(q, m) " | " figure("time", q, m, "runs of ms") " | " number(planning(q, m)) " | " \
              (m == "pg_tree" ? "" : times(ms(q, m), ms(q, "pg_tree"))) " |"
    }
    print ""
}

function everything() {
    print "## Everything\n"
    print "The " thousands(answer_rows("everything")) " rows of `SELECT * FROM tree_build(root)`, without planning. The answers were compared before: those of nested sets"
    print "and of the function scan in order, the recursive query's in any. The sequential scan reads `id, code, name, parent_id` of the same table.\n"
    question_table("everything")
}

function first_rows(    i) {
    print "## The first rows\n"
    print "With planning. The small tree has " thousands(nodes(tree[2])) " nodes.\n"
    for (i = 1; i <= questions; i++)
        if (part(question[i]) == "first rows") question_table(question[i])
}

function clients_table(q, title,    i, n, m, names) {
    n = split("pg_tree;function scan;recursive;nested sets", names, ";")
    print "| " title " | transactions a second | slowest–fastest | runs | pg_tree is |\n|---|--:|--:|--:|--:|"
    for (i = 1; i <= n; i++) {
        m = names[i]
        if (rate(q, m) == "") continue
        print "| " m " | " thousands(rate(q, m)) " | " thousands(figure("clients", q, m, "min transactions a second")) "–" \
              thousands(figure("clients", q, m, "max transactions a second")) " | " figure("clients", q, m, "runs of transactions a second") " | " \
              (m == "pg_tree" ? "" : times(rate(q, "pg_tree"), rate(q, m)) "×") " |"
    }
    print ""
}

function clients() {
    print "## Small answers, by pgbench\n"
    print "Two clients with prepared statements, on the same machine; each transaction asks about a node drawn from a list, all contenders about the same.\n"
    clients_table("a subtree of ten nodes", "subtrees of ten nodes, of " thousands(drawn("a subtree of ten nodes", "nodes")) " roots")
    clients_table("ancestors", "ancestors at depth " drawn("ancestors", "depth") ", of " thousands(drawn("ancestors", "nodes")) " nodes")
}

function facts(    i, n, q, m) {
    print "## Joined with facts\n"
    print "A table of facts has " thousands(nodes(tree[1])) " rows, each of a node drawn at random; a second one, a tenth of them."
    print "`SELECT count(*), sum(a.id) FROM facts b, LATERAL tree_ancestors(b.site_id) a`, over the tenth:\n"
    question_table("ancestors of a tenth of the facts")
    q = "every fact"
    print "Over all facts, what a row takes above the same scan without it; the ancestor has about a tenth of the nodes below it:\n"
    print "| `SELECT count(*) FROM fact` and | ms | fastest–slowest | runs | µs a row above it |\n|---|--:|--:|--:|--:|"
    n = contenders_of(q)
    for (i = 1; i <= n; i++) {
        m = contender[i]
        print "| " (m == "count(*)" ? "nothing else" : "`" m "`") " | " number(ms(q, m)) " | " range(q, m) " | " figure("time", q, m, "runs of ms") " | " \
              (m == "count(*)" ? "" : signed(each(m))) " |"
    }
    print ""
}

function copying(    i, n, m, names) {
    print "## COPY to a client\n"
    print "`COPY (SELECT * FROM tree_build(root)) TO STDOUT` by psql, which throws it away and tells the time, planning and receiving included. The table has the"
    print "same five columns and rows in the same order; the outputs were compared byte by byte.\n"
    n = split("pg_tree;function scan;table", names, ";")
    print "| from | ms | fastest–slowest | runs |\n|---|--:|--:|--:|"
    for (i = 1; i <= n; i++) {
        m = names[i]
        if (copy(m) == "") continue
        print "| " (m == "table" ? "a plain table" : m) " | " number(copy(m)) " | " number(figure("copy", "COPY to a client", m, "min ms")) "–" \
              number(figure("copy", "COPY to a client", m, "max ms")) " | " figure("copy", "COPY to a client", m, "runs of ms") " |"
    }
    print ""
}

function estimates() {
    print "## Estimates\n"
    print "How many rows the planner expects of `tree_build` of a constant root, for " estimate("roots") " roots: that of everything, the fifty largest subtrees below it,"
    print "fifty leaves, and others drawn at random. No row counts as one, for the planner never expects less.\n"
    print "| | |\n|---|--:|"
    print "| within 1 % | " estimate("within a hundredth") " of " estimate("roots") " |"
    print "| the median error | " percent(estimate("median error")) " |"
    print "| the largest error | " percent(estimate("largest error")) " |"
    print "| expected of everything, which has " thousands(estimate("rows of everything")) " rows | " thousands(estimate("estimate of everything")) " |"
    print ""
}

function rest_table(wanted,    i, q, f) {
    f = ms("everything", "function scan") != ""
    print "| | rows | read by | ms | fastest–slowest | planning, ms |" (f ? " function scan, ms | pg_tree is |" : "")
    print "|---|--:|---|--:|--:|--:|" (f ? "--:|--:|" : "")
    for (i = 1; i <= questions; i++) {
        q = question[i]
        if (part(q) != wanted) continue
        print "| " q " | " thousands(answer_rows(q)) " | " plan(q, "pg_tree") " | " number(ms(q, "pg_tree")) " | " range(q, "pg_tree") " | " number(planning(q, "pg_tree")) " |" \
              (f ? " " number(ms(q, "function scan")) " | " times(ms(q, "function scan"), ms(q, "pg_tree")) "× |" : "")
    }
    print ""
}

function rest() {
    print "## What else there is\n"
    print "Without goals, of everything below the root unless it says otherwise; without planning unless it says so.\n"
    rest_table("more")
    print "Cold, that is with `pg_tree.enable_cache = off`, from the table:\n"
    rest_table("cold")
}

function instructions(    i, k, n, m, f, names, shown) {
    n = split("pg_tree;function scan;sequential scan", names, ";")
    print "## Instructions\n"
    if (instruction_lines == 0) {
        print "Not counted in this run; `scripts/bench-scan --instructions` does.\n"
        return
    }
    print "How many instructions the executor takes for a row, counted by valgrind's callgrind for a cursor's `MOVE ALL`, that is without anything done with the rows: the difference of two"
    print "trees, of " thousands(value["instructions", "", "", "pg_tree", "small rows"]) " and " thousands(value["instructions", "", "", "pg_tree", "large rows"]) \
          " nodes, divided by that of their rows. `SELECT * FROM tree_build(root)` from the image, `SELECT id, code, name, parent_id` from the table.\n"
    print "| | instructions a row |\n|---|--:|"
    for (k = 1; k <= n; k++)
        if (("instructions", "", "", names[k], "a row") in value) print "| " names[k] " | " sprintf("%.0f", value["instructions", "", "", names[k], "a row"]) " |"
    print "\nWhat is left of pg_tree's: a column of a row takes some twenty instructions, which load what it is made of (the key, the parent's rank and with it the parent's key, the level,"
    print "where the strings stand and how long the first one is), look at what can be null, and store a value and a null flag. The node's entry and the executor's loop are paid for each row by every"
    print "plan node. Rows are made in batches because the calls between the two cost more than the rows did; leaving the null flags of columns that are never null alone, or knowing the"
    print "function's columns when it is compiled, would save a few instructions more, and a second copy of the loop for each function."
    print "\nIn the functions themselves, without those that they call; fifteen at most. Functions that the server's program does not name are taken together.\n"
    for (k = 1; k <= n; k++) {
        m = names[k]
        if (!(("instructions", "", "", m, "a row") in value)) continue
        print "| " m " | instructions a row | share |\n|---|--:|--:|"
        shown = 0
        for (i = 1; i <= instruction_lines && shown < 15; i++) {
            if (instruction_plan[i] != m) continue
            f = instruction_function[i]
            shown++
            print "| `" f "` | " sprintf("%.1f", value["instructions", "", f, m, "a row"]) " | " \
                  percent(value["instructions", "", f, m, "a row"] / value["instructions", "", "", m, "a row"]) " |"
        }
        print ""
    }
}

FNR > 1 && section == "contender" {
    contender_question[++contender_lines] = field[3]
    contender_name[contender_lines] = field[4]
}
FNR > 1 && section == "instructions" && field[3] != "" {
    instruction_function[++instruction_lines] = field[3]
    instruction_plan[instruction_lines] = field[4]
}
END {
    print "# Benchmarks of the plan node\n"
    print "Written by `scripts/bench-scan`; do not edit. What is measured and how: [bench/README.md](../bench/README.md). All figures:"
    print "[benchmarks.scan.csv](benchmarks.scan.csv). The cache that it reads from: [benchmarks.cache.md](benchmarks.cache.md).\n"
    print "| | |\n|---|---|"
    for (i = 1; i <= environments; i++)
        print "| " environment[i] " | " value["environment", "", "", "", environment[i]] " |"
    print ""
    goals()
    everything()
    first_rows()
    clients()
    facts()
    copying()
    estimates()
    rest()
    instructions()
}
