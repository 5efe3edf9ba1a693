# Fields of one line of CSV, as psql writes it, into field[1..]; fields hold no line breaks.
function csv_split(line, field,    n, rest, i) {
    split("", field)
    n = 0
    while (1) {
        n++
        if (substr(line, 1, 1) == "\"") {
            rest = ""
            line = substr(line, 2)
            while (match(line, /""|"/)) {
                rest = rest substr(line, 1, RSTART - 1)
                i = RLENGTH
                line = substr(line, RSTART + RLENGTH)
                if (i == 1) break
                rest = rest "\""
            }
            field[n] = rest
            if (substr(line, 1, 1) != ",") return n
            line = substr(line, 2)
        } else {
            i = index(line, ",")
            if (!i) { field[n] = line; return n }
            field[n] = substr(line, 1, i - 1)
            line = substr(line, i + 1)
        }
    }
}

# Every line of the results becomes value[section, tree, question, method, statistic]; names are kept in the order they come.
FNR > 1 {
    csv_split($0, field)
    section = field[1]
    # A field is a string to awk, and would be compared as one.
    if (section != "environment" && field[6] ~ /^-?[0-9]+(\.[0-9]+)?$/) field[6] += 0
    value[section, field[2], field[3], field[4], field[5]] = field[6]
    if (section == "environment") environment[++environments] = field[5]
    if (section == "question") question[++questions] = field[3]
    if (section == "method") method[++methods] = field[4]
    if (section == "tree" && field[5] == "title") tree[++trees] = field[2]
    if (section == "throughput" && !(field[2] in throughput_seen)) {
        throughput_seen[field[2]] = 1
        throughput_tree[++throughput_trees] = field[2]
    }
}

function median(t, q, m) { return value["time", t, q, m, "median ms"] }

# The tree that the goals speak of, or the nearest to it that this run had: the largest random one, else the largest.
function goal_tree(    i, t, best) {
    for (i = 1; i <= trees; i++) {
        t = tree[i]
        if (best == "" || (t ~ /^random_/) > (best ~ /^random_/) ||
            (t ~ /^random_/) == (best ~ /^random_/) && nodes(t) > nodes(best)) best = t
    }
    return best
}

function nodes(t) { return value["tree", t, "", "", "nodes"] + 0 }

function thousands(n,    s) {
    n = sprintf("%.0f", n)
    while (length(n) > 3) {
        s = "," substr(n, length(n) - 2) s
        n = substr(n, 1, length(n) - 3)
    }
    return n s
}

# Three significant digits are more than a benchmark is good for.
function number(n) {
    if (n == "") return ""
    if (n < 1) return sprintf("%.3f", n)
    if (n < 10) return sprintf("%.2f", n)
    if (n < 100) return sprintf("%.1f", n)
    return thousands(n)
}

function milliseconds(n) { return number(n) " ms" }
