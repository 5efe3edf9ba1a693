#include "scan/table_rows.h"

#include "scan/rows_out.h"

namespace pg_tree::scan {

using core::Key;
using core::Node;
using core::Row;
using fetch::Reading;

namespace {

class TableRows final : public Rows {
public:
    TableRows(const TableWalk& walk, const Wanted& wanted)
        : walk_(walk), places_(wanted.places), conditions_(wanted.conditions), context_(CurrentMemoryContext) {
        if (places_.wants(Column::path)) {
            std::int32_t deepest = 0;
            for (const std::int32_t level : walk.walk->levels) {
                deepest = std::max(deepest, level + 1);
            }
            const std::size_t longest = walk.chain->nodes.size() + static_cast<std::size_t>(deepest);
            path_ = static_cast<Key*>(MemoryContextAllocHuge(context_, longest * sizeof(Key)));
        }
        end_ = walk.first + std::min(walk.most, walk.walk->nodes.size() - walk.first);
        rewind();
    }

    void rewind() override {
        next_ = walk_.first;
        rank_ = 0;
        start_is_next_ = walk_.start != nullptr;
    }

    bool next(Datum* values, bool* nulls) override {
        if (start_is_next_) {
            start_is_next_ = false;
            ++rank_;
            if (passes(walk_.below->forest->start_node(), -1)) {
                fill(*walk_.above, *walk_.start, walk_.below->forest->start_node(), -1, values, nulls);
                return true;
            }
            ++skipped_;
        }
        const core::NodeTable& table = *walk_.below->table;
        while (next_ < end_) {
            prefetch_walk(table, walk_.walk->nodes, next_);
            const Node node = walk_.walk->nodes[next_];
            const std::int32_t level = walk_.walk->levels[next_];
            ++next_;
            const Row& row = table.rows[node];
            if ((walk_.only_leaves && !is_leaf(node)) ||
                (walk_.except != nullptr && row.has_key() && row.key == walk_.except->key)) {
                CHECK_FOR_INTERRUPTS();
                continue;
            }
            ++rank_;
            if (passes(node, level)) {
                fill(*walk_.below, row, node, level, values, nulls);
                return true;
            }
            ++skipped_;
            CHECK_FOR_INTERRUPTS();
        }
        return false;
    }

private:
    bool is_leaf(Node node) const { return walk_.below->forest->children_of(node).empty(); }

    bool passes(Node node, std::int32_t level) const {
        return !conditions_.never && conditions_.level.contains(level) && conditions_.rank.contains(rank_) &&
               conditions_.distance.contains(std::int64_t{level} + 1) &&
               (!conditions_.depth.limits() ||
                (walk_.has_depth && conditions_.depth.contains(std::int64_t{walk_.depth_base} + level))) &&
               (conditions_.leaf == Conditions::Leaf::any ||
                is_leaf(node) == (conditions_.leaf == Conditions::Leaf::yes));
    }

    /// The node's path from its root as a stretch of path_, filled from its end. A node on a cycle has every node of the cycle above
    /// it once: what the chain and the way down from the start share is left out.
    std::span<const Key> path_of(Node node, std::size_t distance) {
        const Reading& below = *walk_.below;
        const core::Measures* measures = walk_.measures;
        const std::size_t length = walk_.chain->nodes.size() + distance;
        std::size_t shared = 0;
        std::size_t end = length;
        for (Node up = node; up != below.forest->start_node(); up = below.table->rows[up].parent_node) {
            shared += measures != nullptr && measures->cyclic() && measures->on_cycle[up] ? 1 : 0;
            path_[--end] = below.table->rows[up].key;
        }
        for (std::size_t i = 0; end > shared; ++i) {
            path_[--end] = chain_row(i).key;
        }
        return {path_ + shared, length - shared};
    }

    const Row& chain_row(std::size_t position) const { return walk_.above->table->rows[walk_.chain->nodes[position]]; }

    void fill(const Reading& from, const Row& row, Node node, std::int32_t level, Datum* values, bool* nulls) {
        fill_node(from, row, walk_.form, places_, values, nulls);
        auto put = [&](Column column, Datum value, bool null = false) {
            if (const int at = places_.of(column); at >= 0) {
                values[at] = value;
                nulls[at] = null;
            }
        };
        put(Column::level, Int32GetDatum(level));
        put(Column::depth, Int32GetDatum(walk_.depth_base + level), !walk_.has_depth);
        put(Column::rank, Int64GetDatum(rank_));
        if (walk_.chain == nullptr) {
            return;
        }
        put(Column::distance, Int32GetDatum(level + 1));
        if (places_.wants(Column::children) || places_.wants(Column::is_leaf)) {
            const auto children = static_cast<std::int32_t>(walk_.below->forest->children_of(node).size());
            put(Column::children, Int32GetDatum(children));
            put(Column::is_leaf, BoolGetDatum(children == 0));
        }
        if (places_.wants(Column::descendants)) {
            put(Column::descendants, Int64GetDatum(static_cast<int64>(walk_.measures->descendants[node])));
        }
        put(Column::is_cycle,
            BoolGetDatum(walk_.measures != nullptr && walk_.measures->cyclic() && walk_.measures->on_cycle[node]));
        if (places_.wants(Column::root_id)) {
            put(Column::root_id,
                walk_.has_depth ? walk_.below->keys->to_caller(chain_row(walk_.chain->nodes.size() - 1).key, walk_.form)
                                : Datum{0},
                !walk_.has_depth);
        }
        if (places_.wants(Column::path)) {
            put(Column::path,
                row.has_key()
                    ? key_array(*walk_.below->keys, path_of(node, static_cast<std::size_t>(level + 1)), walk_.form)
                    : Datum{0},
                !row.has_key());
        }
    }

    TableWalk walk_;
    Places places_;
    Conditions conditions_;
    MemoryContext context_;
    Key* path_ = nullptr;  ///< room for the longest one
    std::size_t next_ = 0;
    std::size_t end_ = 0;
    std::int64_t rank_ = 0;
    bool start_is_next_ = false;
};

}  // namespace

Rows* walk_table(const TableWalk& walk, const Wanted& wanted) {
    static_assert(std::is_trivially_destructible_v<TableRows>);
    return new (palloc(sizeof(TableRows))) TableRows(walk, wanted);
}

}  // namespace pg_tree::scan
