// tree_json, tree_draw: a subtree with its root, as one document or as a drawing.

#include "scan/drawing.h"
#include "scan/json.h"
#include "sql/call.h"

namespace pg_tree::sql {

using core::Key;
using fetch::Content;
using fetch::Reading;

namespace {

/// A node that is in the tree, and what is below it.
struct Subtree {
    Reading* above;
    const core::Row* self;
    Reading* below;
    const core::Walk* walk;
};

/// Reads argument 0's node and its descendants. False: it is not in the tree.
bool read_subtree(FunctionCallInfo fcinfo, const Question& question, std::int32_t max_level, Subtree& subtree) {
    subtree.below = read(question, Content::nodes);
    Key root;
    if (!key_argument(fcinfo, 0, question, *subtree.below, root)) {
        return false;
    }
    subtree.above = fetch::begin_reading_beside(*subtree.below, Content::nodes);
    const fetch::Chain* chain = fetch::read_node(*subtree.above, root);
    if (!chain->in_tree()) {
        return false;
    }
    subtree.self = &subtree.above->table->rows[chain->nodes[0]];
    fetch::read_below(*subtree.below, root, max_level);
    fetch::arrange(*subtree.below, max_level);
    subtree.walk = scan::walk_depth_first(*subtree.below, max_level);
    return true;
}

}  // namespace

PG_TREE_FUNCTION(tree_json) {
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 1);
    Subtree subtree = {};
    text* json = nullptr;
    if (read_subtree(fcinfo, question, level_argument(fcinfo, 2), subtree)) {
        json = scan::write_json(*subtree.above, *subtree.self, *subtree.below, *subtree.walk, question.form);
    }
    fetch::end_reading(subtree.below);
    if (json == nullptr) {
        PG_RETURN_NULL();
    }
    PG_RETURN_TEXT_P(json);
}

PG_TREE_FUNCTION(tree_draw) {
    scan::RowsOut out(fcinfo);
    if (PG_ARGISNULL(0)) {
        return Datum{0};
    }
    const Question question = ask(fcinfo, 0, 1);
    Subtree subtree = {};
    if (read_subtree(fcinfo, question, level_argument(fcinfo, 2), subtree)) {
        scan::draw(out, *subtree.above, *subtree.self, *subtree.below, *subtree.walk);
    }
    fetch::end_reading(subtree.below);
    return Datum{0};
}

}  // namespace pg_tree::sql
