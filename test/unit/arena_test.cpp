#include "core/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "forest_recipe.h"
#include "memory_resources.h"

namespace pg_tree::test {
namespace {

struct Block {
    std::byte* begin;
    std::size_t bytes;
    unsigned char content;
};

Block take(core::Arena& arena, std::size_t bytes, unsigned char content) {
    Block block = {arena.allocate(bytes), bytes, content};
    std::memset(block.begin, content, bytes);
    return block;
}

bool is_intact(const Block& block) {
    return std::all_of(block.begin, block.begin + block.bytes,
                       [&](std::byte byte) { return byte == std::byte{block.content}; });
}

TEST(Arena, BlocksOfEverySizeAreAlignedAndKeepTheirContent) {
    CountingResource memory;
    core::Arena arena(&memory);
    Dice dice(1);
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < 20'000; ++i) {
        // Mostly small, now and then larger than a chunk.
        const std::size_t bytes = i % 4'000 == 3'999 ? 3'000'000 + i : 1 + roll(dice, 200);
        blocks.push_back(take(arena, bytes, static_cast<unsigned char>(i)));
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(blocks.back().begin) % 8, 0U) << bytes;
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        ASSERT_TRUE(is_intact(blocks[i])) << i;
    }
}

TEST(Arena, TakesNoMemoryBeforeItIsUsed) {
    CountingResource memory;
    core::Arena arena(&memory);
    EXPECT_EQ(memory.allocations(), 0U);
}

TEST(Arena, WastesLittleOfALargeAmount) {
    CountingResource memory;
    core::Arena arena(&memory);
    std::size_t asked = 0;
    for (; asked < 100'000'000; asked += 24) {
        arena.allocate(24);
    }
    EXPECT_LT(memory.used_bytes() - asked, asked / 10) << "a doubling without end would waste up to half";
    EXPECT_LT(memory.allocations(), 200U);
}

TEST(Arena, ClearFreesEveryBlockAndTheArenaGoesOn) {
    CountingResource memory;
    {
        core::Arena arena(&memory);
        for (int round = 0; round < 3; ++round) {
            std::vector<Block> blocks;
            for (int i = 0; i < 10'000; ++i) {
                blocks.push_back(take(arena, 100, static_cast<unsigned char>(i)));
            }
            for (const Block& block : blocks) {
                ASSERT_TRUE(is_intact(block));
            }
            EXPECT_GT(memory.used_bytes(), 1'000'000U);
            arena.clear();
            EXPECT_LT(memory.used_bytes(), 1'000U) << "no more than the list of chunks may stay";
        }
        arena.clear();
    }
    EXPECT_EQ(memory.blocks(), 0U);
    EXPECT_EQ(memory.mismatches(), 0U);
}

TEST(Arena, AFailedAllocationLeavesItUsable) {
    CountingResource memory;
    {
        core::Arena arena(&memory);
        std::vector<Block> blocks;
        for (std::size_t i = 0; i < 2'000; ++i) {
            memory.fail_at(i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 0);
            try {
                blocks.push_back(take(arena, 700, static_cast<unsigned char>(i)));
            } catch (const std::bad_alloc&) {
                memory.fail_at(0);
                blocks.push_back(take(arena, 700, static_cast<unsigned char>(i)));
            }
            memory.fail_at(0);
        }
        EXPECT_TRUE(memory.has_failed());
        for (const Block& block : blocks) {
            ASSERT_TRUE(is_intact(block));
        }
    }
    EXPECT_EQ(memory.blocks(), 0U);
}

}  // namespace
}  // namespace pg_tree::test
