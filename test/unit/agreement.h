// Puts one question to core and to the oracle and says where they differ, in words; an empty string is agreement.
// Strings and not assertions, so that fuzzers, which have no test framework, ask the same way.
#pragma once

#include <sstream>
#include <string>

#include "core/forest.h"
#include "core/measures.h"
#include "oracle.h"
#include "test_interrupts.h"

namespace pg_tree::test {

struct Question {
    core::Start start = core::Start::everywhere();
    std::int32_t max_level = core::unlimited;
    /// Only to be asked of a model without bits beyond the prefix.
    bool prefix_decides = false;
};

inline core::Row to_row(const Model& model, Node node) {
    const ModelRow& row = model.rows[node];
    core::Row result = {};
    result.key = row.key.value_or(0);
    result.parent = row.parent.value_or(0);
    result.flags = (row.key ? core::flag::has_key : 0) | (row.parent ? core::flag::has_parent : 0) |
                   (row.rejected ? core::flag::rejected : 0) |
                   (row.sort_key        ? 0
                    : model.nulls_first ? core::flag::nulls_first
                                        : core::flag::nulls_last);
    result.parent_node = core::no_node;
    return result;
}

inline void fill(core::NodeTable& table, const Model& model) {
    for (Node node = 0; node < model.rows.size(); ++node) {
        table.rows.push_back(to_row(model, node));
        // What stands beside a null must not matter.
        table.prefixes.push_back(model.prefix(node).value_or(node * 0x9e3779b97f4a7c15ULL));
        table.null_sort_keys = table.null_sort_keys || !model.rows[node].sort_key;
    }
}

/// As the caller of core does it: with the whole comparison, in place.
inline void settle(core::Forest& forest, const core::Vector<core::OpenRun>& runs, const Oracle& oracle) {
    for (const core::OpenRun& run : runs) {
        const auto siblings = forest.children().subspan(run.begin, run.end - run.begin);
        std::sort(siblings.begin(), siblings.end(), [&](Node a, Node b) { return oracle.comes_before(a, b); });
    }
}

inline std::vector<Node> to_vector(std::span<const Node> nodes) { return {nodes.begin(), nodes.end()}; }

inline std::vector<Visit> to_visits(const core::Walk& walk) {
    std::vector<Visit> visits;
    for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
        visits.push_back({walk.nodes[i], walk.levels[i]});
    }
    return visits;
}

class Comparison {
public:
    Comparison(const Model& model, const Question& question)
        : model_(model), question_(question), oracle_(model, question.start) {}

    /// `with_measures` costs quadratic time.
    std::string run(core::pmr::memory_resource* memory, core::Interrupts& interrupts, bool with_measures) {
        core::NodeTable table(memory);
        fill(table, model_);
        core::Forest forest(table, memory, interrupts);
        const core::KeyIndex::Duplicate duplicate = forest.link(question_.start);
        const auto expected = oracle_.duplicate().value_or(std::pair(core::no_node, core::no_node));
        check("duplicate, first row", expected.first, duplicate.first);
        check("duplicate, second row", expected.second, duplicate.second);
        if (duplicate.second == core::no_node && difference_.empty()) {
            check_links(forest);
            check_order(forest);
            check_walks(forest, memory);
            if (with_measures) {
                check_measures(forest, memory);
            }
        }
        return difference_;
    }

private:
    static constexpr std::size_t most_printed = 16;

    static void print(std::ostream& out, std::uint32_t number) { out << number; }
    static void print(std::ostream& out, bool truth) { out << (truth ? "true" : "false"); }
    static void print(std::ostream& out, const Visit& visit) { out << visit.node << '@' << visit.level; }
    template <class T>
    static void print(std::ostream& out, const std::vector<T>& values) {
        out << '[';
        for (std::size_t i = 0; i < values.size() && i < most_printed; ++i) {
            out << (i > 0 ? " " : "");
            print(out, values[i]);
        }
        out << (values.size() > most_printed ? " ...]" : "]");
    }

    /// Remembers the first difference only: the others tend to follow from it.
    template <class T>
    void check(const char* what, const T& expected, const T& actual, std::optional<Node> at = std::nullopt) {
        if (difference_.empty() && !(expected == actual)) {
            std::ostringstream out;
            out << what;
            if (at) {
                out << " of node " << *at;
            }
            out << ": expected ";
            print(out, expected);
            out << ", got ";
            print(out, actual);
            difference_ = out.str();
        }
    }

    /// The start's place in core's arrays: its row's, or the one after all rows.
    Node start_node() const { return oracle_.start_row().value_or(static_cast<Node>(model_.rows.size())); }

