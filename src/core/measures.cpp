#include "core/measures.h"

namespace pg_tree::core {

void measure(const Forest& forest, const Walk& walk, Measures& measures) {
    const Vector<Row>& rows = forest.table().rows;
    const Node start = forest.start_node();
    measures.descendants.resize(rows.size() + 1, 0);
    Node closing = no_node;  // the node whose child is the start
    for (std::size_t i = walk.nodes.size(); i-- > 0;) {
        forest.poller().step();
        const Node node = walk.nodes[i];
        measures.descendants[rows[node].parent_node] += measures.descendants[node] + 1;
        if (forest.start_has_row() && rows[start].parent_node == node) {
            closing = node;
        }
    }
    if (closing == no_node) {
        return;
    }
    // Whoever is on the cycle has everything that the start reaches below it, the start included.
    measures.on_cycle.resize(rows.size() + 1, false);
    for (Node node = closing; node != start; node = rows[node].parent_node) {
        forest.poller().step();
        measures.on_cycle[node] = true;
        measures.descendants[node] = static_cast<std::uint32_t>(walk.nodes.size());
    }
    measures.on_cycle[start] = true;
    measures.descendants[start] = static_cast<std::uint32_t>(walk.nodes.size());
}

}  // namespace pg_tree::core
