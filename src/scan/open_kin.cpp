// tree_children, tree_siblings, tree_ancestors, tree_leaves: a node's relatives, each with its own depth.

#include "scan/image_rows.h"
#include "scan/question.h"
#include "scan/rows_out.h"
#include "scan/table_rows.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Key;
using core::Rank;
using fetch::Chain;
using fetch::Content;
using fetch::Reading;

namespace {

// --- From an image ----------------------------------------------------------------------------------------------------------

ImageWalk one_generation(const Image& image, Rank parent) {
    ImageWalk walk;
    walk.start = parent;
    walk.last_level = last_level_below(image, parent, 0);
    return walk;
}

Rows* find_children(const ImageReader& reader, Rank node, const Wanted& wanted) {
    if (node == core::no_rank) {
        return nullptr;
    }
    const Image& image = reader.image();
    ImageWalk walk = one_generation(image, node);
    // Below a key that has no row stand orphans, which are roots; below a rejected row stands what is in no tree.
    walk.has_depth =
        image.in_tree(node) || (!image.is_node(node) && image.anchor(node).kind == core::AnchorKind::missing);
    return walk_image(reader, walk, wanted);
}

Rows* find_siblings(const ImageReader& reader, Rank node, const Wanted& wanted) {
    const Image& image = reader.image();
    if (!is_in_tree(reader, node) || image.parent(node) == node) {
        return nullptr;
    }
    ImageWalk walk = one_generation(image, image.parent(node));
    walk.except = node;
    return walk_image(reader, walk, wanted);
}

Rows* find_ancestors(const ImageReader& reader, Rank node, const Wanted& wanted) {
    return is_in_tree(reader, node) ? climb_image(reader, node, wanted) : nullptr;
}

Rows* find_leaves(const ImageReader& reader, Rank root, const Wanted& wanted) {
    if (!is_in_tree(reader, root)) {
        return nullptr;
    }
    ImageWalk walk;
    walk.start = root;
    walk.include_start = true;
    walk.only_leaves = true;
    return walk_image(reader, walk, wanted);
}

// --- From the table ------------------------------------------------------------------------------------------------------------

/// What the walk has at level 0 stands right below a chain's first node.
void set_depth_below(TableWalk& walk, const Chain& chain) {
    walk.has_depth = chain.end == Chain::End::unknown || chain.end == Chain::End::root;
    walk.depth_base = chain.end == Chain::End::unknown ? 0 : chain.depth() + 1;
}

TableWalk walk_of(const Reading& reading, const core::Walk* walk, const Question& question) {
    TableWalk result;
    result.below = &reading;
    result.walk = walk;
    result.form = question.form;
    return result;
}

bool read_children(const Question& question, Reading& reading, Key node, const Wanted& wanted, Rows*& rows) {
    Reading* above = fetch::begin_reading_beside(reading, Content::keys);
    const Chain* chain = fetch::read_chain(*above, node);
    if (above->left_undone) {
        return false;
    }
    fetch::read_below(reading, node, 0);
    if (reading.left_undone) {
        return false;
    }
    fetch::arrange(reading, 0);
    TableWalk walk = walk_of(reading, walk_depth_first(reading, 0), question);
    set_depth_below(walk, *chain);
    rows = walk_table(walk, wanted);
    return true;
}

bool read_siblings(const Question& question, Reading& reading, Key node, const Wanted& wanted, Rows*& rows) {
    Reading* above = fetch::begin_reading_beside(reading, Content::keys);
    const Chain* chain = fetch::read_chain(*above, node);
    if (above->left_undone) {
        return false;
    }
    if (!chain->in_tree()) {
        return true;
    }
    const core::Row& self = above->table->rows[chain->nodes[0]];
    if (self.is_its_own_parent()) {
        return true;
    }
    if (self.has_parent()) {
        fetch::read_below(reading, self.parent, 0);
        if (reading.left_undone) {
            return false;
        }
    } else {
        fetch::read_parentless(reading);
    }
    fetch::arrange(reading, 0);
    TableWalk walk = walk_of(reading, walk_depth_first(reading, 0), question);
    walk.except = &self;
    walk.has_depth = chain->end == Chain::End::root;
    walk.depth_base = chain->depth();
    rows = walk_table(walk, wanted);
    return true;
}

bool read_ancestors(const Question& question, Reading& reading, Key node, const Wanted& wanted, Rows*& rows) {
    const Chain* chain = fetch::read_chain(reading, node);
    if (reading.left_undone || !chain->in_tree()) {
        return !reading.left_undone;
    }
    auto* walk = pg::make_in_context<core::Walk>(reading.context, reading.memory);
    pg::enter([&] {
        for (std::size_t i = chain->nodes.size() - 1; i > 0; --i) {
            walk->nodes.push_back(chain->nodes[i]);
            walk->levels.push_back(static_cast<std::int32_t>(chain->nodes.size() - 1 - i));
        }
    });
    TableWalk climb = walk_of(reading, walk, question);
    climb.has_depth = chain->end == Chain::End::root;
    rows = walk_table(climb, wanted);
    return true;
}

bool read_leaves(const Question& question, Reading& reading, Key root, const Wanted& wanted, Rows*& rows) {
    Reading* above = fetch::begin_reading_beside(reading, Content::nodes);
    const Chain* chain = fetch::read_chain(*above, root);
    if (above->left_undone || !chain->in_tree()) {
        return !above->left_undone;
    }
    fetch::read_below(reading, root, core::unlimited);
    if (reading.left_undone) {
        return false;
    }
    fetch::arrange(reading, core::unlimited);
    TableWalk walk = walk_of(reading, walk_depth_first(reading, core::unlimited), question);
    if (walk.walk->nodes.empty()) {
        walk.start = &above->table->rows[chain->nodes[0]];
        walk.above = above;
    }
    walk.only_leaves = true;
    set_depth_below(walk, *chain);
    rows = walk_table(walk, wanted);
    return true;
}

/// f(node K, tree text): rows of id, code, name, parent_id, depth.
template <auto find, auto read_from_table>
OpenCall open_kin(FunctionCallInfo fcinfo, const Wanted& wanted) {
    if (PG_ARGISNULL(0)) {
        return {};
    }
    const Question question = ask(fcinfo, 0, 1);
    return open_rows(
        question, Content::nodes,
        [&](const ImageReader& reader, Rows*& rows) {
            Rank node;
            if (!find_argument(fcinfo, 0, reader, node)) {
                return false;
            }
            rows = find(reader, node, wanted);
            return true;
        },
        [&](Reading& reading, Rows*& rows) {
            Key node;
            return !key_argument(fcinfo, 0, question, reading, node) ||
                   read_from_table(question, reading, node, wanted, rows);
        });
}

constexpr SetFunction kin(const char* symbol, OpenCall (*open)(FunctionCallInfo, const Wanted&)) {
    return {symbol, open, 5, {Column::id, Column::code, Column::name, Column::parent_id, Column::depth}, 0, 1};
}

}  // namespace

constexpr SetFunction tree_children = kin("tree_children", open_kin<find_children, read_children>);
constexpr SetFunction tree_siblings = kin("tree_siblings", open_kin<find_siblings, read_siblings>);
constexpr SetFunction tree_ancestors = kin("tree_ancestors", open_kin<find_ancestors, read_ancestors>);
constexpr SetFunction tree_leaves = kin("tree_leaves", open_kin<find_leaves, read_leaves>);

}  // namespace pg_tree::scan
