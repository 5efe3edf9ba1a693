#include "core/measures.h"

#include <gtest/gtest.h>

#include "agreement.h"

namespace pg_tree::test {
namespace {

class MeasuresTest : public testing::Test {
protected:
    void row(std::optional<Key> key, std::optional<Key> parent) { model.rows.push_back({key, parent, 0, false}); }

    void measure(core::Start start) {
        EXPECT_EQ(difference(model, {start, core::unlimited, true}), "");
        core::NodeTable table(core::pmr::new_delete_resource());
        fill(table, model);
        NoInterrupts interrupts;
        core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
        forest.link(start);
        core::Walk walk(core::pmr::new_delete_resource());
        forest.walk_depth_first(core::unlimited, walk);
        core::Measures measures(core::pmr::new_delete_resource());
        core::measure(forest, walk, measures);
        descendants.assign(measures.descendants.begin(), measures.descendants.end());
        on_cycle.assign(measures.on_cycle.begin(), measures.on_cycle.end());
    }

    Model model;
    std::vector<std::uint32_t> descendants;  ///< by node; the last one is the start without a row
    std::vector<bool> on_cycle;
};

using Counts = std::vector<std::uint32_t>;

TEST_F(MeasuresTest, NothingAtAll) {
    measure(core::Start::everywhere());
    EXPECT_EQ(descendants, (Counts{0}));
    EXPECT_TRUE(on_cycle.empty());
}

TEST_F(MeasuresTest, ATreeAndWhatIsOutsideIt) {
    row(1, std::nullopt);
    row(2, 1);
    row(3, 2);
    row(4, 1);
    row(5, std::nullopt);
    row(6, 5);
    measure(core::Start::below(1));
    EXPECT_EQ(descendants, (Counts{3, 1, 0, 0, 0, 0, 0})) << "nodes that the walk did not meet have none";
    measure(core::Start::everywhere());
    EXPECT_EQ(descendants, (Counts{3, 1, 0, 0, 1, 0, 6}));
    EXPECT_TRUE(on_cycle.empty());
}

TEST_F(MeasuresTest, AStartWithoutARow) {
    row(1, 0);
    row(2, 1);
    row(3, 0);
    measure(core::Start::below(0));
    EXPECT_EQ(descendants, (Counts{1, 0, 0, 3}));
}

TEST_F(MeasuresTest, OnACycleEverybodyIsBelowEverybody) {
    row(1, 3);
    row(2, 1);
    row(3, 2);
    row(4, 2);
    row(5, 4);
    row(6, std::nullopt);
    for (const Key start : {1, 2, 3}) {
        measure(core::Start::below(start));
        EXPECT_EQ(descendants, (Counts{4, 4, 4, 1, 0, 0, 0})) << start;
        EXPECT_EQ(on_cycle, (std::vector<bool>{true, true, true, false, false, false, false})) << start;
    }
    measure(core::Start::below(4));
    EXPECT_TRUE(on_cycle.empty()) << "the start hangs from the cycle, but what is below it does not lie on it";
}

TEST_F(MeasuresTest, ARowThatIsItsOwnParentIsOnNoCycle) {
    row(1, 1);
    row(2, 1);
    measure(core::Start::below(1));
    EXPECT_EQ(descendants, (Counts{1, 0, 0}));
    EXPECT_TRUE(on_cycle.empty());
}

}  // namespace
}  // namespace pg_tree::test
