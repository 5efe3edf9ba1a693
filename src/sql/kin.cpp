// tree_children, tree_siblings, tree_ancestors, tree_leaves: a node's relatives, each with its own depth.

#include "sql/call.h"

namespace pg_tree::sql {

using core::Key;
using fetch::Chain;
using fetch::Content;
using fetch::Reading;

namespace {

constexpr std::int32_t no_depth = -1;

/// The depth of what stands right below a chain's first node. Below a key that has no row stand orphans, which are roots.
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

void put_children(scan::RowsOut& out, const Question& question, Reading& reading, Key node) {
    const Chain* chain = fetch::read_chain(*fetch::begin_reading_beside(reading, Content::keys), node);
    fetch::read_below(reading, node, 0);
    fetch::arrange(reading, 0);
    put_generation(out, reading, question, depth_below(*chain), nullptr);
}

void put_siblings(scan::RowsOut& out, const Question& question, Reading& reading, Key node) {
    Reading* above = fetch::begin_reading_beside(reading, Content::keys);
    const Chain* chain = fetch::read_chain(*above, node);
    if (!chain->in_tree()) {
        return;
    }
    const core::Row& self = above->table->rows[chain->nodes[0]];
    if (self.is_its_own_parent()) {
        return;
    }
    if (self.has_parent()) {
        fetch::read_below(reading, self.parent, 0);
    } else {
        fetch::read_parentless(reading);
    }
    fetch::arrange(reading, 0);
    put_generation(out, reading, question, chain->depth(), &self);
}

void put_ancestors(scan::RowsOut& out, const Question& question, Reading& reading, Key node) {
    const Chain* chain = fetch::read_chain(reading, node);
    if (!chain->in_tree()) {
        return;
    }
    for (std::size_t i = chain->nodes.size() - 1; i > 0; --i) {
        const std::int32_t depth =
            chain->end == Chain::End::root ? static_cast<std::int32_t>(chain->nodes.size() - 1 - i) : no_depth;
        scan::put_node_with_depth(out, reading, reading.table->rows[chain->nodes[i]], question.form, depth);
    }
}

void put_leaves(scan::RowsOut& out, const Question& question, Reading& reading, Key root) {
    Reading* above = fetch::begin_reading_beside(reading, Content::nodes);
    const Chain* chain = fetch::read_chain(*above, root);
    if (!chain->in_tree()) {
        return;
    }
    fetch::read_below(reading, root, core::unlimited);
    fetch::arrange(reading, core::unlimited);
    const core::Walk* walk = scan::walk_depth_first(reading, core::unlimited);
    if (walk->nodes.empty()) {
        scan::put_node_with_depth(out, *above, above->table->rows[chain->nodes[0]], question.form, chain->depth());
        return;
    }
    const std::int32_t first_depth = depth_below(*chain);
    for (std::size_t i = 0; i < walk->nodes.size(); ++i) {
        const core::Node node = walk->nodes[i];
        if (reading.forest->children_of(node).empty()) {
            scan::put_node_with_depth(out, reading, reading.table->rows[node], question.form,
                                      first_depth == no_depth ? no_depth : first_depth + walk->levels[i]);
        }
    }
}

/// f(node K, tree text): rows of id, code, name, parent_id, depth.
template <class Put>
Datum relatives(FunctionCallInfo fcinfo, Put&& put) {
    scan::RowsOut out(fcinfo);
    if (!PG_ARGISNULL(0)) {
        const Question question = ask(fcinfo, 0, 1);
        Reading* reading = read(question, Content::nodes);
        if (Key node; key_argument(fcinfo, 0, question, *reading, node)) {
            put(out, question, *reading, node);
        }
        fetch::end_reading(reading);
    }
    return Datum{0};
}

}  // namespace

PG_TREE_FUNCTION(tree_children) { return relatives(fcinfo, put_children); }
PG_TREE_FUNCTION(tree_siblings) { return relatives(fcinfo, put_siblings); }
PG_TREE_FUNCTION(tree_ancestors) { return relatives(fcinfo, put_ancestors); }
PG_TREE_FUNCTION(tree_leaves) { return relatives(fcinfo, put_leaves); }

}  // namespace pg_tree::sql
