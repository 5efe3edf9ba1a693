#include "core/forest.h"

#include <algorithm>
#include <stdexcept>

namespace pg_tree::core {

namespace {

std::uint32_t null_order(const Row& row) {
    return (row.flags & flag::nulls_first) != 0 ? 0 : (row.flags & flag::nulls_last) != 0 ? 2 : 1;
}

}  // namespace

Forest::Forest(NodeTable& table, pmr::memory_resource* memory, Interrupts& interrupts)
    : table_(table),
      memory_(memory),
      poller_(interrupts),
      index_(memory),
      first_child_(memory),
      children_(memory),
      open_runs_(memory),
      group_(memory) {}

KeyIndex::Duplicate Forest::link(Start start) {
    Vector<Row>& rows = table_.rows;
    if (rows.size() >= no_node - 2) {
        throw std::length_error("pg_tree cannot read more than 4294967292 rows");
    }
    const auto count = static_cast<Node>(rows.size());
    const KeyIndex::Duplicate duplicate = index_.build(rows, poller_);
    if (duplicate.second != no_node) {
        return duplicate;
    }

    const bool everywhere = start.kind == Start::Kind::roots;
    start_ = count;
    if (!everywhere) {
        if (const Node node = find(start.key); node != no_node) {
            start_ = node;
        }
    }

    // Counted at v + 1, summed up, then used as cursors while filling: v's group ends where v + 1's begins.
    first_child_.clear();
    first_child_.resize(std::size_t{count} + 2, 0);
    for (Node node = 0; node < count; ++node) {
        poller_.step();
        Row& row = rows[node];
        Node parent = no_node;
        if (row.has_parent()) {
            parent = find(row.parent);
        }
        if (row.rejected() || parent == node) {
            // In the table, not among anybody's children; a row that is its own parent is a root.
            row.parent_node = !row.rejected() && everywhere ? start_ : no_node;
        } else if (parent != no_node) {
            row.parent_node = parent;
        } else if (everywhere || (row.has_parent() && row.parent == start.key && start_ == count)) {
            row.parent_node = start_;
        } else {
            row.parent_node = no_node;
        }
        if (row.parent_node != no_node) {
            ++first_child_[row.parent_node + 1];
        }
    }
    for (std::size_t i = 1; i < first_child_.size(); ++i) {
        poller_.step();
        first_child_[i] += first_child_[i - 1];
    }

    children_.resize(first_child_.back(), boost::container::default_init);
    for (Node node = 0; node < count; ++node) {
        poller_.step();
        if (const Node parent = rows[node].parent_node; parent != no_node) {
            children_[first_child_[parent]++] = node;
        }
    }
    for (std::size_t i = first_child_.size() - 1; i > 0; --i) {
        poller_.step();
        first_child_[i] = first_child_[i - 1];
    }
    first_child_[0] = 0;
    return {};
}

void Forest::sort_group(Node parent, bool prefix_decides) {
    const std::uint32_t begin = first_child_[parent];
    const std::uint32_t end = first_child_[parent + 1];
    if (end - begin < 2) {
        return;
    }
    const Vector<Row>& rows = table_.rows;
    group_.clear();
    group_.reserve(end - begin);
    for (std::uint32_t i = begin; i < end; ++i) {
        poller_.step();
        const Node node = children_[i];
        group_.push_back({table_.prefixes[node], node, table_.null_sort_keys ? null_order(rows[node]) : 1});
    }
    auto same_sort_key = [](const SortEntry& a, const SortEntry& b) {
        return a.null_order == b.null_order && (a.null_order != 1 || a.prefix == b.prefix);
    };
    std::sort(group_.begin(), group_.end(), [&](const SortEntry& a, const SortEntry& b) {
        poller_.step();
        if (!same_sort_key(a, b)) {
            return a.null_order != b.null_order ? a.null_order < b.null_order : a.prefix < b.prefix;
        }
        if (prefix_decides) {  // ties by key, null keys last
            const Row& x = rows[a.node];
            const Row& y = rows[b.node];
            if (x.has_key() != y.has_key()) {
                return x.has_key();
            }
            if (x.key != y.key) {
                return x.key < y.key;
            }
        }
        return a.node < b.node;
    });
    for (std::uint32_t i = 0; i < group_.size(); ++i) {
        poller_.step();
        children_[begin + i] = group_[i].node;
    }
    if (prefix_decides) {
        return;
    }
    for (std::uint32_t i = 0; i < group_.size();) {
        std::uint32_t next = i + 1;
        while (next < group_.size() && same_sort_key(group_[i], group_[next])) {
            poller_.step();
            ++next;
        }
        if (next - i > 1) {
            open_runs_.push_back({begin + i, begin + next});
        }
        i = next;
    }
}

inline void Forest::prefetch_group(const Vector<Node>& parents, std::size_t position) const {
    // Three dependent look-ups, each asked for a little before the next one needs it.
    if (position + 24 < parents.size()) {
        __builtin_prefetch(&first_child_[parents[position + 24]]);
    }
    if (position + 16 < parents.size()) {
        __builtin_prefetch(children_.data() + first_child_[parents[position + 16]]);
    }
    if (position + 8 < parents.size()) {
        const std::span<const Node> group = children_of(parents[position + 8]);
        for (const Node child : group.first(std::min<std::size_t>(group.size(), 8))) {
            __builtin_prefetch(&table_.prefixes[child]);
        }
    }
}

const Vector<OpenRun>& Forest::sort_children(bool prefix_decides, std::int32_t max_level) {
    open_runs_.clear();
    if (max_level < 0) {
        return open_runs_;
    }
    // Breadth first, because a level ends the search there; the order of the visit does not matter.
    Vector<Node> frontier(memory_);
    Vector<Node> next(memory_);
    frontier.push_back(start_);
    for (std::int32_t level = 0; !frontier.empty(); ++level) {
        next.clear();
        for (std::size_t i = 0; i < frontier.size(); ++i) {
            poller_.step();
            prefetch_group(frontier, i);
            sort_group(frontier[i], prefix_decides);
            if (level < max_level) {
                for (const Node child : children_of(frontier[i])) {
                    poller_.step();
                    if (child != start_) {
                        next.push_back(child);
                    }
                }
            }
        }
        if (level == max_level) {
            break;
        }
        frontier.swap(next);
    }
    return open_runs_;
}

const Vector<OpenRun>& Forest::sort_everything(bool prefix_decides) {
    open_runs_.clear();
    for (Node parent = 0; parent <= start_; ++parent) {
        poller_.step();
        sort_group(parent, prefix_decides);
    }
    return open_runs_;
}

void Forest::walk_depth_first(std::int32_t max_level, Walk& walk) const {
    if (max_level < 0) {
        return;
    }
    walk.nodes.reserve(children_.size());
    walk.levels.reserve(children_.size());
    // One cursor into children_ for each level that is open: the next sibling to visit there, and where that group ends.
    struct Cursor {
        std::uint32_t next;
        std::uint32_t end;
    };
    Vector<Cursor> open(memory_);
    open.push_back({first_child_[start_], first_child_[start_ + 1]});
    while (!open.empty()) {
        poller_.step();
        Cursor& cursor = open.back();
        if (cursor.next == cursor.end) {
            open.pop_back();
            continue;
        }
        const Node node = children_[cursor.next++];
        // The next sibling's turn comes after this node's subtree: at once for a leaf, and half of all nodes are leaves.
        if (cursor.next + 1 < cursor.end) {
            __builtin_prefetch(&first_child_[children_[cursor.next + 1]]);
        }
        if (node == start_) {  // a cycle through the start ends here
            continue;
        }
        const auto level = static_cast<std::int32_t>(open.size() - 1);
        walk.nodes.push_back(node);
        walk.levels.push_back(level);
        if (level < max_level && first_child_[node] != first_child_[node + 1]) {
            open.push_back({first_child_[node], first_child_[node + 1]});
        }
    }
}

void Forest::walk_breadth_first(std::int32_t max_level, Walk& walk) const {
    if (max_level < 0) {
        return;
    }
    auto list_children = [&](Node parent, std::int32_t level) {
        for (const Node child : children_of(parent)) {
            poller_.step();
            if (child != start_) {
                walk.nodes.push_back(child);
                walk.levels.push_back(level);
            }
        }
    };
    list_children(start_, 0);
    for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
        poller_.step();
        if (walk.levels[i] < max_level) {
            list_children(walk.nodes[i], walk.levels[i] + 1);
        }
    }
}

}  // namespace pg_tree::core
