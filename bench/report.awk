# docs/benchmarks.md from docs/benchmarks.csv: awk -f csv.awk -f report.awk docs/benchmarks.csv

function ratio(n, base) {
    if (base + 0 == 0) return ""
    return (n < base ? sprintf("%.2g", n / base) : number(n / base)) "×"
}

function asked(t, q) { return value["asked", t, q, "", "rows"] != "" }

# "not run" with a number that leads to the reason below the table.
function reference(reason) {
    if (!(reason in note_of)) {
        note[++notes] = reason
        note_of[reason] = notes
    }
    return "not run (" note_of[reason] ")"
}

function cell(t, q, m,    reason) {
    reason = value["not run", t, q, m, "reason"]
    if (reason != "") return reference(m ": " reason)
    if (median(t, q, m) == "") return "–"
    return number(median(t, q, m)) (m == "pg_tree" ? "" : " (" ratio(median(t, q, m), median(t, q, "pg_tree")) ")")
}

function header(first,    i, line, rule) {
    line = "| " first " |"
    rule = "|---|"
    for (i = 1; i <= methods; i++) {
        line = line " " method[i] " |"
        rule = rule "--:|"
    }
    print line
    print rule
}

function environment_table(    i) {
    print "| | |\n|---|---|"
    for (i = 1; i <= environments; i++)
        print "| " environment[i] " | " value["environment", "", "", "", environment[i]] " |"
}

# Of a smaller tree than the goals speak of, the verdict is put in brackets.
function goal(text, measured, met) {
    if (nodes(goal_tree()) < 1000000 && met ~ /met|missed/) met = "(" met ")"
    print "| " text " | " measured " | " met " |"
}

# A goal of being so many times faster than a rival at a question.
function goal_faster(t, q, rival, times,    own, other) {
    own = median(t, q, "pg_tree")
    other = median(t, q, rival)
    goal(value["question", "", q, "", "title"] ": at least " times " times faster than " rival,
         other == "" ? "not measured" : milliseconds(own) " against " milliseconds(other) ": " number(other / own) " times",
         other == "" ? "–" : (other >= times * own ? "met" : "missed"))
}

# A goal of taking at most so many times what the recursive query takes.
function goal_within(t, q, text, times,    own, other) {
    own = median(t, q, "pg_tree")
    other = median(t, q, "recursive")
    goal(text ": at most " times " times the recursive query's time",
         other == "" ? "not measured" : milliseconds(own) " against " milliseconds(other) ": " number(own / other) " times",
         other == "" ? "–" : (own <= times * other ? "met" : "missed"))
}

function memory_per_node(t, statistic) { return value["memory", t, "everything", "pg_tree", statistic] / nodes(t) }

function goals(t,    i, chain, net) {
    print "## The goals\n"
    print "In one run on 1,000,000 nodes. Measured here: " t ", " thousands(nodes(t)) " nodes" \
          (nodes(t) < 1000000 ? "; the goals are not meant for a tree of this size." : ".") "\n"
    print "| goal | measured | |\n|---|---|---|"
    goal_faster(t, "everything", "depth first", 25)
    goal_faster(t, "everything", "recursive", 5)
    goal_faster(t, "everything", "connectby", 50)
    goal_within(t, "ten nodes", "a subtree of about ten nodes", 2)
    goal_within(t, "ancestors", "ancestors at depth 30", 3)
    net = memory_per_node(t, "rise in bytes") - memory_per_node(t, "string bytes")
    goal("peak memory of the build: under 150 bytes a node, plus the strings",
         sprintf("at most %.0f bytes a node and %.0f of strings", net, memory_per_node(t, "string bytes")), net < 150 ? "met" : "missed")
    for (i = 1; i <= trees; i++)
        if (tree[i] ~ /^chain_/ && (chain == "" || nodes(tree[i]) > nodes(chain))) chain = tree[i]
    if (chain != "")
        goal("a chain of 1,000,000 nodes works", "a chain of " thousands(nodes(chain)) " in " milliseconds(median(chain, "everything", "pg_tree")),
             nodes(chain) >= 1000000 ? "met" : "–")
    goal("the first row is reported", milliseconds(median(t, "first row", "pg_tree")) " (recursive " \
         milliseconds(median(t, "first row", "recursive")) ")", "–")
    print ""
}

