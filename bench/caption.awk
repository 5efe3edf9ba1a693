# What stands above the plot.
END {
    t = goal_tree()
    server = value["environment", "", "", "", "server"]
    sub(/ \([^)]*\)/, "", server)
    print t ": " thousands(nodes(t)) " nodes, " server ", median times"
}
