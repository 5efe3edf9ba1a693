// A long read must be stoppable at any time: how often core asks, and that it lets go of everything when it is told to.
#include <gtest/gtest.h>

#include "effort.h"
#include "memory_resources.h"
#include "pipeline.h"

namespace pg_tree::test {
namespace {

constexpr std::size_t million = 1'000'000;
/// The most steps between two polls.
constexpr std::size_t longest_silence = 10'000;

TEST(Interrupts, AreAskedForOnceInSoManySteps) {
    CountPolls interrupts;
    core::Poller poller(interrupts);
    std::size_t since = 0;
    std::size_t longest = 0;
    interrupts.watch = [&] {
        longest = std::max(longest, since);
        since = 0;
    };
    for (std::size_t i = 0; i < million; ++i) {
        ++since;
        poller.step();
    }
    EXPECT_LE(std::max(longest, since), longest_silence);
    EXPECT_LT(interrupts.polls, million / 1'000) << "and not so often that it costs anything";
}

TEST(Interrupts, ACancelAtEveryPollPassesThroughAndLeaksNothing) {
    for (const Shape shape : {Shape::random_recursive, Shape::wide, Shape::chain}) {
        SCOPED_TRACE(name_of(shape));
        Recipe recipe;
        recipe.shape = shape;
        recipe.keys = KeyPattern::sparse;
        recipe.nodes = shape == Shape::chain ? effort(8'000, 4'000) : effort(20'000, 10'000);
        Dice dice(40);
        const Model model = make_model(recipe, dice);
        const core::Start start = core::Start::everywhere();
        NoInterrupts none;
        const PipelineAnswer expected = run_pipeline(model, start, core::pmr::new_delete_resource(), none);
        std::size_t poll = 1;
        for (bool cancelled = true; cancelled; ++poll) {
            CountingResource memory;
            CancelAt interrupts(poll);
            cancelled = false;
            try {
                ASSERT_EQ(run_pipeline(model, start, &memory, interrupts), expected);
            } catch (const Cancelled& cancel) {
                cancelled = true;
                ASSERT_EQ(cancel.at_poll, poll);
            }
            ASSERT_EQ(memory.blocks(), 0U) << "left when cancelled at poll " << poll;
            ASSERT_EQ(memory.mismatches(), 0U);
        }
        EXPECT_GT(poll, 5U);
    }
}

class LongLoops : public testing::TestWithParam<std::tuple<Shape, KeyPattern>> {
protected:
    LongLoops() {
        Dice dice(41);
        fill_table(table, std::get<0>(GetParam()), std::get<1>(GetParam()), million, 0, dice);
    }

    /// Runs `work` and counts its polls.
    template <class Work>
    std::size_t polls_of(Work&& work) {
        const std::size_t before = interrupts.polls;
        work();
        interrupts.watch = nullptr;
        return interrupts.polls - before;
    }

    /// Watches a counter of work done: the most it advances between two polls, and the polls after it is all done.
    struct Progress {
        std::size_t seen = 0;
        std::size_t longest = 0;
        std::size_t polls_when_done = 0;
        void note(std::size_t done, std::size_t all) {
            longest = std::max(longest, done - seen);
            seen = done;
            polls_when_done += done == all ? 1 : 0;
        }
    };

    CountPolls interrupts;
    core::NodeTable table{core::pmr::new_delete_resource()};
    core::Forest forest{table, core::pmr::new_delete_resource(), interrupts};
    core::Walk walk{core::pmr::new_delete_resource()};
};

TEST_P(LongLoops, BuildingTheIndex) {
    core::KeyIndex index(core::pmr::new_delete_resource());
    core::Poller poller(interrupts);
    EXPECT_GE(polls_of([&] { index.build(table.rows, poller); }), million / longest_silence);
}

TEST_P(LongLoops, Linking) {
    // Parents are found row by row: how far that has come shows in the rows.
    constexpr Node untouched = core::no_node - 1;
    for (core::Row& row : table.rows) {
        row.parent_node = untouched;
    }
    std::size_t linked = 0;
    Progress progress;
    interrupts.watch = [&] {
        while (linked < million && table.rows[linked].parent_node != untouched) {
            ++linked;
        }
        progress.note(linked, million);
    };
    const std::size_t polls = polls_of([&] { forest.link(core::Start::everywhere()); });
    EXPECT_LE(progress.longest, longest_silence) << "while parents are looked up";
    EXPECT_GE(progress.polls_when_done, million / longest_silence) << "while children are grouped";
    EXPECT_GE(polls, 3 * million / longest_silence);
}

TEST_P(LongLoops, Sorting) {
    forest.link(core::Start::everywhere());
    std::size_t parents = 0;
    std::size_t comparisons = 0;  // that no sort can do without
    for (Node parent = 0; parent < million; ++parent) {
        const std::size_t children = forest.children_of(parent).size();
        parents += children > 0 ? 1 : 0;
        comparisons += children > 1000 ? children * 9 : 0;  // log2(n!) > 9 n
    }
    EXPECT_GE(polls_of([&] { forest.sort_children(true, core::unlimited); }),
              std::max(parents, comparisons) / longest_silence);
}

TEST_P(LongLoops, WalkingDepthFirst) {
    forest.link(core::Start::everywhere());
    Progress progress;
    interrupts.watch = [&] { progress.note(walk.nodes.size(), million); };
    EXPECT_GE(polls_of([&] { forest.walk_depth_first(core::unlimited, walk); }), million / longest_silence);
    EXPECT_LE(progress.longest, longest_silence);
}

TEST_P(LongLoops, WalkingBreadthFirst) {
    forest.link(core::Start::everywhere());
    Progress progress;
    interrupts.watch = [&] { progress.note(walk.nodes.size(), million); };
    EXPECT_GE(polls_of([&] { forest.walk_breadth_first(core::unlimited, walk); }), million / longest_silence);
    EXPECT_LE(progress.longest, longest_silence);
    if (std::get<0>(GetParam()) == Shape::wide) {
        // All are listed after the first generation; looking for the children of a million leaves comes after that.
        EXPECT_GE(progress.polls_when_done, million / longest_silence - 1) << "in the last generation";
    }
}

TEST_P(LongLoops, Measuring) {
    forest.link(core::Start::everywhere());
    forest.walk_depth_first(core::unlimited, walk);
    core::Measures measures(core::pmr::new_delete_resource());
    EXPECT_GE(polls_of([&] { core::measure(forest, walk, measures); }), million / longest_silence);
}

INSTANTIATE_TEST_SUITE_P(Every, LongLoops,
                         testing::Values(std::tuple(Shape::random_recursive, KeyPattern::dense),
                                         std::tuple(Shape::random_recursive, KeyPattern::sparse),
                                         std::tuple(Shape::wide, KeyPattern::dense),
                                         std::tuple(Shape::chain, KeyPattern::dense)),
                         [](const auto& instance) {
                             return std::string(name_of(std::get<0>(instance.param))) +
                                    name_of(std::get<1>(instance.param));
                         });

}  // namespace
}  // namespace pg_tree::test
