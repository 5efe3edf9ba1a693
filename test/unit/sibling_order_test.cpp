// Sibling order, case by case: by prefix, nulls where they belong, ties by key, and what is left open.
#include <gtest/gtest.h>

#include "agreement.h"

namespace pg_tree::test {
namespace {

constexpr std::uint64_t highest_prefix = UINT64_MAX;

/// Children of the key 0, which has no row: node i is the i-th child.
class SiblingOrderTest : public testing::Test {
protected:
    void child(std::optional<Key> key, std::optional<std::uint64_t> sort_key) {
        model.rows.push_back({key, 0, sort_key, false});
    }

    void sort(bool prefix_decides) {
        EXPECT_EQ(difference(model, {core::Start::below(0), core::unlimited, prefix_decides}), "");
        core::NodeTable table(core::pmr::new_delete_resource());
        fill(table, model);
        NoInterrupts interrupts;
        core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
        forest.link(core::Start::below(0));
        runs.clear();
        for (const core::OpenRun& run : forest.sort_children(prefix_decides, core::unlimited)) {
            runs.emplace_back(run.begin, run.end);
        }
        std::sort(runs.begin(), runs.end());
        order = to_vector(forest.children());
    }

    Model model;
    std::vector<Node> order;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
};

using Order = std::vector<Node>;
using Runs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

TEST_F(SiblingOrderTest, PrefixesAreUnsigned) {
    child(1, highest_prefix);
    child(2, std::uint64_t{1} << 63);
    child(3, 0);
    child(4, (std::uint64_t{1} << 63) - 1);
    sort(true);
    EXPECT_EQ(order, (Order{2, 3, 1, 0}));
    sort(false);
    EXPECT_EQ(order, (Order{2, 3, 1, 0}));
    EXPECT_EQ(runs, Runs{});
}

TEST_F(SiblingOrderTest, NullsLast) {
    child(1, std::nullopt);
    child(2, highest_prefix);
    child(3, std::nullopt);
    child(4, 0);
    sort(true);
    EXPECT_EQ(order, (Order{3, 1, 0, 2}));
    sort(false);
    EXPECT_EQ(runs, (Runs{{2, 4}}));
}

TEST_F(SiblingOrderTest, NullsFirst) {
    model.nulls_first = true;
    child(1, 0);
    child(9, std::nullopt);
    child(2, highest_prefix);
    child(3, std::nullopt);
    sort(true);
    EXPECT_EQ(order, (Order{3, 1, 0, 2}));
    sort(false);
    EXPECT_EQ(runs, (Runs{{0, 2}}));
}

TEST_F(SiblingOrderTest, TiesGoByKeyAndNullKeysComeLastAsTheyArrived) {
    child(std::nullopt, 7);
    child(5, 7);
    child(std::numeric_limits<Key>::max(), 7);
    child(std::nullopt, 7);
    child(std::numeric_limits<Key>::min(), 7);
    child(-3, 7);
    sort(true);
    EXPECT_EQ(order, (Order{4, 5, 1, 2, 0, 3}));
    EXPECT_EQ(runs, Runs{});
}

TEST_F(SiblingOrderTest, OpenRunsAreTheGroupsOfEqualPrefix) {
    for (const std::uint64_t prefix : {5, 1, 3, 1, 5, 2, 5}) {
        child(static_cast<Key>(model.rows.size()) + 10, prefix);
    }
    sort(false);
    EXPECT_EQ(runs, (Runs{{0, 2}, {4, 7}}));
}

TEST_F(SiblingOrderTest, AnOnlyChildLeavesNothingOpen) {
    child(1, 7);
    sort(false);
    EXPECT_EQ(runs, Runs{});
}

TEST_F(SiblingOrderTest, RunsEndWithTheirGroupOfSiblings) {
    child(1, 7);
    child(2, 7);
    model.rows.push_back({11, 1, 7, false});
    model.rows.push_back({12, 1, 7, false});
    model.rows.push_back({21, 2, 7, false});
    model.rows.push_back({22, 2, 7, false});
    sort(false);
    ASSERT_EQ(runs.size(), 3U);
    for (const auto& [begin, end] : runs) {
        EXPECT_EQ(end - begin, 2U);
    }
}

TEST_F(SiblingOrderTest, SortingAgainIsTheSameAndForgetsEarlierRuns) {
    for (Key key = 0; key < 50; ++key) {
        child(key + 1, static_cast<std::uint64_t>(key * 7 % 10));
    }
    core::NodeTable table(core::pmr::new_delete_resource());
    fill(table, model);
    NoInterrupts interrupts;
    core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
    forest.link(core::Start::below(0));
    EXPECT_EQ(forest.sort_children(false, core::unlimited).size(), 10U);
    const Order first = to_vector(forest.children());
    EXPECT_EQ(forest.sort_children(false, core::unlimited).size(), 10U);
    EXPECT_EQ(to_vector(forest.children()), first);
    EXPECT_EQ(forest.sort_children(false, -1).size(), 0U);
    EXPECT_EQ(forest.sort_children(true, core::unlimited).size(), 0U);
}

}  // namespace
}  // namespace pg_tree::test