function tree_section(t,    i, j, line, q, any) {
    print "## " t "\n"
    print value["tree", t, "", "", "title"] ". The deepest node is at depth " thousands(value["tree", t, "", "", "height"]) ".\n"
    notes = 0
    split("", note_of)
    header("ms")
    for (i = 1; i <= questions; i++) {
        q = question[i]
        if (!asked(t, q)) continue
        line = "| " value["question", "", q, "", "title"]
        if (value["asked", t, q, "", "rows"] > 1) line = line ": " thousands(value["asked", t, q, "", "rows"]) " rows"
        line = line " |"
        for (j = 1; j <= methods; j++) line = line " " cell(t, q, method[j]) " |"
        print line
    }
    line = "| *stored beside the list, in MB* |"
    for (j = 1; j <= methods; j++) {
        any = value["storage", t, "", method[j], "bytes"]
        line = line " " (any == "" ? "" : "*" number(any / 1048576) "*") " |"
    }
    print line "\n"
    for (i = 1; i <= notes; i++) print "(" i ") " note[i] (i < notes ? "  " : "\n")
    print "The adjacency list with its indexes takes " number(value["storage", t, "", "adjacency list", "bytes"] / 1048576) \
          " MB; the tree and all that is stored beside it, " number(value["warm", t, "", "", "bytes"] / 1048576) " MB, " \
          (value["warm", t, "", "", "fits"] == "true" ? "were read into shared buffers" : "did not all fit into shared buffers") ".\n"
}

function throughput_section(    i, j, k, t, q, line, any, own) {
    if (!throughput_trees) return
    print "## Throughput\n"
    print "Calls a second with prepared statements: pgbench with " value["environment", "", "", "", "pgbench"] \
          ". In brackets the share of what pg_tree does.\n"
    for (i = 1; i <= throughput_trees; i++) {
        t = throughput_tree[i]
        header(t)
        for (j = 1; j <= questions; j++) {
            q = question[j]
            own = value["throughput", t, q, "pg_tree", "calls a second"]
            if (own == "") continue
            line = "| " value["question", "", q, "", "title"] " |"
            for (k = 1; k <= methods; k++) {
                any = value["throughput", t, q, method[k], "calls a second"]
                line = line " " (any == "" ? "–" : thousands(any) (k == 1 ? "" : " (" ratio(any, own) ")")) " |"
            }
            print line
        }
        print ""
    }
}

function memory_section(    i, t) {
    print "## Memory\n"
    print "By how much the high-water mark of a fresh session rises with `tree_build` of everything, all of the table having been read in it"
    print "before. It includes the strings and whatever else the call needs, and is thus an upper bound of the build's own peak.\n"
    print "| tree | nodes | rise, bytes a node | of these strings |\n|---|--:|--:|--:|"
    for (i = 1; i <= trees; i++) {
        t = tree[i]
        if (value["memory", t, "everything", "pg_tree", "nodes"] == "") continue
        print "| " t " | " thousands(nodes(t)) " | " sprintf("%.0f", memory_per_node(t, "rise in bytes")) \
              " | " sprintf("%.0f", memory_per_node(t, "string bytes")) " |"
    }
    print ""
}

END {
    print "# Benchmarks\n"
    print "Written by `scripts/bench`; do not edit. What is measured, how, and how to read it: [bench/README.md](../bench/README.md)."
    print "All raw figures: [benchmarks.csv](benchmarks.csv). Reading from the shared cache: [benchmarks.cache.md](benchmarks.cache.md); the plan node, joins, LIMIT, COPY, and"
    print "the instructions that a row takes: [benchmarks.scan.md](benchmarks.scan.md).\n"
    print "![" goal_tree() "](benchmarks.svg)\n"
    environment_table()
    print ""
    goals(goal_tree())
    print "In the tables that follow, a cell is the median time in milliseconds and, in brackets, how many times pg_tree's it is: above 1, pg_tree"
    print "is faster. All answers were compared before. A dash: the method has no query of its own for the question.\n"
    for (n = 1; n <= trees; n++) tree_section(tree[n])
    throughput_section()
    memory_section()
}
