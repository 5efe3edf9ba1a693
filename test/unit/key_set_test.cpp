#include "core/key_set.h"

#include <gtest/gtest.h>

#include <set>

#include "forest_recipe.h"
#include "memory_resources.h"

namespace pg_tree::test {
namespace {

TEST(KeySet, AgreesWithASetThroughItsGrowth) {
    for (const KeyPattern keys :
         {KeyPattern::dense, KeyPattern::around_zero, KeyPattern::sparse, KeyPattern::extreme}) {
        SCOPED_TRACE(name_of(keys));
        CountingResource memory;
        core::KeySet seen(&memory);
        std::set<Key> expected;
        Dice dice(4);
        for (int i = 0; i < 100'000; ++i) {
            const Key key = key_at(keys, roll(dice, 40'000), 40'000);
            ASSERT_EQ(seen.insert(key), expected.insert(key).second) << key;
        }
        for (const Key key : expected) {
            ASSERT_FALSE(seen.insert(key)) << key;
        }
    }
}

TEST(KeySet, KeepsItselfAtEverySize) {
    for (Key size = 0; size < 300; ++size) {
        CountingResource memory;
        core::KeySet seen(&memory);
        for (Key key = 0; key < size; ++key) {
            ASSERT_TRUE(seen.insert(key * 64)) << size;
        }
        for (Key key = 0; key < size; ++key) {
            ASSERT_FALSE(seen.insert(key * 64)) << size;
        }
        ASSERT_TRUE(seen.insert(size * 64)) << size;
    }
}

TEST(KeySet, ZeroIsAKeyLikeOthers) {
    CountingResource memory;
    core::KeySet seen(&memory);
    EXPECT_TRUE(seen.insert(0));
    EXPECT_FALSE(seen.insert(0));
}

TEST(KeySet, TakesNoMemoryBeforeItIsUsed) {
    CountingResource memory;
    core::KeySet seen(&memory);
    EXPECT_EQ(memory.allocations(), 0U);
}

}  // namespace
}  // namespace pg_tree::test
