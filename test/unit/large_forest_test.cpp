// Depth and width at which recursion on data, or anything quadratic, would show.
#include <gtest/gtest.h>

#include "agreement.h"
#include "forest_recipe.h"
#include "memory_resources.h"

namespace pg_tree::test {
namespace {

constexpr std::uint32_t million = 1'000'000;

class LargeForest : public testing::Test {
protected:
    void fill(Shape shape, KeyPattern keys) {
        Dice dice(20);
        fill_table(table, shape, keys, million, 0, dice);
    }

    CountingResource memory;
    NoInterrupts interrupts;
    core::NodeTable table{&memory};
    core::Forest forest{table, &memory, interrupts};
    core::Walk walk{&memory};
};

TEST_F(LargeForest, AChainOfAMillionNodes) {
    fill(Shape::chain, KeyPattern::sparse);
    ASSERT_EQ(forest.link(core::Start::everywhere()).second, core::no_node);
    EXPECT_TRUE(forest.sort_children(false, core::unlimited).empty());
    forest.walk_depth_first(core::unlimited, walk);
    ASSERT_EQ(walk.nodes.size(), million);
    core::Measures measures(&memory);
    core::measure(forest, walk, measures);
    for (Node node = 0; node < million; ++node) {
        ASSERT_EQ(walk.nodes[node], node);
        ASSERT_EQ(walk.levels[node], static_cast<std::int32_t>(node));
        ASSERT_EQ(measures.descendants[node], million - node - 1);
    }
    EXPECT_FALSE(measures.cyclic());

    core::Walk breadth_first(&memory);
    forest.walk_breadth_first(core::unlimited, breadth_first);
    EXPECT_TRUE(breadth_first.nodes == walk.nodes && breadth_first.levels == walk.levels);

    core::Walk limited(&memory);
    forest.walk_depth_first(123'456, limited);
    EXPECT_EQ(limited.nodes.size(), 123'457U);
}

TEST_F(LargeForest, AMillionNodesOnOneCycle) {
    fill(Shape::chain, KeyPattern::dense);
    table.rows[0].parent = table.rows[million - 1].key;
    table.rows[0].flags |= core::flag::has_parent;
    ASSERT_EQ(forest.link(core::Start::below(table.rows[700'000].key)).second, core::no_node);
    forest.sort_children(true, core::unlimited);
    forest.walk_depth_first(core::unlimited, walk);
    ASSERT_EQ(walk.nodes.size(), million - 1);
    for (Node i = 0; i < million - 1; ++i) {
        ASSERT_EQ(walk.nodes[i], (700'001 + i) % million);
    }
    core::Measures measures(&memory);
    core::measure(forest, walk, measures);
    ASSERT_TRUE(measures.cyclic());
    for (Node node = 0; node < million; ++node) {
        ASSERT_TRUE(measures.on_cycle[node]);
        ASSERT_EQ(measures.descendants[node], million - 1);
    }
}

TEST_F(LargeForest, AMillionSiblings) {
    fill(Shape::wide, KeyPattern::extreme);
    ASSERT_EQ(forest.link(core::Start::below(table.rows[0].key)).second, core::no_node);
    forest.sort_children(true, core::unlimited);
    forest.walk_depth_first(core::unlimited, walk);
    ASSERT_EQ(walk.nodes.size(), million - 1);
    for (std::size_t i = 1; i < walk.nodes.size(); ++i) {
        ASSERT_LE(table.prefixes[walk.nodes[i - 1]], table.prefixes[walk.nodes[i]]);
    }
    core::Walk breadth_first(&memory);
    forest.walk_breadth_first(core::unlimited, breadth_first);
    EXPECT_TRUE(breadth_first.nodes == walk.nodes && breadth_first.levels == walk.levels);
}

TEST_F(LargeForest, AMillionSiblingsThatNothingTellsApart) {
    fill(Shape::wide, KeyPattern::dense);
    std::fill(table.prefixes.begin(), table.prefixes.end(), 7U);
    ASSERT_EQ(forest.link(core::Start::below(table.rows[0].key)).second, core::no_node);
    const core::Vector<core::OpenRun>& runs = forest.sort_children(false, core::unlimited);
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].end - runs[0].begin, million - 1);
}

TEST_F(LargeForest, AMillionRandomNodesAreEachReachedOnceAndBelowTheirParent) {
    fill(Shape::random_recursive, KeyPattern::sparse);
    ASSERT_EQ(forest.link(core::Start::everywhere()).second, core::no_node);
    forest.sort_children(true, core::unlimited);
    forest.walk_depth_first(core::unlimited, walk);
    ASSERT_EQ(walk.nodes.size(), million);
    core::Measures measures(&memory);
    core::measure(forest, walk, measures);
    // In pre-order a subtree is a stretch: the node, then its descendants, each deeper than it.
    std::vector<std::uint32_t> rank(million, core::no_node);
    for (std::uint32_t i = 0; i < million; ++i) {
        ASSERT_EQ(rank[walk.nodes[i]], core::no_node);
        rank[walk.nodes[i]] = i;
    }
    for (std::uint32_t i = 1; i < million; ++i) {
        const Node node = walk.nodes[i];
        const Node parent = table.rows[node].parent_node;
        ASSERT_EQ(table.rows[parent].key, table.rows[node].parent);
        ASSERT_LT(rank[parent], i);
        ASSERT_LE(i + measures.descendants[node], rank[parent] + measures.descendants[parent]);
        ASSERT_EQ(walk.levels[i], walk.levels[rank[parent]] + 1);
    }
}

// Ten thousand nodes on a cycle, of which every tenth has two leaves; walked from within, from a leaf and from outside.
class LargeCycle : public testing::Test {
protected:
    static constexpr Key length = 10'000;

    LargeCycle() {
        Recipe recipe;
        recipe.nodes = static_cast<std::size_t>(length);
        recipe.cycle_length = recipe.nodes;
        Dice dice(21);
        model = make_model(recipe, dice);
        for (Key i = 0; i < length; i += 10) {
            const auto on_cycle = *model.rows[static_cast<std::size_t>(i)].key;
            model.rows.push_back({1'000'000 + 2 * i, on_cycle, i, false});
            model.rows.push_back({1'000'001 + 2 * i, on_cycle, i, false});
        }
        model.rows.push_back({-1, std::nullopt, 0, false});
        model.rows.push_back({-2, -1, 0, false});
    }
    Model model;
};

TEST_F(LargeCycle, WithTheStartOnIt) {
    const core::Start start = core::Start::below(*model.rows[5'000].key);
    EXPECT_EQ(difference(model, {start, core::unlimited, true}, false), "");

    core::NodeTable table(core::pmr::new_delete_resource());
    fill(table, model);
    NoInterrupts interrupts;
    core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
    forest.link(start);
    forest.sort_children(true, core::unlimited);
    core::Walk walk(core::pmr::new_delete_resource());
    forest.walk_depth_first(core::unlimited, walk);
    core::Measures measures(core::pmr::new_delete_resource());
    core::measure(forest, walk, measures);
    ASSERT_EQ(walk.nodes.size(), 12'000U - 1);
    ASSERT_TRUE(measures.cyclic());
    for (Node node = 0; node < model.rows.size(); ++node) {
        ASSERT_EQ(measures.on_cycle[node], node < length) << node;
        ASSERT_EQ(measures.descendants[node], node < length ? 12'000U - 1 : 0U) << node;
    }
}

TEST_F(LargeCycle, WithTheStartOutsideIt) {
    for (const core::Start start : {core::Start::everywhere(), core::Start::below(-1), core::Start::below(1'000'000)}) {
        EXPECT_EQ(difference(model, {start, core::unlimited, true}, false), "");
    }
}

}  // namespace
}  // namespace pg_tree::test
