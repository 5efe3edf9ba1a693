// What a forest's answers must be, worked out the slow way from the definitions: maps from key to rows, sets of what
// was met, none of core's code and no thought for speed. Unit tests and fuzzers compare core with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "core/forest.h"
#include "core/node_table.h"

namespace pg_tree::test {

using core::Key;
using core::Node;

/// A row as the user sees it.
struct ModelRow {
    std::optional<Key> key;
    std::optional<Key> parent;
    std::optional<std::uint64_t> sort_key = 0;
    bool rejected = false;  ///< by the tree's filter

    bool is_its_own_parent() const { return key && parent && *key == *parent; }
};

struct Model {
    std::vector<ModelRow> rows;
    bool nulls_first = false;
    /// So many low bits of the sort key are left out of the prefix, as with text that is longer than the prefix.
    unsigned bits_beyond_prefix = 0;

    std::optional<std::uint64_t> prefix(Node node) const {
        const auto& sort_key = rows[node].sort_key;
        return sort_key ? std::optional(*sort_key >> bits_beyond_prefix) : std::nullopt;
    }
};

struct Visit {
    Node node;
    std::int32_t level;
    bool operator==(const Visit&) const = default;
};

class Oracle {
public:
    Oracle(const Model& model, core::Start start) : model_(model), start_(start) {
        for (Node node = 0; node < model.rows.size(); ++node) {
            const ModelRow& row = model.rows[node];
            if (row.key) {
                const auto [place, is_new] = row_of_key_.emplace(*row.key, node);
                if (!is_new && model.rows[place->second].rejected) {
                    place->second = node;
                } else if (!is_new && !row.rejected && !duplicate_) {
                    duplicate_ = {place->second, node};
                }
            }
            if (row.parent && !row.rejected && !row.is_its_own_parent()) {
                children_of_key_[*row.parent].push_back(node);
            }
        }
        for (Node node = 0; node < model.rows.size(); ++node) {
            const ModelRow& row = model.rows[node];
            if (!row.rejected && (!row.parent || row.is_its_own_parent() || !row_of_key_.contains(*row.parent))) {
                roots_.push_back(node);
            }
        }
    }

    /// The first row inside the filter whose key an earlier one inside it has, and that earlier one.
    std::optional<std::pair<Node, Node>> duplicate() const { return duplicate_; }

    std::optional<Node> find(Key key) const {
        const auto found = row_of_key_.find(key);
        return found != row_of_key_.end() ? std::optional(found->second) : std::nullopt;
    }

    /// The row that the walk starts below; none when the start is a key without a row or all of the forest.
    std::optional<Node> start_row() const {
        return start_.kind == core::Start::Kind::key ? find(start_.key) : std::nullopt;
    }

    /// In order of arrival. The first generation of a start without a row is `first_generation`.
    std::vector<Node> children(Node parent) const {
        // Of rows with the same key only the one that the key stands for has children.
        const auto& key = model_.rows[parent].key;
        const auto found =
            key && row_of_key_.at(*key) == parent ? children_of_key_.find(*key) : children_of_key_.end();
        return found != children_of_key_.end() ? found->second : std::vector<Node>{};
    }

    std::vector<Node> first_generation() const {
        if (start_.kind == core::Start::Kind::roots) {
            return roots_;
        }
        const auto found = children_of_key_.find(start_.key);
        return found != children_of_key_.end() ? found->second : std::vector<Node>{};
    }

    /// The order among siblings: nulls where they belong, sort keys, then keys with null keys last, then arrival.
    bool comes_before(Node a, Node b) const {
        const auto rank = [&](Node node) {
            const ModelRow& row = model_.rows[node];
            const int null_rank = row.sort_key ? 1 : model_.nulls_first ? 0 : 2;
            return std::tuple(null_rank, row.sort_key.value_or(0), !row.key, row.key.value_or(0), node);
        };
        return rank(a) < rank(b);
    }

    std::vector<Node> in_order(std::vector<Node> siblings) const {
        std::sort(siblings.begin(), siblings.end(), [&](Node a, Node b) { return comes_before(a, b); });
        return siblings;
    }

    std::vector<Visit> depth_first(std::int32_t max_level) const {
        std::vector<Visit> visits;
        std::set<Node> met;
        if (const auto start = start_row()) {
            met.insert(*start);
        }
        std::vector<Visit> open;  // the next one to visit is the last
        const auto put_off = [&](const std::vector<Node>& siblings, std::int32_t level) {
            const std::vector<Node> ordered = in_order(siblings);
            for (auto node = ordered.rbegin(); node != ordered.rend() && level <= max_level; ++node) {
                open.push_back({*node, level});
            }
        };
        put_off(first_generation(), 0);
        while (!open.empty()) {
            const Visit next = open.back();
            open.pop_back();
            if (met.insert(next.node).second) {
                visits.push_back(next);
                put_off(children(next.node), next.level + 1);
            }
        }
        return visits;
    }

    /// Breadth-first order is pre-order with the levels put one after another.
    std::vector<Visit> breadth_first(std::int32_t max_level) const {
        std::vector<Visit> visits = depth_first(max_level);
        std::stable_sort(visits.begin(), visits.end(),
                         [](const Visit& a, const Visit& b) { return a.level < b.level; });
        return visits;
    }

    /// Everything below a node, the node itself too if it is on a cycle.
    std::set<Node> below(Node node) const {
        std::set<Node> met;
        std::vector<Node> open = {node};
        while (!open.empty()) {
            const Node parent = open.back();
            open.pop_back();
            for (const Node child : children(parent)) {
                if (met.insert(child).second) {
                    open.push_back(child);
                }
            }
        }
        return met;
    }

    /// Groups of two or more siblings that the prefixes leave unordered, among the children of whom a walk down to
    /// max_level goes through. Each group sorted by node, the groups sorted too.
    std::vector<std::vector<Node>> undecided_groups(std::int32_t max_level) const {
        std::vector<std::vector<Node>> groups;
        const auto add = [&](const std::vector<Node>& siblings) {
            std::map<std::optional<std::uint64_t>, std::vector<Node>> by_prefix;
            for (const Node node : siblings) {
                by_prefix[model_.prefix(node)].push_back(node);
            }
            for (auto& [prefix, group] : by_prefix) {
                if (group.size() > 1) {
                    groups.push_back(std::move(group));
                }
            }
        };
        if (max_level >= 0) {
            add(first_generation());
        }
        for (const Visit& reached : depth_first(max_level)) {
            if (reached.level < max_level) {
                add(children(reached.node));
            }
        }
        std::sort(groups.begin(), groups.end());
        return groups;
    }

private:
    const Model& model_;
    core::Start start_;
    std::map<Key, Node> row_of_key_;
    std::map<Key, std::vector<Node>> children_of_key_;
    std::vector<Node> roots_;
    std::optional<std::pair<Node, Node>> duplicate_;
};

}  // namespace pg_tree::test
