#include "core/interner.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "forest_recipe.h"
#include "memory_resources.h"

namespace pg_tree::test {
namespace {

using core::Interner;
using core::Word;

const char* text_of(Word word) { return reinterpret_cast<const char*>(word); }

Key find(const Interner& interner, std::uint32_t hash, const std::string& text) {
    return interner.find(hash, [&](Word word) { return text == text_of(word); });
}

Key intern(Interner& interner, std::uint32_t hash, const std::string& text) {
    Key number = find(interner, hash, text);
    if (number == Interner::absent) {
        std::byte* copy = interner.arena().allocate(text.size() + 1);
        std::memcpy(copy, text.c_str(), text.size() + 1);
        number = interner.add(hash, reinterpret_cast<Word>(copy));
    }
    return number;
}

/// From no collisions to nothing else.
using Hash = std::uint32_t (*)(const std::string&);
constexpr Hash hashes[] = {
    [](const std::string& text) { return static_cast<std::uint32_t>(std::hash<std::string>{}(text)); },
    [](const std::string& text) { return static_cast<std::uint32_t>(text.size()); },
    [](const std::string& text) { return static_cast<std::uint32_t>(text.back()) << 24; },
    [](const std::string&) { return std::uint32_t{0}; },
    [](const std::string&) { return UINT32_MAX; },
};

TEST(Interner, NumbersKeysInOrderOfArrivalWhateverTheHash) {
    for (std::size_t which = 0; which < std::size(hashes); ++which) {
        SCOPED_TRACE(which);
        const Hash hash = hashes[which];
        CountingResource memory;
        Interner interner(&memory);
        std::map<std::string, Key> expected;
        Dice dice(5);
        for (int i = 0; i < 6'000; ++i) {
            const std::string text = "key " + std::to_string(roll(dice, 1'500));
            const auto known = expected.find(text);
            ASSERT_EQ(find(interner, hash(text), text), known != expected.end() ? known->second : Interner::absent);
            const Key number = expected.emplace(text, static_cast<Key>(expected.size())).first->second;
            ASSERT_EQ(intern(interner, hash(text), text), number);
            ASSERT_EQ(interner.size(), expected.size());
        }
        for (const auto& [text, number] : expected) {
            EXPECT_EQ(find(interner, hash(text), text), number);
            EXPECT_EQ(text_of(interner.word(number)), text);
        }
        EXPECT_EQ(find(interner, hash("nobody"), "nobody"), Interner::absent);
    }
}

TEST(Interner, FindsNothingWhenEmpty) {
    CountingResource memory;
    const Interner interner(&memory);
    EXPECT_EQ(interner.find(7, [](Word) { return true; }), Interner::absent);
    EXPECT_EQ(interner.size(), 0U);
    EXPECT_EQ(memory.allocations(), 0U);
}

// Comparing may be dear, detoasting and a collation's rules: only keys of the same hash are worth it.
TEST(Interner, ComparesOnlyKeysOfTheSameHash) {
    CountingResource memory;
    Interner interner(&memory);
    for (Word word = 0; word < 1'000; ++word) {
        interner.add(static_cast<std::uint32_t>(word % 100) << 6, word);
    }
    int compared = 0;
    interner.find(50 << 6, [&](Word word) {
        ++compared;
        EXPECT_EQ(word % 100, 50U);
        return false;
    });
    EXPECT_EQ(compared, 10);
}

TEST(Interner, AnExceptionFromTheComparisonPasses) {
    CountingResource memory;
    Interner interner(&memory);
    interner.add(1, 11);
    EXPECT_THROW(interner.find(1, [](Word) -> bool { throw 1; }), int);
    EXPECT_EQ(interner.find(1, [](Word word) { return word == 11; }), 0);
}

TEST(Interner, GrowsThroughEverySize) {
    CountingResource memory;
    Interner interner(&memory);
    for (Word word = 0; word < 2'000; ++word) {
        const auto hash = static_cast<std::uint32_t>(word * 2'654'435'761U);
        ASSERT_EQ(interner.add(hash, word), static_cast<Key>(word));
        for (Word known = word > 100 ? word - 100 : 0; known <= word; ++known) {
            ASSERT_EQ(interner.find(static_cast<std::uint32_t>(known * 2'654'435'761U),
                                    [&](Word found) { return found == known; }),
                      static_cast<Key>(known));
        }
    }
}

}  // namespace
}  // namespace pg_tree::test
