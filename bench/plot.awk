# The plot's data from docs/benchmarks.csv: one block a question, one line a method: row, milliseconds, method, label.
END {
    t = goal_tree()
    split("everything|ten nodes|ancestors", plotted, "|")
    for (i = 1; i <= 3; i++) {
        for (j = 1; j <= methods; j++) {
            ms = median(t, plotted[i], method[j])
            if (ms != "") printf "%d %s \"%s\" \"%s\"\n", j, ms, method[j], milliseconds(ms)
        }
        print "\n"
    }
}
