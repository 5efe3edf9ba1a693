# docs/benchmarks.cache.md from docs/benchmarks.cache.csv: awk -f csv.awk -f cache/report.awk docs/benchmarks.cache.csv

# The columns of the CSV are named as in docs/benchmarks.csv: here a "method" is a contender, a writer, or a number of clients.
function figure(section, q, m, statistic) { return value[section, "", q, m, statistic] }
function ms(q, m) { return figure("time", q, m, "median ms") }
function part(q) { return figure("question", q, "", "part") }
function fact(statistic) { return value["image", tree[1], "", "", statistic] }

function times(slow, fast) { return number(slow / fast) }
function share(some, all) { return sprintf("%.3f", some / all) }

# One answer takes microseconds.
function cell(q, m, unit) {
    if (ms(q, m) == "") return "–"
    return number(ms(q, m) * unit) (m == "warm" ? "" : " (" times(ms(q, m), ms(q, "warm")) "×)")
}

# Of a smaller tree than the goals speak of, the verdict is put in brackets.
function goal(text, measured, met) {
    met = met ? "met" : "missed"
    if (nodes(tree[1]) < 1000000) met = "(" met ")"
    print "| " text " | " measured " | " met " |"
}

function goal_faster(q, rival, least,    measured) {
    measured = ms(q, rival) / ms(q, "warm")
    goal(q ", warm: at least " least " times faster than " rival,
         milliseconds(ms(q, "warm")) " against " milliseconds(ms(q, rival)) ": " number(measured) " times", measured >= least)
}

function goal_answers(least,    i, q, measured, worst, worst_q, count, met) {
    for (i = 1; i <= questions; i++) {
        q = question[i]
        if (part(q) != "one answer") continue
        count++
        measured = ms(q, "recursive") / ms(q, "warm")
        if (measured >= least) met++
        if (worst_q == "" || measured < worst) {
            worst = measured
            worst_q = q
        }
    }
    goal("single answers and ancestors, warm: each at least " least " times faster than recursive",
         met " of " count "; the least is " worst_q ": " number(worst) " times", met == count)
}

function goal_image(most,    net) {
    net = (fact("bytes") - fact("string bytes")) / fact("nodes")
    goal("the image: at most " most " bytes a node, plus the strings",
         sprintf("%.1f bytes a node, plus %.1f of strings", net, fact("string bytes") / fact("nodes")), net <= most)
}

function new_session(m, which) { return figure("new session", "tree_build of about ten nodes", m, "median " which " ms") }
function surplus(m) { return new_session(m, "first") - new_session(m, "second") }

function goal_ratio(text, above, below, unit, least) {
    goal(text, number(above) " against " number(below) " " unit ": " share(above, below), above / below >= least)
}

function rate(section, q, m, unit) { return figure(section, q, m, "median " unit " a second") }

# The runs of updates, in the order of the report, with what is said of each.
function name_updates(    i, column, clients) {
    split("name note", column, " ")
    split("2 16", clients, " ")
    for (i = 0; i < 4; i++) {
        updates[i + 1] = column[int(i / 2) + 1] ", " clients[i % 2 + 1] " clients"
        updates_of[i + 1] = (i < 2 ? "`name`, a column of the tree" : "`note`, none of its columns") ", by " clients[i % 2 + 1] " clients"
    }
}

function goal_update(i) {
    goal_ratio("UPDATE of one row, " updates_of[i] ": with the triggers at least 0.95 of the throughput without",
               rate("update", updates[i], "tracked", "updates"), rate("update", updates[i], "plain", "updates"), "a second", 0.95)
}

# Events of one run in the order of their counts; the CSV has them so.
function waits_of(clients,    i, n) {
    n = 0
    total = 0
    for (i = 1; i <= wait_lines; i++) {
        if (wait_clients[i] != clients) continue
        n++
        event[n] = wait_event[i]
        samples[n] = figure("wait", clients, event[n], "samples")
        total += samples[n]
    }
    return n
}

