#include "scan/walk_out.h"

#include "core/measures.h"

namespace pg_tree::scan {

using core::Key;
using core::Node;
using core::Row;
using fetch::Chain;
using fetch::Reading;

using namespace walk_column;

namespace {

struct Writer {
    RowsOut& out;
    const Reading& above;
    const Chain& chain;
    const Reading& below;
    const WalkRequest& request;
    const core::Measures& measures;
    Key* path;  ///< room for the longest one
    int64 rank;
};

const Row& chain_row(const Writer& writer, std::size_t position) {
    return writer.above.table->rows[writer.chain.nodes[position]];
}

/// The node's path from its root as a stretch of writer.path, filled from its end. A node on a cycle has every node of the
/// cycle above it once: what the chain and the way down from the start share is left out.
std::span<const Key> path_of(const Writer& writer, Node node, std::size_t distance) {
    const Reading& below = writer.below;
    std::size_t length = writer.chain.nodes.size() + distance;
    std::size_t shared = 0;
    std::size_t end = length;
    for (Node up = node; up != below.forest->start_node(); up = below.table->rows[up].parent_node) {
        shared += writer.measures.cyclic() && writer.measures.on_cycle[up] ? 1 : 0;
        writer.path[--end] = below.table->rows[up].key;
    }
    for (std::size_t i = 0; end > shared; ++i) {
        writer.path[--end] = chain_row(writer, i).key;
    }
    return {writer.path + shared, length - shared};
}

void put(Writer& writer, const Reading& from, const Row& row, Node node, std::int32_t distance_from_start) {
    const MemoryContext caller = MemoryContextSwitchTo(writer.out.row_memory());
    const core::Forest& forest = *writer.below.forest;
    const bool rooted = writer.chain.end == Chain::End::root;
    const auto child_count = static_cast<std::int32_t>(forest.children_of(node).size());
    Datum values[columns];
    bool nulls[columns] = {};
    fill_node(from, row, writer.request.form, values, nulls);
    nulls[depth] = nulls[root_id] = !rooted;
    values[depth] = Int32GetDatum(writer.chain.depth() + distance_from_start);
    values[distance] = Int32GetDatum(distance_from_start);
    values[rank] = Int64GetDatum(++writer.rank);
    values[children] = Int32GetDatum(child_count);
    values[descendants] = Int64GetDatum(static_cast<int64>(writer.measures.descendants[node]));
    values[is_leaf] = BoolGetDatum(child_count == 0);
    values[is_cycle] = BoolGetDatum(writer.measures.cyclic() && writer.measures.on_cycle[node]);
    values[root_id] =
        rooted ? writer.below.keys->to_caller(chain_row(writer, writer.chain.nodes.size() - 1).key, writer.request.form)
               : 0;
    if (row.has_key()) {
        values[path] =
            key_array(*writer.below.keys, path_of(writer, node, static_cast<std::size_t>(distance_from_start)),
                      writer.request.form);
    } else {
        nulls[path] = true;
    }
    writer.out.put(values, nulls);
    MemoryContextSwitchTo(caller);
}

}  // namespace

void put_walk(RowsOut& out, const Reading& above, const Chain& chain, const Reading& below,
              const WalkRequest& request) {
    const core::Walk* whole = walk_depth_first(below, core::unlimited);
    auto* measures = pg::make_in_context<core::Measures>(below.context, below.memory);
    pg::enter([&] { core::measure(*below.forest, *whole, *measures); });
    const core::Walk* walk = request.breadth_first ? walk_breadth_first(below, request.max_distance) : whole;

    std::int32_t deepest = 0;
    for (const std::int32_t level : walk->levels) {
        deepest = std::max(deepest, level + 1);
    }
    const std::size_t longest = chain.nodes.size() + static_cast<std::size_t>(deepest);
    auto* path = static_cast<Key*>(MemoryContextAllocHuge(below.context, longest * sizeof(Key)));
    Writer writer = {out, above, chain, below, request, *measures, path, 0};
    if (request.include_start && request.max_distance >= 0) {
        put(writer, above, chain_row(writer, 0), below.forest->start_node(), 0);
    }
    for (std::size_t i = 0; i < walk->nodes.size(); ++i) {
        const std::int32_t distance_from_start = walk->levels[i] + 1;
        if (distance_from_start <= request.max_distance) {
            put(writer, below, below.table->rows[walk->nodes[i]], walk->nodes[i], distance_from_start);
        }
    }
}

}  // namespace pg_tree::scan
