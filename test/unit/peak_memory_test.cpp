// A million nodes with two payload words each, all the way through: the peak of everything that core holds.
#include <gtest/gtest.h>

#include "core/measures.h"
#include "forest_recipe.h"
#include "memory_resources.h"
#include "test_interrupts.h"

namespace pg_tree::test {
namespace {

constexpr std::size_t million = 1'000'000;
constexpr std::size_t most_bytes_a_node = 150;

/// Bytes a node at the peak of reading, ordering and walking; strings are not among the payload.
double peak_bytes_a_node(Shape shape, KeyPattern keys, bool reserved) {
    CountingResource memory;
    NoInterrupts interrupts;
    {
        core::NodeTable table(&memory);
        if (reserved) {
            table.rows.reserve(million);
            table.prefixes.reserve(million);
        }
        Dice dice(50);
        fill_table(table, shape, keys, million, 2, dice);
        core::Forest forest(table, &memory, interrupts);
        EXPECT_EQ(forest.link(core::Start::everywhere()).second, core::no_node);
        forest.sort_children(true, core::unlimited);
        core::Walk walk(&memory);
        forest.walk_depth_first(core::unlimited, walk);
        EXPECT_EQ(walk.nodes.size(), million);
        core::Measures measures(&memory);
        core::measure(forest, walk, measures);
    }
    EXPECT_EQ(memory.blocks(), 0U);
    const double bytes = static_cast<double>(memory.peak_bytes()) / million;
    testing::Test::RecordProperty(reserved ? "bytes_a_node_reserved" : "bytes_a_node", std::to_string(bytes));
    return bytes;
}

TEST(PeakMemory, OfARandomTree) {
    EXPECT_LT(peak_bytes_a_node(Shape::random_recursive, KeyPattern::dense, false), most_bytes_a_node);
}

TEST(PeakMemory, OfARandomTreeWhoseSizeWasKnown) {
    EXPECT_LT(peak_bytes_a_node(Shape::random_recursive, KeyPattern::dense, true), most_bytes_a_node);
}

TEST(PeakMemory, OfOtherShapesAndKeys) {
    EXPECT_LT(peak_bytes_a_node(Shape::wide, KeyPattern::dense, false), most_bytes_a_node);
    EXPECT_LT(peak_bytes_a_node(Shape::chain, KeyPattern::dense, false), most_bytes_a_node);
    EXPECT_LT(peak_bytes_a_node(Shape::random_recursive, KeyPattern::sparse, false), most_bytes_a_node);
}

}  // namespace
}  // namespace pg_tree::test