# Of the cache's own locks, those among the five most frequent things that are waited for, if a hundredth of the samples
# or more waited for it.
function goal_waits(    i, n, rank, own, top) {
    n = waits_of("64 clients")
    for (i = 1; i <= n; i++) {
        if (event[i] ~ /: PgTree/) own += samples[i]
        if (event[i] == "none") continue
        rank++
        if (rank <= 5 && event[i] ~ /: PgTree/ && samples[i] >= total / 100) top = top (top == "" ? "" : ", ") event[i]
    }
    goal("64 clients: PgTreeWatch, PgTreePlaces and PgTreeArea are not among the top wait events",
         (top == "" ? "none is" : top) "; " thousands(own) " of " thousands(total) " samples waited for one of them", top == "")
}

function goals(    i, q) {
    print "## The goals\n"
    print "In one run on 1,000,000 nodes. Measured here: " thousands(nodes(tree[1])) " nodes" \
          (nodes(tree[1]) < 1000000 ? ", in runs that are too short; the goals are not meant for this, and **this report is not to be published**." : ".") "\n"
    print "| goal | measured | |\n|---|---|---|"
    q = "tree_build of a tenth of the nodes"
    goal_faster(q, "cold", 3)
    goal_faster(q, "recursive", 10)
    goal_answers(5)
    goal_image(48)
    goal("a new session's first call: less than 1 ms more than its second",
         milliseconds(new_session("warm", "first")) " against " milliseconds(new_session("warm", "second")) ": " milliseconds(surplus("warm")) " more",
         surplus("warm") < 1)
    for (i = 1; i <= 4; i++) goal_update(i)
    goal_ratio("INSERT of " thousands(nodes(tree[1])) " rows in one statement: with the triggers at least 0.75 of the throughput without",
               rate("insert", "rows", "tracked", "rows"), rate("insert", "rows", "plain", "rows"), "rows a second", 0.75)
    q = "tree_build of about ten nodes"
    goal_ratio(q ", 64 clients: at least 0.9 of the throughput of 4", rate("clients", q, "64 clients", "calls"), rate("clients", q, "4 clients", "calls"), "a second", 0.9)
    goal_waits()
    print ""
}

function reading_table(wanted, unit, name,    i, q, n) {
    print "| " name " | rows | warm | cold | recursive |\n|---|--:|--:|--:|--:|"
    for (i = 1; i <= questions; i++) {
        q = question[i]
        if (part(q) != wanted) continue
        n = value["asked", "", q, "", "rows"]
        print "| " q " | " thousands(n) " | " cell(q, "warm", unit) " | " cell(q, "cold", unit) " | " cell(q, "recursive", unit) " |"
    }
    print ""
}

function reading() {
    print "## Reading\n"
    print "Median times. In brackets, how many times the warm time it is. *Warm* is answered from the image, *cold* from the table"
    print "(`pg_tree.enable_cache = off`), *recursive* is the recursive query in any order. Functions that return rows by the plan node, all in one session, in"
    print "turns, as prepared statements repeated inside the server. All answers were compared before; that every warm call was a hit,"
    print "after. A dash: the question has no recursive query that anybody would write.\n"
    reading_table("rows", 1, "ms")
    reading_table("one answer", 1000, "µs")
}

function image(    n, q) {
    n = fact("nodes")
    print "## The image\n"
    print "| | bytes | a node |\n|---|--:|--:|"
    print "| the image, as `tree_stat_cache` tells it | " thousands(fact("bytes")) " | " sprintf("%.1f", fact("bytes") / n) " |"
    print "| its strings: for each code and each name its octets and a header, one byte if the string has at most 126 octets, else four | " \
          thousands(fact("string bytes")) " | " sprintf("%.1f", fact("string bytes") / n) " |"
    print "| without its strings | " thousands(fact("bytes") - fact("string bytes")) " | " \
          sprintf("%.1f", (fact("bytes") - fact("string bytes")) / n) " |"
    print "| for comparison: the table with its indexes | " thousands(fact("table bytes")) " | " sprintf("%.1f", fact("table bytes") / n) " |\n"
    q = "tree_build of everything"
    print "Building it takes " milliseconds(figure("image", "build", "warm", "median ms")) " (`build_ms`, median of " \
          figure("image", "build", "warm", "runs of ms") "), " times(figure("image", "build", "warm", "median ms"), ms(q, "cold")) \
          " times the cold read of everything, which takes " milliseconds(ms(q, "cold")) ".\n"
    print "## New sessions\n"
    print "The first call of tree_build of about ten nodes in a new connection, and the same statement again, planned by then; medians over"
    print figure("new session", "tree_build of about ten nodes", "warm", "runs of first ms") " connections. The first call plans the statement and reads"
    print "catalogs, as every first statement does; the recursive query's is there to compare with.\n"
    print "| ms | first | second | more |\n|---|--:|--:|--:|"
    for (i = 1; i <= 2; i++) {
        q = i == 1 ? "warm" : "recursive"
        print "| " q " | " number(new_session(q, "first")) " | " number(new_session(q, "second")) " | " number(surplus(q)) " |"
    }
    print ""
}

