#include "core/key_index.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "forest_recipe.h"
#include "memory_resources.h"
#include "test_interrupts.h"

namespace pg_tree::test {
namespace {

constexpr Key lowest = std::numeric_limits<Key>::min();
constexpr Key highest = std::numeric_limits<Key>::max();

class KeyIndexTest : public testing::Test {
protected:
    void add(std::optional<Key> key) {
        core::Row row = {};
        row.key = key.value_or(0);
        row.flags = key ? core::flag::has_key : 0;
        rows.push_back(row);
        if (key) {
            node_of.emplace(*key, static_cast<Node>(rows.size() - 1));
        }
    }

    void expect_as_in_map() {
        const core::KeyIndex::Duplicate duplicate = index.build(rows, poller);
        ASSERT_EQ(duplicate.first, core::no_node);
        ASSERT_EQ(duplicate.second, core::no_node);
        for (const auto& [key, node] : node_of) {
            ASSERT_EQ(index.find(rows, key), node) << key;
            expect_for(static_cast<Key>(static_cast<std::uint64_t>(key) + 1));
            expect_for(static_cast<Key>(static_cast<std::uint64_t>(key) - 1));
            expect_for(static_cast<Key>(static_cast<std::uint64_t>(key) ^ (std::uint64_t{1} << 63)));
        }
        for (const Key key : {lowest, lowest + 1, Key{-1}, Key{0}, Key{1}, highest - 1, highest}) {
            expect_for(key);
        }
    }

    void expect_for(Key key) {
        const auto found = node_of.find(key);
        ASSERT_EQ(index.find(rows, key), found != node_of.end() ? found->second : core::no_node) << key;
    }

    CountingResource memory;
    NoInterrupts interrupts;
    core::Poller poller{interrupts};
    core::Vector<core::Row> rows{&memory};
    core::KeyIndex index{&memory};
    std::map<Key, Node> node_of;
};

TEST_F(KeyIndexTest, FindsNothingBeforeItIsBuilt) { expect_for(0); }

TEST_F(KeyIndexTest, NoRows) { expect_as_in_map(); }

TEST_F(KeyIndexTest, RowsWithoutKeysOnly) {
    add(std::nullopt);
    add(std::nullopt);
    expect_as_in_map();
}

TEST_F(KeyIndexTest, OneKeyAnywhere) {
    for (const Key key : {lowest, Key{-1}, Key{0}, Key{42}, highest}) {
        rows.clear();
        node_of.clear();
        add(key);
        expect_as_in_map();
    }
}

TEST_F(KeyIndexTest, BothEndsOfTheRange) {
    add(highest);
    add(lowest);
    expect_as_in_map();
}

TEST_F(KeyIndexTest, DenseKeysAtBothEndsOfTheRange) {
    for (Key i = 0; i < 1000; ++i) {
        add(lowest + i);
    }
    expect_as_in_map();
    rows.clear();
    node_of.clear();
    for (Key i = 0; i < 1000; ++i) {
        add(highest - i);
    }
    expect_as_in_map();
}

TEST_F(KeyIndexTest, EveryPatternAndManySizes) {
    Dice dice(3);
    for (const KeyPattern keys :
         {KeyPattern::dense, KeyPattern::around_zero, KeyPattern::sparse, KeyPattern::extreme}) {
        for (const std::size_t nodes : {1U, 2U, 3U, 10U, 63U, 64U, 65U, 1000U, 20'000U}) {
            SCOPED_TRACE(testing::Message() << name_of(keys) << ", " << nodes << " rows");
            rows.clear();
            node_of.clear();
            for (std::size_t position = 0; position < nodes; ++position) {
                add(roll(dice, 10) == 0 ? std::nullopt : std::optional(key_at(keys, position, nodes)));
            }
            expect_as_in_map();
        }
    }
}

// Across the point at which the range becomes too wide for an array.
TEST_F(KeyIndexTest, EverySpanAroundTheDensityLimit) {
    for (Key span = 1; span < 400; ++span) {
        SCOPED_TRACE(span);
        rows.clear();
        node_of.clear();
        for (Key i = 0; i < 20; ++i) {
            add(i * span);
        }
        expect_as_in_map();
    }
}

TEST_F(KeyIndexTest, SpansThatOverflowFewerBits) {
    for (int bits = 8; bits < 64; ++bits) {
        SCOPED_TRACE(bits);
        rows.clear();
        node_of.clear();
        add(-3);
        add(static_cast<Key>((std::uint64_t{1} << bits) - 3));
        add(static_cast<Key>((std::uint64_t{1} << bits) - 2));
        expect_as_in_map();
    }
}

TEST_F(KeyIndexTest, FewKeysInAWideRangeTakeNoArray) {
    add(0);
    add(1'000'000'000);
    expect_as_in_map();
    EXPECT_LT(memory.peak_bytes(), 10'000U);
}

TEST_F(KeyIndexTest, CanBeBuiltAgainOverOtherRows) {
    for (int round = 0; round < 4; ++round) {
        rows.clear();
        node_of.clear();
        for (std::size_t position = 0; position < 300; ++position) {
            add(key_at(round % 2 == 0 ? KeyPattern::sparse : KeyPattern::dense, position, 300));
        }
        expect_as_in_map();
    }
    rows.clear();
    node_of.clear();
    add(std::nullopt);
    expect_as_in_map();
}

TEST_F(KeyIndexTest, ReportsTheFirstRowWhoseKeyCameBefore) {
    for (const Key stretch : {Key{1}, Key{1'000'000'007}}) {
        SCOPED_TRACE(stretch);
        rows.clear();
        add(std::nullopt);
        for (Key i = 0; i < 100; ++i) {
            add(i * stretch);
        }
        add(std::nullopt);
        add(70 * stretch);
        add(30 * stretch);
        const core::KeyIndex::Duplicate duplicate = index.build(rows, poller);
        EXPECT_EQ(duplicate.first, 71U);
        EXPECT_EQ(duplicate.second, 102U);
    }
}

TEST_F(KeyIndexTest, ReportsDuplicatesAtTheEndsOfTheRange) {
    for (const Key key : {lowest, highest}) {
        rows.clear();
        add(lowest);
        add(highest);
        add(key);
        const core::KeyIndex::Duplicate duplicate = index.build(rows, poller);
        EXPECT_EQ(duplicate.first, key == lowest ? 0U : 1U);
        EXPECT_EQ(duplicate.second, 2U);
    }
}

// Null keys have 0 in the row; that is not a key, nor are several of them duplicates.
TEST_F(KeyIndexTest, NullKeysAreNotTheKeyZero) {
    add(std::nullopt);
    add(5);
    add(std::nullopt);
    expect_as_in_map();
    EXPECT_EQ(index.find(rows, 0), core::no_node);
    add(0);
    expect_as_in_map();
    EXPECT_EQ(index.find(rows, 0), 3U);
}

}  // namespace
}  // namespace pg_tree::test
