// tree_children, tree_siblings, tree_ancestors, tree_leaves: a node's relatives, each with its own depth.

#include "sql/call.h"

namespace pg_tree::sql {

using cache::ImageReader;
using core::Image;
using core::Key;
using core::Rank;
using fetch::Chain;
using fetch::Content;
using fetch::Reading;

namespace {

constexpr std::int32_t no_depth = -1;

// --- From an image ----------------------------------------------------------------------------------------------------------

/// Every node right below, but one.
void put_generation(scan::RowsOut& out, const ImageReader& reader, Rank parent, std::int32_t depth, Rank except) {
    scan::ImageSource source(reader, parent, 0);
    while (source.next()) {
        if (source.rank() != except) {
            scan::put_image_node(out, reader, source.rank(), depth);
        }
    }
}

void put_children(scan::RowsOut& out, const ImageReader& reader, Rank node) {
    if (node == core::no_rank) {
        return;
    }
    const Image& image = reader.image();
    // Below a key that has no row stand orphans, which are roots; below a rejected row stands what is in no tree.
    const std::int32_t depth = image.in_tree(node) ? image.level(node) + 1
                               : !image.is_node(node) && image.anchor(node).kind == core::AnchorKind::missing
                                   ? 0
                                   : no_depth;
    put_generation(out, reader, node, depth, core::no_rank);
}

void put_siblings(scan::RowsOut& out, const ImageReader& reader, Rank node) {
    const Image& image = reader.image();
    if (is_in_tree(reader, node) && image.parent(node) != node) {
        put_generation(out, reader, image.parent(node), image.level(node), node);
    }
}

void put_ancestors(scan::RowsOut& out, const ImageReader& reader, Rank node) {
    if (!is_in_tree(reader, node)) {
        return;
    }
    const Image& image = reader.image();
    const auto count = static_cast<std::size_t>(image.level(node));
    auto* above = static_cast<Rank*>(MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(Rank)));
    for (std::size_t i = count; i > 0; --i) {
        node = image.parent(node);
        above[i - 1] = node;
    }
    for (std::size_t depth = 0; depth < count; ++depth) {
        scan::put_image_node(out, reader, above[depth], static_cast<std::int32_t>(depth));
    }
    pfree(above);
}

void put_leaves(scan::RowsOut& out, const ImageReader& reader, Rank root) {
    if (!is_in_tree(reader, root)) {
        return;
    }
    const Image& image = reader.image();
    for (Rank rank = root; rank < image.end(root); ++rank) {
        if (image.size(rank) == 1) {
            scan::put_image_node(out, reader, rank, image.level(rank));
        } else {
            CHECK_FOR_INTERRUPTS();
        }
    }
}

// --- From the table ------------------------------------------------------------------------------------------------------------

/// The depth of what stands right below a chain's first node.
std::int32_t depth_below(const Chain& chain) {
    switch (chain.end) {
        case Chain::End::unknown:
            return 0;
        case Chain::End::root:
            return chain.depth() + 1;
        default:
            return no_depth;
    }
}

/// Every node of a one-generation walk but `except`.
void put_generation(scan::RowsOut& out, const Reading& reading, const Question& question, std::int32_t depth,
                    const core::Row* except) {
    const core::Walk* walk = scan::walk_depth_first(reading, 0);
    for (const core::Node node : walk->nodes) {
        const core::Row& row = reading.table->rows[node];
        if (except == nullptr || !row.has_key() || row.key != except->key) {
            scan::put_node_with_depth(out, reading, row, question.form, depth);
        }
    }
}

bool read_children(scan::RowsOut& out, const Question& question, Reading& reading, Key node) {
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
    put_generation(out, reading, question, depth_below(*chain), nullptr);
    return true;
}

bool read_siblings(scan::RowsOut& out, const Question& question, Reading& reading, Key node) {
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
    put_generation(out, reading, question, chain->depth(), &self);
    return true;
}

bool read_ancestors(scan::RowsOut& out, const Question& question, Reading& reading, Key node) {
    const Chain* chain = fetch::read_chain(reading, node);
    if (reading.left_undone || !chain->in_tree()) {
        return !reading.left_undone;
    }
    for (std::size_t i = chain->nodes.size() - 1; i > 0; --i) {
        const std::int32_t depth =
            chain->end == Chain::End::root ? static_cast<std::int32_t>(chain->nodes.size() - 1 - i) : no_depth;
        scan::put_node_with_depth(out, reading, reading.table->rows[chain->nodes[i]], question.form, depth);
    }
    return true;
}

bool read_leaves(scan::RowsOut& out, const Question& question, Reading& reading, Key root) {
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
    const core::Walk* walk = scan::walk_depth_first(reading, core::unlimited);
    if (walk->nodes.empty()) {
        scan::put_node_with_depth(out, *above, above->table->rows[chain->nodes[0]], question.form, chain->depth());
        return true;
    }
    const std::int32_t first_depth = depth_below(*chain);
    for (std::size_t i = 0; i < walk->nodes.size(); ++i) {
        const core::Node node = walk->nodes[i];
        if (reading.forest->children_of(node).empty()) {
            scan::put_node_with_depth(out, reading, reading.table->rows[node], question.form,
                                      first_depth == no_depth ? no_depth : first_depth + walk->levels[i]);
        }
    }
    return true;
}

/// f(node K, tree text): rows of id, code, name, parent_id, depth.
template <class Put, class Read>
Datum relatives(FunctionCallInfo fcinfo, Put&& put, Read&& read_and_put) {
    scan::RowsOut out(fcinfo);
    if (PG_ARGISNULL(0)) {
        return Datum{0};
    }
    const Question question = ask(fcinfo, 0, 1);
    answer(
        question, Content::nodes,
        [&](const ImageReader& reader) {
            Rank node;
            if (!find_argument(fcinfo, 0, reader, node)) {
                return false;
            }
            put(out, reader, node);
            return true;
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::nodes, leave_undone);
            bool done = true;
            if (Key node; key_argument(fcinfo, 0, question, *reading, node)) {
                done = read_and_put(out, question, *reading, node);
            }
            fetch::end_reading(reading);
            return done;
        });
    return Datum{0};
}

}  // namespace

PG_TREE_FUNCTION(tree_children) { return relatives(fcinfo, put_children, read_children); }
PG_TREE_FUNCTION(tree_siblings) { return relatives(fcinfo, put_siblings, read_siblings); }
PG_TREE_FUNCTION(tree_ancestors) { return relatives(fcinfo, put_ancestors, read_ancestors); }
PG_TREE_FUNCTION(tree_leaves) { return relatives(fcinfo, put_leaves, read_leaves); }

}  // namespace pg_tree::sql