function span(section, q, m, unit) {
    return thousands(rate(section, q, m, unit)) " (" thousands(figure(section, q, m, "min " unit " a second")) "–" \
           thousands(figure(section, q, m, "max " unit " a second")) ")"
}

function writing(    i, q, m) {
    print "## Writing\n"
    print "Single-row updates by a random key, and an insert of all rows by one statement into a table with a primary key and an index on the"
    print "parent; a registered table, with an image when each run begins, against a copy that has no triggers. Runs alternate. In brackets, the"
    print "slowest and the fastest run. `name` is a column of the tree: its writers are noted, until more than 64 of them have"
    print "made the watch void, for nobody reads meanwhile. The registration does not mention `note`: the image was still current"
    print "after each of those runs, and out of date after each of the others.\n"
    print "| a second | runs of each | with the triggers | without | ratio |\n|---|--:|--:|--:|--:|"
    for (i = 1; i <= 4; i++) {
        q = updates[i]
        print "| updates of " updates_of[i] " | " figure("update", q, "plain", "runs of updates a second") " | " span("update", q, "tracked", "updates") " | " \
              span("update", q, "plain", "updates") " | " share(rate("update", q, "tracked", "updates"), rate("update", q, "plain", "updates")) " |"
    }
    print "| rows inserted | " figure("insert", "rows", "plain", "runs of rows a second") " | " span("insert", "rows", "tracked", "rows") " | " \
          span("insert", "rows", "plain", "rows") " | " share(rate("insert", "rows", "tracked", "rows"), rate("insert", "rows", "plain", "rows")) " |\n"
    print "Of all updates " percent(figure("update", "", "tracked", "of these HOT"), figure("update", "", "tracked", "updates")) \
          " with the triggers and " percent(figure("update", "", "plain", "of these HOT"), figure("update", "", "plain", "updates")) \
          " without were HOT; in the end the tables have " number(figure("update", "", "tracked", "bytes at the end") / 1048576) " and " \
          number(figure("update", "", "plain", "bytes at the end") / 1048576) " MB.\n"
}

function percent(some, all) { return sprintf("%.1f %%", 100 * some / all) }

function many_clients(    i, k, n, q, few) {
    print "## Many clients\n"
    q = "tree_build of about ten nodes"
    print "pgbench, on the same machine, asks for one subtree of " thousands(value["asked", "", q, "", "rows"]) " nodes over and over. The number of clients alternates; what they wait for"
    print "is looked up every 50 ms in each run.\n"
    print "| clients | runs | calls a second |\n|--:|--:|--:|"
    for (k = 4; k <= 64; k += 60)
        print "| " k " | " figure("clients", q, k " clients", "runs of calls a second") " | " span("clients", q, k " clients", "calls") " |"
    print ""
    for (k = 4; k <= 64; k += 60) {
        n = waits_of(k " clients")
        print "| " k " clients wait for | samples | share |\n|---|--:|--:|"
        for (i = 1; i <= n; i++)
            print "| " (event[i] == "none" ? "nothing: they run, or wait for a processor" : event[i]) " | " thousands(samples[i]) " | " \
                  percent(samples[i], total) " |"
        print ""
    }
}

FNR > 1 && section == "wait" {
    wait_clients[++wait_lines] = field[3]
    wait_event[wait_lines] = field[4]
}
END {
    print "# Benchmarks of the cache\n"
    print "Written by `scripts/bench-cache`; do not edit. What is measured and how: [bench/README.md](../bench/README.md). All figures:"
    print "[benchmarks.cache.csv](benchmarks.cache.csv). How pg_tree compares without a cache: [benchmarks.md](benchmarks.md).\n"
    print "| | |\n|---|---|"
    for (i = 1; i <= environments; i++)
        print "| " environment[i] " | " value["environment", "", "", "", environment[i]] " |"
    print ""
    name_updates()
    goals()
    reading()
    image()
    writing()
    many_clients()
}
