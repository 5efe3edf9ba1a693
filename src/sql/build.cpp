// tree_build, tree_page, tree_rows, tree_forest: everything below a root.

#include "sql/call.h"

namespace pg_tree::sql {

using core::Key;
using fetch::Content;
using fetch::Reading;

namespace {

/// Reads and orders the descendants of the key at argument `position`, and lists them. Null: there can be none.
core::Walk* descendants(FunctionCallInfo fcinfo, int position, const Question& question, Reading& reading,
                        std::int32_t max_level) {
    Key root;
    if (!key_argument(fcinfo, position, question, reading, root)) {
        return nullptr;
    }
    fetch::read_below(reading, root, max_level);
    fetch::arrange(reading, max_level);
    return scan::walk_depth_first(reading, max_level);
}

/// Where the page after `after` begins in the walk.
std::size_t position_after(FunctionCallInfo fcinfo, const Question& question, Reading& reading,
                           const core::Walk& walk) {
    if (PG_ARGISNULL(1)) {
        return 0;
    }
    Key after;
    if (key_argument(fcinfo, 1, question, reading, after)) {
        Key root;
        if (key_argument(fcinfo, 0, question, reading, root) && root == after) {
            return 0;
        }
        const core::Node node = reading.forest->find(after);
        const auto found = std::find(walk.nodes.begin(), walk.nodes.end(), node);
        if (node != core::no_node && found != walk.nodes.end()) {
            return static_cast<std::size_t>(found - walk.nodes.begin()) + 1;
        }
    }
    Oid output;
    bool varlena;
    getTypeOutputInfo(fetch::type_of(question.form), &output, &varlena);
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("row %s, after which the page of tree %s should begin, is not below root %s",
                   OidOutputFunctionCall(output, PG_GETARG_DATUM(1)), reading.tree().name,
                   OidOutputFunctionCall(output, PG_GETARG_DATUM(0))),
            errhint("It was deleted or moved away: begin again with NULL, or with a row that came before it."));
    pg_unreachable();
}

}  // namespace

PG_TREE_FUNCTION(tree_build) {
    scan::RowsOut out(fcinfo);
    if (!PG_ARGISNULL(0)) {
        const Question question = ask(fcinfo, 0, 1);
        Reading* reading = read(question, Content::nodes);
        if (const core::Walk* walk = descendants(fcinfo, 0, question, *reading, level_argument(fcinfo, 2))) {
            scan::put_nodes(out, *reading, *walk, 0, walk->nodes.size(), question.form);
        }
        fetch::end_reading(reading);
    }
    return Datum{0};
}

PG_TREE_FUNCTION(tree_page) {
    scan::RowsOut out(fcinfo);
    const int page_size = PG_ARGISNULL(3) ? INT32_MAX : PG_GETARG_INT32(3);
    if (page_size < 1) {
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("page_size must be at least 1, not %d", page_size));
    }
    if (!PG_ARGISNULL(0)) {
        const Question question = ask(fcinfo, 0, 2);
        Reading* reading = read(question, Content::nodes);
        if (const core::Walk* walk = descendants(fcinfo, 0, question, *reading, core::unlimited)) {
            const std::size_t first = position_after(fcinfo, question, *reading, *walk);
            scan::put_nodes(out, *reading, *walk, first, static_cast<std::size_t>(page_size), question.form);
        }
        fetch::end_reading(reading);
    }
    return Datum{0};
}

PG_TREE_FUNCTION(tree_rows) {
    scan::RowsOut out(fcinfo);
    if (!PG_ARGISNULL(1)) {
        const Question question = {
            fetch::form_of_argument(fcinfo, 1),
            registry::use_tree_of_row_type(fcinfo->flinfo->fn_oid, get_fn_expr_argtype(fcinfo->flinfo, 0),
                                           text_argument(fcinfo, 2), CurrentMemoryContext)};
        Reading* reading = read(question, Content::rows);
        if (const core::Walk* walk = descendants(fcinfo, 1, question, *reading, level_argument(fcinfo, 3))) {
            scan::put_whole_rows(out, *reading, *walk);
        }
        fetch::end_reading(reading);
    }
    return Datum{0};
}

PG_TREE_FUNCTION(tree_forest) {
    scan::RowsOut out(fcinfo);
    const std::int32_t max_level = level_argument(fcinfo, 2);
    Reading* reading = fetch::begin_reading(
        registry::use_tree_of_row_type(fcinfo->flinfo->fn_oid, get_fn_expr_argtype(fcinfo->flinfo, 0),
                                       text_argument(fcinfo, 1), CurrentMemoryContext),
        Content::rows, CurrentMemoryContext);
    fetch::read_forest(*reading);
    fetch::arrange(*reading, max_level);
    scan::put_whole_rows(out, *reading, *scan::walk_depth_first(*reading, max_level));
    fetch::end_reading(reading);
    return Datum{0};
}

}  // namespace pg_tree::sql