    std::vector<Node> expected_children(Node parent) const {
        return parent == model_.rows.size() ? oracle_.first_generation() : oracle_.children(parent);
    }

    void check_links(const core::Forest& forest) {
        check("start node", start_node(), forest.start_node());
        check("start has a row", oracle_.start_row().has_value(), forest.start_has_row());
        std::vector<Node> parents(model_.rows.size(), core::no_node);
        for (Node parent = 0; parent <= model_.rows.size(); ++parent) {
            if (parent < model_.rows.size() || !forest.start_has_row()) {
                check("children after link()", expected_children(parent), to_vector(forest.children_of(parent)),
                      parent);
                for (const Node child : expected_children(parent)) {
                    parents[child] = parent;
                }
            }
        }
        for (Node node = 0; node < model_.rows.size(); ++node) {
            check("parent", parents[node], forest.table().rows[node].parent_node, node);
            for (const std::optional<Key>& key : {model_.rows[node].key, model_.rows[node].parent}) {
                if (key) {
                    for (const std::int64_t distance : {-1, 0, 1}) {
                        const Key near =
                            static_cast<Key>(static_cast<std::uint64_t>(*key) + static_cast<std::uint64_t>(distance));
                        check("find()", oracle_.find(near).value_or(core::no_node), forest.find(near), node);
                    }
                }
            }
        }
    }

    void check_order(core::Forest& forest) {
        const core::Vector<core::OpenRun>& runs = forest.sort_children(question_.prefix_decides, question_.max_level);
        std::vector<std::vector<Node>> groups;
        for (const core::OpenRun& run : runs) {
            groups.push_back(to_vector(forest.children().subspan(run.begin, run.end - run.begin)));
            std::sort(groups.back().begin(), groups.back().end());
        }
        std::sort(groups.begin(), groups.end());
        check(
            "open runs",
            question_.prefix_decides ? std::vector<std::vector<Node>>{} : oracle_.undecided_groups(question_.max_level),
            groups);
        settle(forest, runs, oracle_);

        std::set<Node> sorted;
        if (question_.max_level >= 0) {
            sorted.insert(start_node());
        }
        for (const Visit& reached : oracle_.depth_first(question_.max_level)) {
            if (reached.level < question_.max_level) {
                sorted.insert(reached.node);
            }
        }
        for (Node parent = 0; parent <= model_.rows.size(); ++parent) {
            if (parent < model_.rows.size() || !forest.start_has_row()) {
                std::vector<Node> expected = expected_children(parent);
                if (sorted.contains(parent)) {
                    expected = oracle_.in_order(expected);
                }
                check("children after sort_children()", expected, to_vector(forest.children_of(parent)), parent);
            }
        }
    }

    void check_walks(const core::Forest& forest, core::pmr::memory_resource* memory) {
        core::Walk depth_first(memory);
        forest.walk_depth_first(question_.max_level, depth_first);
        check("pre-order", oracle_.depth_first(question_.max_level), to_visits(depth_first));
        core::Walk breadth_first(memory);
        forest.walk_breadth_first(question_.max_level, breadth_first);
        check("breadth-first order", oracle_.breadth_first(question_.max_level), to_visits(breadth_first));
    }

    void check_measures(const core::Forest& forest, core::pmr::memory_resource* memory) {
        core::Walk whole(memory);
        forest.walk_depth_first(core::unlimited, whole);
        core::Measures measures(memory);
        core::measure(forest, whole, measures);

        const std::vector<Visit> reached = oracle_.depth_first(core::unlimited);
        std::set<Node> met;
        for (const Visit& visit : reached) {
            met.insert(visit.node);
        }
        if (const auto start = oracle_.start_row()) {
            met.insert(*start);
        }
        bool cyclic = false;
        for (Node node = 0; node < model_.rows.size(); ++node) {
            const std::set<Node> below = met.contains(node) ? oracle_.below(node) : std::set<Node>{};
            const bool on_cycle = below.contains(node);
            cyclic = cyclic || on_cycle;
            check("descendants", static_cast<std::uint32_t>(below.size() - (on_cycle ? 1 : 0)),
                  measures.descendants[node], node);
            check("on_cycle", on_cycle, measures.cyclic() && measures.on_cycle[node], node);
        }
        check("cyclic()", cyclic, measures.cyclic());
        check("descendants", static_cast<std::uint32_t>(reached.size()), measures.descendants[start_node()],
              start_node());
    }

    const Model& model_;
    const Question& question_;
    Oracle oracle_;
    std::string difference_;
};

inline std::string difference(const Model& model, const Question& question, bool with_measures = true) {
    NoInterrupts interrupts;
    return Comparison(model, question).run(core::pmr::new_delete_resource(), interrupts, with_measures);
}

}  // namespace pg_tree::test
