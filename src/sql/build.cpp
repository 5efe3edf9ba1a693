// tree_build, tree_page, tree_rows, tree_forest: everything below a root.

#include "scan/whole_rows.h"
#include "sql/call.h"

namespace pg_tree::sql {

using cache::ImageReader;
using core::Key;
using core::Rank;
using fetch::Content;
using fetch::Reading;

namespace {

/// Reads and orders the descendants of the key at argument `position`, and lists them. Null: there can be none, or the read was left
/// undone.
core::Walk* descendants(FunctionCallInfo fcinfo, int position, const Question& question, Reading& reading,
                        std::int32_t max_level) {
    Key root;
    if (!key_argument(fcinfo, position, question, reading, root)) {
        return nullptr;
    }
    fetch::read_below(reading, root, max_level);
    if (reading.left_undone) {
        return nullptr;
    }
    fetch::arrange(reading, max_level);
    return scan::walk_depth_first(reading, max_level);
}

[[noreturn]] void refuse_page(FunctionCallInfo fcinfo, const Question& question) {
    Oid output;
    bool varlena;
    getTypeOutputInfo(fetch::type_of(question.form), &output, &varlena);
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("row %s, after which the page of tree %s should begin, is not below root %s",
                   OidOutputFunctionCall(output, PG_GETARG_DATUM(1)), question.tree.tree->name,
                   OidOutputFunctionCall(output, PG_GETARG_DATUM(0))),
            errhint("It was deleted or moved away: begin again with NULL, or with a row that came before it."));
    pg_unreachable();
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
    refuse_page(fcinfo, question);
}

/// Does the node stand below the root, a node or an anchor?
bool is_below(const core::Image& image, Rank root, Rank node) {
    if (image.is_node(root)) {
        return node > root && node < image.end(root);
    }
    const std::span<const Rank> children = image.children_of_anchor(root);
    const auto behind = std::upper_bound(children.begin(), children.end(), node);
    return behind != children.begin() && node < image.end(*(behind - 1));
}

bool page_from_image(FunctionCallInfo fcinfo, const Question& question, const ImageReader& reader, scan::RowsOut& out,
                     int page_size) {
    Rank root;
    Rank after = core::no_rank;
    if (!find_argument(fcinfo, 0, reader, root) || (!PG_ARGISNULL(1) && !find_argument(fcinfo, 1, reader, after))) {
        return false;
    }
    if (!PG_ARGISNULL(1)) {
        if (root == core::no_rank) {
            return false;  // whether the page may begin there is a question of two keys that the image does not have
        }
        if (after == root) {
            after = core::no_rank;
        } else if (after == core::no_rank || !reader.image().is_node(after) || !is_below(reader.image(), root, after)) {
            refuse_page(fcinfo, question);
        }
    }
    scan::ImageSource source(reader, root, core::unlimited, after);
    scan::put_source(out, source, static_cast<std::size_t>(page_size));
    return true;
}

}  // namespace

PG_TREE_FUNCTION(tree_build) {
    scan::RowsOut out(fcinfo);
    if (PG_ARGISNULL(0)) {
        return Datum{0};
    }
    const Question question = ask(fcinfo, 0, 1);
    const std::int32_t max_level = level_argument(fcinfo, 2);
    answer(
        question, Content::nodes,
        [&](const ImageReader& reader) {
            Rank root;
            if (!find_argument(fcinfo, 0, reader, root)) {
                return false;
            }
            scan::ImageSource source(reader, root, max_level);
            scan::put_source(out, source);
            return true;
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::nodes, leave_undone);
            if (const core::Walk* walk = descendants(fcinfo, 0, question, *reading, max_level)) {
                scan::TableSource source(*reading, *walk, question.form);
                scan::put_source(out, source);
            }
            const bool done = !reading->left_undone;
            fetch::end_reading(reading);
            return done;
        });
    return Datum{0};
}

PG_TREE_FUNCTION(tree_page) {
    scan::RowsOut out(fcinfo);
    const int page_size = PG_ARGISNULL(3) ? INT32_MAX : PG_GETARG_INT32(3);
    if (page_size < 1) {
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("page_size must be at least 1, not %d", page_size));
    }
    if (PG_ARGISNULL(0)) {
        return Datum{0};
    }
    const Question question = ask(fcinfo, 0, 2);
    answer(
        question, Content::nodes,
        [&](const ImageReader& reader) { return page_from_image(fcinfo, question, reader, out, page_size); },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::nodes, leave_undone);
            if (const core::Walk* walk = descendants(fcinfo, 0, question, *reading, core::unlimited)) {
                scan::TableSource source(*reading, *walk, question.form,
                                         position_after(fcinfo, question, *reading, *walk),
                                         static_cast<std::size_t>(page_size));
                scan::put_source(out, source);
            }
            const bool done = !reading->left_undone;
            fetch::end_reading(reading);
            return done;
        });
    return Datum{0};
}

PG_TREE_FUNCTION(tree_rows) {
    scan::RowsOut out(fcinfo);
    if (PG_ARGISNULL(1)) {
        return Datum{0};
    }
    const Question question = {
        fetch::form_of_argument(fcinfo, 1),
        registry::use_tree_of_row_type(fcinfo->flinfo->fn_oid, get_fn_expr_argtype(fcinfo->flinfo, 0),
                                       text_argument(fcinfo, 2), CurrentMemoryContext)};
    const std::int32_t max_level = level_argument(fcinfo, 3);
    answer(
        question, Content::rows,
        [&](const ImageReader& reader) {
            Rank root;
            if (!find_argument(fcinfo, 1, reader, root)) {
                return false;
            }
            scan::ImageSource source(reader, root, max_level);
            return scan::put_rows_of(out, question.tree, reader, source);
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::rows, leave_undone);
            if (const core::Walk* walk = descendants(fcinfo, 1, question, *reading, max_level)) {
                scan::put_whole_rows(out, *reading, *walk);
            }
            const bool done = !reading->left_undone;
            fetch::end_reading(reading);
            return done;
        });
    return Datum{0};
}

PG_TREE_FUNCTION(tree_forest) {
    scan::RowsOut out(fcinfo);
    const std::int32_t max_level = level_argument(fcinfo, 2);
    const Question question = {fetch::KeyForm::text, registry::use_tree_of_row_type(
                                                         fcinfo->flinfo->fn_oid, get_fn_expr_argtype(fcinfo->flinfo, 0),
                                                         text_argument(fcinfo, 1), CurrentMemoryContext)};
    answer(
        question, Content::rows,
        [&](const ImageReader& reader) {
            scan::ImageSource source = scan::ImageSource::forest(reader, max_level);
            return scan::put_rows_of(out, question.tree, reader, source);
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::rows, leave_undone);
            fetch::read_forest(*reading);
            if (!reading->left_undone) {
                fetch::arrange(*reading, max_level);
                scan::put_whole_rows(out, *reading, *scan::walk_depth_first(*reading, max_level));
            }
            const bool done = !reading->left_undone;
            fetch::end_reading(reading);
            return done;
        });
    return Datum{0};
}

}  // namespace pg_tree::sql
