// Memory that runs out at every single allocation in turn.
#include <gtest/gtest.h>

#include <typeinfo>

#include "effort.h"
#include "memory_resources.h"
#include "pipeline.h"

namespace pg_tree::test {
namespace {

class AllocationFailure : public testing::TestWithParam<std::tuple<Shape, KeyPattern, std::size_t>> {};

TEST_P(AllocationFailure, AtEveryAllocationIsBadAllocLeaksNothingAndTheNextTimeIsRight) {
    Recipe recipe;
    std::tie(recipe.shape, recipe.keys, recipe.cycle_length) = GetParam();
    recipe.nodes = effort(1'500, 500);
    recipe.sort_values = 20;
    Dice dice(30);
    Model model = make_model(recipe, dice);
    model.bits_beyond_prefix = 2;
    // In a cyclic forest from a node on the cycle, so that it is walked and measured.
    const auto on_cycle = std::find_if(model.rows.begin(), model.rows.end(), [&](const ModelRow& row) {
        return row.key && Oracle(model, core::Start::below(*row.key))
                              .below(static_cast<Node>(&row - model.rows.data()))
                              .contains(static_cast<Node>(&row - model.rows.data()));
    });
    const core::Start start = recipe.cycle_length > 0 ? core::Start::below(*on_cycle->key) : core::Start::everywhere();

    NoInterrupts interrupts;
    ASSERT_EQ(difference(model, {start, core::unlimited, false}, false), "");
    const PipelineAnswer expected = run_pipeline(model, start, core::pmr::new_delete_resource(), interrupts);
    ASSERT_EQ(expected.depth_first, Oracle(model, start).depth_first(core::unlimited));

    std::size_t failures = 0;
    for (bool failed = true; failed;) {
        CountingResource memory;
        memory.fail_at(failures + 1);
        failed = false;
        try {
            ASSERT_EQ(run_pipeline(model, start, &memory, interrupts), expected);
        } catch (const std::exception& error) {
            failed = true;
            ASSERT_TRUE(typeid(error) == typeid(std::bad_alloc)) << typeid(error).name();
            ++failures;
        }
        ASSERT_EQ(memory.has_failed(), failed) << "the failure of allocation " << failures + 1 << " was swallowed";
        ASSERT_EQ(memory.blocks(), 0U) << "left by allocation " << failures;
        ASSERT_EQ(memory.mismatches(), 0U);
        if (failed) {
            ASSERT_EQ(run_pipeline(model, start, &memory, interrupts), expected) << "after allocation " << failures;
            ASSERT_EQ(memory.blocks(), 0U);
        }
    }
    // Nine growing vectors, two hash tables and two arenas cannot do with less.
    EXPECT_GT(failures, 60U);
}

INSTANTIATE_TEST_SUITE_P(Every, AllocationFailure,
                         testing::Values(std::tuple(Shape::random_recursive, KeyPattern::dense, 0U),
                                         std::tuple(Shape::random_recursive, KeyPattern::sparse, 40U),
                                         std::tuple(Shape::wide, KeyPattern::dense, 0U),
                                         std::tuple(Shape::chain, KeyPattern::sparse, 0U)));

}  // namespace
}  // namespace pg_tree::test
