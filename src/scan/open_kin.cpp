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

ImageWalk walk_children(const Image& image, Rank node) {
    ImageWalk walk = one_generation(image, node);
    // Below a key that has no row stand orphans, which are roots; below a rejected row stands what is in no tree.
    walk.has_depth =
        image.in_tree(node) || (!image.is_node(node) && image.anchor(node).kind == core::AnchorKind::missing);
    return walk;
}

Rows* find_children(const ImageReader& reader, Rank node, const Wanted& wanted) {
    return node == core::no_rank ? nullptr : walk_image(reader, walk_children(reader.image(), node), wanted);
}

bool has_siblings(const ImageReader& reader, Rank node) {
    return is_in_tree(reader, node) && reader.image().parent(node) != node;
}

ImageWalk walk_siblings(const Image& image, Rank node) {
    ImageWalk walk = one_generation(image, image.parent(node));
    walk.except = node;
    return walk;
}

Rows* find_siblings(const ImageReader& reader, Rank node, const Wanted& wanted) {
    return has_siblings(reader, node) ? walk_image(reader, walk_siblings(reader.image(), node), wanted) : nullptr;
}

Rows* find_ancestors(const ImageReader& reader, Rank node, const Wanted& wanted) {
    return is_in_tree(reader, node) ? climb_image(reader, node, wanted) : nullptr;
}

ImageWalk walk_leaves(Rank root) {
    ImageWalk walk;
    walk.start = root;
    walk.include_start = true;
    walk.only_leaves = true;
    return walk;
}

Rows* find_leaves(const ImageReader& reader, Rank root, const Wanted& wanted) {
    return is_in_tree(reader, root) ? walk_image(reader, walk_leaves(root), wanted) : nullptr;
}

// --- From the table ------------------------------------------------------------------------------------------------------------

/// What the walk has at level 0 stands right below a chain's first node.
void set_depth_below(TableWalk& walk, const Chain& chain) {
    walk.has_depth = chain.end == Chain::End::unknown || chain.end == Chain::End::root;
    walk.depth_base = chain.end == Chain::End::unknown ? 0 : chain.depth() + 1;
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
    TableWalk walk = walk_of(reading, walk_depth_first(reading, 0), question.form);
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
    TableWalk walk = walk_of(reading, walk_depth_first(reading, 0), question.form);
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
    TableWalk climb = walk_of(reading, walk, question.form);
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
    TableWalk walk = walk_of(reading, walk_depth_first(reading, core::unlimited), question.form);
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

// --- Estimates ------------------------------------------------------------------------------------------------------------------

double estimate_children(const ImageReader& reader, Rank node, const PlannedArgument*, const Conditions& conditions) {
    return node == core::no_rank ? 0 : count_image(reader, walk_children(reader.image(), node), conditions);
}

double estimate_siblings(const ImageReader& reader, Rank node, const PlannedArgument*, const Conditions& conditions) {
    return has_siblings(reader, node) ? count_image(reader, walk_siblings(reader.image(), node), conditions) : 0;
}

double estimate_ancestors(const ImageReader& reader, Rank node, const PlannedArgument*, const Conditions& conditions) {
    if (!is_in_tree(reader, node)) {
        return 0;
    }
    NodeRows* rows = climb_image(reader, node, {{}, conditions});
    double count = 0;
    for (; rows->next(nullptr, nullptr); ++count) {
    }
    return count;
}

double estimate_leaves(const ImageReader& reader, Rank root, const PlannedArgument*, const Conditions& conditions) {
    return is_in_tree(reader, root) ? count_image(reader, walk_leaves(root), conditions) : 0;
}

double average_children(const Image& image) { return image.average_children(); }
double average_siblings(const Image& image) {
    const core::ImageHeader& header = image.header();
    const double parents = static_cast<double>(header.in_tree) - static_cast<double>(header.leaves) + 1;
    return static_cast<double>(header.in_tree) / parents;
}

constexpr SetFunction kin(const char* symbol, stats::Function counted,
                          OpenCall (*open)(FunctionCallInfo, const Wanted&),
                          double (*estimate)(const ImageReader&, Rank, const PlannedArgument*, const Conditions&),
                          double (*average)(const Image&), Column sorted_by = Column::count) {
    return {
        symbol,   counted, open,  5,        {Column::id, Column::code, Column::name, Column::parent_id, Column::depth},
        0,        1,       false, estimate, average,
        sorted_by};
}

}  // namespace

constexpr SetFunction tree_children = kin("tree_children", stats::Function::children,
                                          open_kin<find_children, read_children>, estimate_children, average_children);
constexpr SetFunction tree_siblings = kin("tree_siblings", stats::Function::siblings,
                                          open_kin<find_siblings, read_siblings>, estimate_siblings, average_siblings);
constexpr SetFunction tree_ancestors = kin(
    "tree_ancestors", stats::Function::ancestors, open_kin<find_ancestors, read_ancestors>, estimate_ancestors,
    [](const Image& image) { return image.average_level(); }, Column::depth);
constexpr SetFunction tree_leaves = kin("tree_leaves", stats::Function::leaves, open_kin<find_leaves, read_leaves>,
                                        estimate_leaves, [](const Image& image) { return image.average_leaves(); });

}  // namespace pg_tree::scan
