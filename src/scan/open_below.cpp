// tree_build, tree_page, tree_rows, tree_forest: everything below a root.

#include "scan/question.h"
#include "scan/rows_out.h"
#include "scan/table_rows.h"
#include "scan/whole_rows.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Key;
using core::Rank;
using fetch::Content;
using fetch::Reading;

namespace {

/// Levels below this one need not be read: the call does not have them, or the conditions leave them out.
std::int32_t level_to_read(std::int32_t max_level, const Wanted& wanted) {
    return static_cast<std::int32_t>(
        std::max<std::int64_t>(std::min<std::int64_t>(wanted.conditions.level.high, max_level), -1));
}

/// So many rows are worth being looked for one by one.
constexpr double few_rows = 1000;

/// Wanted::most, unless the conditions leave out rows that come before.
double most_of(const Wanted& wanted) { return wanted.conditions.limits() ? 1e300 : wanted.most; }

/// Reads and orders the descendants of the key at argument `position`, and lists them. Null: there can be none, or the read was left
/// undone. Only the first `most` of the walk mean anything.
core::Walk* descendants(FunctionCallInfo fcinfo, int position, const Question& question, Reading& reading,
                        std::int32_t max_level, double most = 1e300) {
    Key root;
    if (!key_argument(fcinfo, position, question, reading, root)) {
        return nullptr;
    }
    if (most <= few_rows && max_level >= 0 &&
        fetch::read_first_below(reading, root, max_level, static_cast<std::size_t>(most))) {
        return walk_depth_first(reading, max_level);
    }
    fetch::read_below(reading, root, max_level);
    if (reading.left_undone) {
        return nullptr;
    }
    fetch::arrange(reading, max_level);
    return walk_depth_first(reading, max_level);
}

/// The walk below a node or anchor of an image.
ImageWalk walk_below(const ImageReader& reader, Rank root, std::int32_t max_level) {
    ImageWalk walk;
    walk.start = root;
    walk.last_level = last_level_below(reader.image(), root, max_level);
    walk.level_base = root != core::no_rank && reader.image().is_node(root) ? reader.image().level(root) + 1 : 0;
    return walk;
}

/// The walk that descendants() gave for `most`.
TableWalk first_of(const Reading& reading, const core::Walk* walk, fetch::KeyForm form, double most) {
    TableWalk result = walk_of(reading, walk, form);
    result.most = most <= few_rows ? static_cast<std::size_t>(most) : SIZE_MAX;
    return result;
}

OpenCall open_build(FunctionCallInfo fcinfo, const Wanted& wanted) {
    if (PG_ARGISNULL(0)) {
        return {};
    }
    const Question question = ask(fcinfo, 0, 1);
    const std::int32_t max_level = level_argument(fcinfo, 2);
    return open_rows(
        question, Content::nodes,
        [&](const ImageReader& reader, Rows*& rows) {
            Rank root;
            if (!find_argument(fcinfo, 0, reader, root)) {
                return false;
            }
            if (root != core::no_rank) {
                rows = walk_image(reader, walk_below(reader, root, max_level), wanted);
            }
            return true;
        },
        [&](Reading& reading, Rows*& rows) {
            const double most = most_of(wanted);
            const std::int32_t last_level = level_to_read(max_level, wanted);
            if (const core::Walk* walk = descendants(fcinfo, 0, question, reading, last_level, most)) {
                rows = walk_table(first_of(reading, walk, question.form, most), wanted);
            }
            return !reading.left_undone;
        });
}

// --- Pages --------------------------------------------------------------------------------------------------------------------

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

bool page_from_image(FunctionCallInfo fcinfo, const Question& question, const ImageReader& reader, const Wanted& wanted,
                     std::size_t page_size, Rows*& rows) {
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
    if (root != core::no_rank) {
        ImageWalk walk = walk_below(reader, root, core::unlimited);
        walk.after = after;
        walk.most = page_size;
        rows = walk_image(reader, walk, wanted);
    }
    return true;
}

OpenCall open_page(FunctionCallInfo fcinfo, const Wanted& wanted) {
    const int page_size = PG_ARGISNULL(3) ? INT32_MAX : PG_GETARG_INT32(3);
    if (page_size < 1) {
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("page_size must be at least 1, not %d", page_size));
    }
    if (PG_ARGISNULL(0)) {
        return {};
    }
    const auto most = static_cast<std::size_t>(page_size);
    const Question question = ask(fcinfo, 0, 2);
    return open_rows(
        question, Content::nodes,
        [&](const ImageReader& reader, Rows*& rows) {
            return page_from_image(fcinfo, question, reader, wanted, most, rows);
        },
        [&](Reading& reading, Rows*& rows) {
            // The first page asks for few rows; where a later one begins takes all that comes before.
            if (const core::Walk* walk = descendants(fcinfo, 0, question, reading, core::unlimited,
                                                     PG_ARGISNULL(1) ? static_cast<double>(most) : 1e300)) {
                TableWalk page = walk_of(reading, walk, question.form);
                page.first = position_after(fcinfo, question, reading, *walk);
                page.most = most;
                rows = walk_table(page, wanted);
            }
            return !reading.left_undone;
        });
}

// --- Whole rows ------------------------------------------------------------------------------------------------------------------

