#include "core/node_table.h"

#include <gtest/gtest.h>

#include "agreement.h"
#include "forest_recipe.h"
#include "memory_resources.h"

namespace pg_tree::test {
namespace {

TEST(Row, SaysWhatItsFlagsSay) {
    core::Row row = {};
    EXPECT_FALSE(row.has_key() || row.has_parent() || row.rejected() || row.is_its_own_parent());
    row.flags = core::flag::has_key;
    EXPECT_TRUE(row.has_key());
    EXPECT_FALSE(row.is_its_own_parent()) << "key and parent are both 0, but there is no parent";
    row.flags = core::flag::has_parent;
    EXPECT_FALSE(row.is_its_own_parent()) << "nor is there without a key";
    row.flags = core::flag::has_key | core::flag::has_parent;
    EXPECT_TRUE(row.is_its_own_parent());
    row.parent = 1;
    EXPECT_FALSE(row.is_its_own_parent());
    row.flags = core::flag::rejected;
    EXPECT_TRUE(row.rejected());
}

TEST(Row, KnowsWhichWordsAreNull) {
    constexpr std::uint32_t others = core::flag::has_key | core::flag::has_parent | core::flag::rejected |
                                     core::flag::nulls_first | core::flag::nulls_last;
    for (unsigned word = 0; word < core::flag::max_words; ++word) {
        core::Row row = {};
        row.flags = others;
        EXPECT_FALSE(row.word_is_null(word));
        row.flags = core::flag::null_word(word);
        EXPECT_EQ(row.flags & others, 0U) << word;
        for (unsigned other = 0; other < core::flag::max_words; ++other) {
            EXPECT_EQ(row.word_is_null(other), word == other);
        }
    }
}

TEST(NodeTable, ClearGivesTheMemoryBackAndTheTableCanBeFilledAgain) {
    CountingResource memory;
    {
        core::NodeTable table(&memory);
        Dice dice(2);
        for (int round = 0; round < 2; ++round) {
            fill_table(table, Shape::random_recursive, KeyPattern::dense, 10'000, 3, dice);
            EXPECT_EQ(table.size(), 10'000U);
            EXPECT_EQ(table.rows[9'999].payload[2], 9'999U);
            table.clear();
            EXPECT_EQ(table.size(), 0U);
            EXPECT_TRUE(table.prefixes.empty());
            EXPECT_LT(memory.used_bytes(), 1'000U);
        }
    }
    EXPECT_EQ(memory.blocks(), 0U);
    EXPECT_EQ(memory.mismatches(), 0U);
}

}  // namespace
}  // namespace pg_tree::test
