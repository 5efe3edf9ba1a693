# How many instructions a row takes, and in which functions, from two of callgrind's dumps of the same plan over trees of different size:
#   awk -v plan=NAME -v small_rows=N -v large_rows=N -f instructions.awk SMALL LARGE
# What does not depend on the rows cancels out. Writes lines for COPY bench.fact. callgrind_annotate is of no use here: it takes the callers of
# what was collected for functions that cost something themselves.

# The format: https://valgrind.org/docs/manual/cl-format.html. A name in full comes once, later its number only; what follows a line
# calls= is the cost of the callee.
FNR == 1 {
    file++
    split("", name)
    split("", object_name)
}
/^calls=/ {
    getline
    next
}
/^ob=/ {
    object = remember(substr($0, 4), object_name)
    next
}
/^cob=/ {
    remember(substr($0, 5), object_name)
    next
}
/^fn=/ {
    function_name = title(remember(substr($0, 4), name))
    next
}
/^cfn=/ {
    remember(substr($0, 5), name)
    next
}
/^[-+*0-9][0-9]* [0-9]+$/ {
    cost[file, function_name] += $2
    all[file] += $2
    seen[function_name] = 1
}

function remember(text, names,    number) {
    match(text, /^\([0-9]+\)/)
    number = substr(text, 1, RLENGTH)
    if (length(text) > RLENGTH) names[number] = substr(text, RLENGTH + 2)
    return names[number]
}

# Functions that a stripped program does not export have only an address.
function title(text) {
    if (text ~ /^0x/) {
        text = object
        sub(/.*\//, "", text)
        return "functions of " text " without a name"
    }
    sub(/'[0-9]+$/, "", text)
    gsub(/[\t\\|`]/, " ", text)
    return length(text) > 110 ? substr(text, 1, 109) "…" : text
}

function fact(f, statistic, figure) {
    printf "instructions\t\\N\t%s\t%s\t%s\t%s\n", f == "" ? "\\N" : f, plan, statistic, figure
}

END {
    rows = large_rows - small_rows
    fact("", "small rows", small_rows)
    fact("", "large rows", large_rows)
    fact("", "a row", sprintf("%.2f", (all[2] - all[1]) / rows))
    for (f in seen) {
        each = (cost[2, f] - cost[1, f]) / rows
        if (each >= 0.5) fact(f, "a row", sprintf("%.2f", each))
    }
}