Question ask_of_row_type(FunctionCallInfo fcinfo, fetch::KeyForm form, int tree) {
    const Question question = {
        form, registry::use_tree_of_row_type(fcinfo->flinfo->fn_oid, get_fn_expr_argtype(fcinfo->flinfo, 0),
                                             text_argument(fcinfo, tree), CurrentMemoryContext)};
    stats::name_tree(question.tree);
    return question;
}

OpenCall open_tree_rows(FunctionCallInfo fcinfo, const Wanted& wanted) {
    if (PG_ARGISNULL(1)) {
        return {};
    }
    const Question question = ask_of_row_type(fcinfo, fetch::form_of_argument(fcinfo, 1), 2);
    const std::int32_t max_level = level_argument(fcinfo, 3);
    return open_rows(
        question, Content::rows,
        [&](const ImageReader& reader, Rows*& rows) {
            Rank root;
            if (!find_argument(fcinfo, 1, reader, root)) {
                return false;
            }
            return walk_whole_rows(reader, question.tree,
                                   walk_below(reader, root, root == core::no_rank ? -1 : max_level), wanted, rows);
        },
        [&](Reading& reading, Rows*& rows) {
            const double most = most_of(wanted);
            if (const core::Walk* walk = descendants(fcinfo, 1, question, reading, max_level, most)) {
                rows = walk_table(first_of(reading, walk, question.form, most), wanted);
            }
            return !reading.left_undone;
        });
}

OpenCall open_forest(FunctionCallInfo fcinfo, const Wanted& wanted) {
    const std::int32_t max_level = level_argument(fcinfo, 2);
    const Question question = ask_of_row_type(fcinfo, fetch::KeyForm::text, 1);
    return open_rows(
        question, Content::rows,
        [&](const ImageReader& reader, Rows*& rows) {
            ImageWalk walk;
            walk.last_level = max_level < 0 ? -1 : max_level;
            return walk_whole_rows(reader, question.tree, walk, wanted, rows);
        },
        [&](Reading& reading, Rows*& rows) {
            fetch::read_forest(reading);
            if (reading.left_undone) {
                return false;
            }
            fetch::arrange(reading, max_level);
            rows = walk_table(walk_of(reading, walk_depth_first(reading, max_level), question.form), wanted);
            return true;
        });
}

// --- Estimates ------------------------------------------------------------------------------------------------------------------

template <int max_level_argument>
double estimate_below(const ImageReader& reader, Rank node, const PlannedArgument* arguments,
                      const Conditions& conditions) {
    return node == core::no_rank
               ? 0
               : count_image(reader, walk_below(reader, node, limit_of(arguments[max_level_argument])), conditions);
}

/// How many nodes below `root` come behind one of them.
double nodes_behind(const core::Image& image, Rank root, Rank after) {
    if (image.is_node(root)) {
        return image.end(root) - after - 1;
    }
    double behind = 0;
    for (const Rank child : image.children_of_anchor(root)) {
        behind += child > after ? image.size(child) : after < image.end(child) ? image.end(child) - after - 1 : 0;
    }
    return behind;
}

double estimate_page(const ImageReader& reader, Rank node, const PlannedArgument* arguments,
                     const Conditions& conditions) {
    if (node == core::no_rank) {
        return 0;
    }
    ImageWalk walk = walk_below(reader, node, core::unlimited);
    const std::int32_t page_size = limit_of(arguments[3]);
    walk.most = page_size < 1 ? 0 : static_cast<std::size_t>(page_size);
    double left = count_image(reader, walk, conditions);
    Rank after;
    if (arguments[1].known && !arguments[1].null && reader.find_quietly(arguments[1].value, after) &&
        after != core::no_rank && reader.image().is_node(after) && is_below(reader.image(), node, after)) {
        left = std::min(left, nodes_behind(reader.image(), node, after));
    }
    return left;
}

double estimate_forest(const ImageReader& reader, Rank, const PlannedArgument* arguments,
                       const Conditions& conditions) {
    ImageWalk walk;
    const std::int32_t max_level = limit_of(arguments[2]);
    walk.last_level = max_level < 0 ? -1 : max_level;
    return count_image(reader, walk, conditions);
}

double average_below(const core::Image& image) { return image.average_level(); }

}  // namespace

constexpr SetFunction tree_build = {"tree_build",
                                    stats::Function::build,
                                    open_build,
                                    5,
                                    {Column::id, Column::code, Column::name, Column::parent_id, Column::level},
                                    0,
                                    1,
                                    false,
                                    estimate_below<2>,
                                    average_below,
                                    Column::count};
constexpr SetFunction tree_page = {"tree_page",
                                   stats::Function::page,
                                   open_page,
                                   5,
                                   {Column::id, Column::code, Column::name, Column::parent_id, Column::level},
                                   0,
                                   2,
                                   false,
                                   estimate_page,
                                   average_below,
                                   Column::count};
constexpr SetFunction tree_rows = {
    "tree_rows", stats::Function::rows, open_tree_rows, 3,           {Column::node, Column::level, Column::rank}, 1, 2,
    true,        estimate_below<3>,     average_below,  Column::rank};
constexpr SetFunction tree_forest = {"tree_forest",
                                     stats::Function::forest,
                                     open_forest,
                                     3,
                                     {Column::node, Column::level, Column::rank},
                                     -1,
                                     1,
                                     true,
                                     estimate_forest,
                                     nullptr,
                                     Column::rank};

}  // namespace pg_tree::scan
