// Small forests written out, each with the answer that its definition demands, so that the oracle itself is held to
// account.
#include <gtest/gtest.h>

#include "agreement.h"

namespace pg_tree::test {
namespace {

constexpr Key lowest = std::numeric_limits<Key>::min();
constexpr Key highest = std::numeric_limits<Key>::max();

using Keys = std::vector<std::optional<Key>>;

class ForestCase : public testing::Test {
protected:
    /// Sorted by key unless told otherwise.
    void row(std::optional<Key> key, std::optional<Key> parent, bool rejected = false) {
        model.rows.push_back({key, parent, 0, rejected});
    }

    /// The keys in pre-order, or of the breadth-first walk.
    Keys walk(core::Start start, std::int32_t max_level = core::unlimited, bool breadth_first = false) {
        EXPECT_EQ(difference(model, {start, max_level, true}), "");
        core::NodeTable table(core::pmr::new_delete_resource());
        fill(table, model);
        NoInterrupts interrupts;
        core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
        EXPECT_EQ(forest.link(start).second, core::no_node);
        forest.sort_children(true, max_level);
        core::Walk walk(core::pmr::new_delete_resource());
        if (breadth_first) {
            forest.walk_breadth_first(max_level, walk);
        } else {
            forest.walk_depth_first(max_level, walk);
        }
        Keys keys;
        levels.clear();
        for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
            keys.push_back(model.rows[walk.nodes[i]].key);
            levels.push_back(walk.levels[i]);
        }
        return keys;
    }

    Keys below(Key key, std::int32_t max_level = core::unlimited) { return walk(core::Start::below(key), max_level); }
    Keys everywhere() { return walk(core::Start::everywhere()); }

    Model model;
    std::vector<std::int32_t> levels;
};

TEST_F(ForestCase, NoRows) {
    EXPECT_EQ(everywhere(), Keys{});
    EXPECT_EQ(below(0), Keys{});
}

TEST_F(ForestCase, ATree) {
    row(1, std::nullopt);
    row(2, 1);
    row(3, 1);
    row(4, 2);
    row(5, 2);
    row(6, 3);
    EXPECT_EQ(everywhere(), (Keys{1, 2, 4, 5, 3, 6}));
    EXPECT_EQ(levels, (std::vector<std::int32_t>{0, 1, 2, 2, 1, 2}));
    EXPECT_EQ(below(1), (Keys{2, 4, 5, 3, 6}));
    EXPECT_EQ(levels, (std::vector<std::int32_t>{0, 1, 1, 0, 1}));
    EXPECT_EQ(walk(core::Start::below(1), core::unlimited, true), (Keys{2, 3, 4, 5, 6}));
    EXPECT_EQ(levels, (std::vector<std::int32_t>{0, 0, 1, 1, 1}));
    EXPECT_EQ(below(1, 0), (Keys{2, 3}));
    EXPECT_EQ(below(1, -1), Keys{});
    EXPECT_EQ(below(2), (Keys{4, 5}));
    EXPECT_EQ(below(6), Keys{});
    EXPECT_EQ(below(7), Keys{});
}

TEST_F(ForestCase, RootsAreNullSelfAndOrphan) {
    row(1, std::nullopt);
    row(2, 2);
    row(3, 99);
    row(4, 2);
    row(5, 3);
    EXPECT_EQ(everywhere(), (Keys{1, 2, 4, 3, 5}));
    EXPECT_EQ(below(2), (Keys{4}));
    EXPECT_EQ(below(99), (Keys{3, 5}));
}

TEST_F(ForestCase, SentinelParentsHaveNoRow) {
    row(1, -1);
    row(2, 0);
    row(3, 1);
    row(4, 2);
    row(5, std::nullopt);
    EXPECT_EQ(below(-1), (Keys{1, 3}));
    EXPECT_EQ(below(0), (Keys{2, 4})) << "a null parent is not the parent 0";
    EXPECT_EQ(everywhere(), (Keys{1, 3, 2, 4, 5}));
}

TEST_F(ForestCase, RowsWithoutAKeyAreLeaves) {
    row(std::nullopt, 1);
    row(1, std::nullopt);
    row(std::nullopt, 0);
    row(std::nullopt, std::nullopt);
    row(2, 1);
    EXPECT_EQ(below(1), (Keys{2, std::nullopt}));
    EXPECT_EQ(below(0), (Keys{std::nullopt}));
    EXPECT_EQ(everywhere(), (Keys{1, 2, std::nullopt, std::nullopt, std::nullopt}));
}

TEST_F(ForestCase, RejectedRowsTakeTheirBranchesWithThem) {
    row(1, std::nullopt);
    row(2, 1, true);
    row(3, 2);
    row(4, 1);
    row(5, std::nullopt, true);
    row(6, 5);
    row(7, 7, true);
    row(8, 98, true);
    EXPECT_EQ(everywhere(), (Keys{1, 4})) << "the child of a rejected row is no orphan";
    EXPECT_EQ(below(1), (Keys{4}));
    EXPECT_EQ(below(2), (Keys{3})) << "asked for by name, as the recursive query would have it";
    EXPECT_EQ(below(98), Keys{});
}

TEST_F(ForestCase, ACycleThroughTheStartComesBackToNobody) {
    row(1, 3);
    row(2, 1);
    row(3, 2);
    row(4, 2);
    EXPECT_EQ(below(1), (Keys{2, 3, 4}));
    EXPECT_EQ(below(2), (Keys{3, 1, 4}));
    EXPECT_EQ(below(4), Keys{});
    EXPECT_EQ(everywhere(), Keys{}) << "nobody on a cycle is a root";
}

TEST_F(ForestCase, ACycleOfTwo) {
    row(1, 2);
    row(2, 1);
    row(3, std::nullopt);
    EXPECT_EQ(below(1), (Keys{2}));
    EXPECT_EQ(below(2), (Keys{1}));
    EXPECT_EQ(everywhere(), (Keys{3}));
}

TEST_F(ForestCase, ACycleOfOneIsARoot) {
    row(1, 1);
    row(2, 1);
    EXPECT_EQ(below(1), (Keys{2}));
    EXPECT_EQ(everywhere(), (Keys{1, 2}));
}

TEST_F(ForestCase, KeysAtTheEndsOfTheRange) {
    row(lowest, highest);
    row(highest, std::nullopt);
    row(0, lowest);
    row(-1, 0);
    EXPECT_EQ(below(highest), (Keys{lowest, 0, -1}));
    EXPECT_EQ(below(lowest), (Keys{0, -1}));
    EXPECT_EQ(everywhere(), (Keys{highest, lowest, 0, -1}));
}

}  // namespace
}  // namespace pg_tree::test
