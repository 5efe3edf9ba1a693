// tree_json: a subtree with its root, as one document.

#include "scan/counted.h"
#include "scan/json.h"
#include "scan/question.h"

namespace pg_tree::sql {

using cache::ImageReader;
using core::Key;
using core::Rank;
using fetch::Content;
using fetch::Reading;
using scan::answer;
using scan::ask;
using scan::find_argument;
using scan::is_in_tree;
using scan::key_argument;
using scan::level_argument;
using scan::Question;
using scan::read;

namespace {

/// Hands argument 0's node and its descendants to `render` as a source; does not call it for a node that is not in the tree.
template <class Render>
void render_subtree(FunctionCallInfo fcinfo, std::int32_t max_level, Render&& render) {
    const Question question = ask(fcinfo, 0, 1);
    answer(
        question, Content::nodes,
        [&](const ImageReader& reader) {
            Rank root;
            if (!find_argument(fcinfo, 0, reader, root)) {
                return false;
            }
            if (is_in_tree(reader, root)) {
                scan::ImageSource source(reader, root, max_level);
                render(source);
            }
            return true;
        },
        [&](bool leave_undone) {
            Reading* below = read(question, Content::nodes, leave_undone);
            Reading* above = fetch::begin_reading_beside(*below, Content::nodes);
            if (Key root; key_argument(fcinfo, 0, question, *below, root)) {
                const fetch::Chain* chain = fetch::read_node(*above, root);
                if (!above->left_undone && chain->in_tree()) {
                    fetch::read_below(*below, root, max_level);
                    if (!below->left_undone) {
                        fetch::arrange(*below, max_level);
                        scan::TableSource source(*below, *scan::walk_depth_first(*below, max_level), question.form);
                        source.set_start(*above, above->table->rows[chain->nodes[0]]);
                        render(source);
                    }
                }
            }
            const bool done = !below->left_undone && !above->left_undone;
            fetch::end_reading(below);
            return done;
        });
}

}  // namespace

PG_TREE_COUNTED_FUNCTION(tree_json, json, each) {
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    text* json = nullptr;
    render_subtree(fcinfo, level_argument(fcinfo, 2), [&](auto& source) { json = scan::write_json(source); });
    if (json == nullptr) {
        PG_RETURN_NULL();
    }
    PG_RETURN_TEXT_P(json);
}

}  // namespace pg_tree::sql
