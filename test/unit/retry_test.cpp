// What failed for want of memory, or was interrupted, is tried again on the very same object.
#include <gtest/gtest.h>

#include <unistd.h>
#include <csignal>
#include <set>

#include "core/interner.h"
#include "core/key_set.h"
#include "memory_resources.h"
#include "pipeline.h"

namespace pg_tree::test {
namespace {

/// Runs `attempt` with its n-th allocation failing, n = 1, 2, ... until it needs fewer. How often it failed.
template <class Attempt>
int until_it_succeeds(CountingResource& memory, Attempt&& attempt) {
    for (int failures = 0;; ++failures) {
        memory.fail_at(static_cast<std::size_t>(failures) + 1);
        try {
            attempt();
            memory.fail_at(0);
            return failures;
        } catch (const std::bad_alloc&) {
            memory.fail_at(0);
        }
    }
}

TEST(Retry, ATableTakesTheRowThatItHadNoRoomFor) {
    CountingResource memory;
    core::NodeTable table(&memory);
    int failures = 0;
    for (Node node = 0; node < 5'000; ++node) {
        core::Row row = {};
        row.key = node;
        failures += until_it_succeeds(memory, [&] { table.rows.push_back(row); });
    }
    EXPECT_GT(failures, 10);
    ASSERT_EQ(table.size(), 5'000U);
    for (Node node = 0; node < 5'000; ++node) {
        ASSERT_EQ(table.rows[node].key, node);
    }
}

TEST(Retry, AKeySetKnowsWhatItKnewBefore) {
    CountingResource memory;
    core::KeySet seen(&memory);
    std::set<Key> expected;
    Dice dice(31);
    int failures = 0;
    for (int i = 0; i < 5'000; ++i) {
        const auto key = static_cast<Key>(roll(dice, 3'000));
        bool is_new = false;
        failures += until_it_succeeds(memory, [&] { is_new = seen.insert(key); });
        ASSERT_EQ(is_new, expected.insert(key).second)
            << "key " << key << ", the " << i << "th, after " << failures << " failures";
    }
    EXPECT_GT(failures, 3);
}

void intern_with_failures() {
    CountingResource memory;
    core::Interner interner(&memory);
    int failures = 0;
    for (core::Word word = 0; word < 3'000; ++word) {
        const auto hash = static_cast<std::uint32_t>(word * 2'654'435'761U);
        Key number = core::Interner::absent;
        failures += until_it_succeeds(memory, [&] { number = interner.add(hash, word); });
        ASSERT_EQ(number, static_cast<Key>(word)) << "after " << failures << " failures";
        for (core::Word known = 0; known <= word; known += 7) {
            ASSERT_EQ(interner.find(static_cast<std::uint32_t>(known * 2'654'435'761U),
                                    [&](core::Word found) { return found == known; }),
                      static_cast<Key>(known))
                << "after " << failures << " failures";
        }
    }
    ASSERT_GT(failures, 10);
}

// In a process of its own, which an alarm ends: looking for a free slot in a full table would take for ever.
TEST(RetryDeathTest, AnInternerKnowsWhatItKnewBefore) {
    EXPECT_EXIT(
        {
            alarm(20);
            intern_with_failures();
            _exit(testing::Test::HasFailure() ? 1 : 0);
        },
        testing::ExitedWithCode(0), "");
}

class RetryForest : public testing::Test {
protected:
    RetryForest() {
        fill(table, model);
        reference.link(start);
        settle(reference, reference.sort_children(false, core::unlimited), oracle);
    }

    static Model random_model() {
        Recipe recipe;
        recipe.nodes = 12'000;
        recipe.sort_values = 10;
        Dice dice(32);
        return make_model(recipe, dice);
    }

    static std::vector<Visit> walk(const core::Forest& forest) {
        core::Walk walk(core::pmr::new_delete_resource());
        forest.walk_depth_first(core::unlimited, walk);
        return to_visits(walk);
    }

    const core::Start start = core::Start::everywhere();
    const Model model = random_model();
    const Oracle oracle{model, start};
    CountingResource memory;
    NoInterrupts interrupts;
    core::NodeTable table{core::pmr::new_delete_resource()};
    core::Forest reference{table, core::pmr::new_delete_resource(), interrupts};
};

// The table keeps what an earlier attempt wrote into it.
TEST_F(RetryForest, ATableThatWasHalfLinkedIsLinkedByAnotherForest) {
    const std::vector<Visit> expected = walk(reference);
    const int failures = until_it_succeeds(memory, [&] {
        core::Forest forest(table, &memory, interrupts);
        forest.link(start);
        settle(forest, forest.sort_children(false, core::unlimited), oracle);
        ASSERT_EQ(walk(forest), expected);
    });
    EXPECT_GT(failures, 5);
    EXPECT_EQ(memory.blocks(), 0U);
}

TEST_F(RetryForest, LinkAfterItFailed) {
    for (std::size_t allocation = 1;; ++allocation) {
        core::Forest forest(table, &memory, interrupts);
        memory.fail_at(allocation);
        bool failed = false;
        try {
            forest.link(start);
        } catch (const std::bad_alloc&) {
            failed = true;
            memory.fail_at(0);
            forest.link(start);
        }
        for (Node parent = 0; parent <= model.rows.size(); ++parent) {
            std::vector<Node> expected = to_vector(reference.children_of(parent));
            std::sort(expected.begin(), expected.end());
            ASSERT_EQ(to_vector(forest.children_of(parent)), expected)
                << "children of node " << parent << ", after the failure of allocation " << allocation;
        }
        if (!failed) {
            EXPECT_GT(allocation, 3U);
            break;
        }
    }
}

TEST_F(RetryForest, SortAfterItFailed) {
    const std::vector<Visit> expected = walk(reference);
    core::Forest forest(table, &memory, interrupts);
    forest.link(start);
    const int failures =
        until_it_succeeds(memory, [&] { settle(forest, forest.sort_children(false, core::unlimited), oracle); });
    EXPECT_GT(failures, 3);
    EXPECT_EQ(walk(forest), expected);
}

TEST_F(RetryForest, SortAfterItWasCancelled) {
    const std::vector<Visit> expected = walk(reference);
    int cancelled_sorts = 0;
    for (std::size_t poll = 1;; ++poll) {
        CancelAt cancel(poll);
        core::Forest forest(table, &memory, cancel);
        bool linked = false;
        try {
            forest.link(start);
            linked = true;
            settle(forest, forest.sort_children(false, core::unlimited), oracle);
            break;
        } catch (const Cancelled&) {
        }
        if (linked) {
            settle(forest, forest.sort_children(false, core::unlimited), oracle);
            ASSERT_EQ(walk(forest), expected) << poll;
            ++cancelled_sorts;
        }
    }
    EXPECT_GT(cancelled_sorts, 1);
}

}  // namespace
}  // namespace pg_tree::test
