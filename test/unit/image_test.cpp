// Images of forests of every shape and key pattern, with everything that goes wrong in real tables, against the oracle.
#include "core/image.h"

#include <gtest/gtest.h>

#include "effort.h"
#include "forest_recipe.h"
#include "image_agreement.h"
#include "memory_resources.h"

namespace pg_tree::test {
namespace {

void expect_agreement(const Model& model) {
    for (const StoredKeys keys : {StoredKeys::integers, StoredKeys::colliding}) {
        for (const bool prefix_decides : {false, true}) {
            if (!prefix_decides || model.bits_beyond_prefix == 0) {
                ASSERT_EQ(image_difference(model, keys, prefix_decides), "")
                    << (keys == StoredKeys::integers ? "integer keys" : "colliding keys") << ", prefix_decides "
                    << prefix_decides;
            }
        }
    }
}

class ImageOfShape : public testing::TestWithParam<std::tuple<Shape, KeyPattern>> {
protected:
    Recipe recipe(Dice& dice) const {
        Recipe recipe;
        std::tie(recipe.shape, recipe.keys) = GetParam();
        recipe.nodes = 1 + roll(dice, 120);
        recipe.sort_values = 1 + roll(dice, 60);
        recipe.shuffled = roll(dice, 4) > 0;
        return recipe;
    }
};

TEST_P(ImageOfShape, InGoodOrder) {
    Dice dice(60);
    for (int round = 0; round < 12; ++round) {
        Model model = make_model(recipe(dice), dice);
        model.bits_beyond_prefix = static_cast<unsigned>(roll(dice, 3)) * 2;
        expect_agreement(model);
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

TEST_P(ImageOfShape, WithEveryFlaw) {
    Dice dice(61);
    for (int round = 0; round < 40; ++round) {
        Recipe flawed = recipe(dice);
        for (unsigned* share : {&flawed.null_sort_keys, &flawed.null_keys, &flawed.null_parents, &flawed.rejected,
                                &flawed.orphans, &flawed.self_parents, &flawed.sentinel_parents}) {
            *share = roll(dice, 2) == 0 ? 0 : static_cast<unsigned>(roll(dice, 30));
        }
        flawed.cycle_length = roll(dice, 3) == 0 ? roll(dice, 12) : 0;
        Model model = make_model(flawed, dice);
        model.nulls_first = roll(dice, 2) == 0;
        model.bits_beyond_prefix = static_cast<unsigned>(roll(dice, 3)) * 2;
        expect_agreement(model);
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

// The rows that a filter rejects may have the keys of others, and parents of every kind.
TEST_P(ImageOfShape, WithRejectedDuplicates) {
    Dice dice(62);
    for (int round = 0; round < 20; ++round) {
        Recipe flawed = recipe(dice);
        flawed.rejected = 20;
        flawed.orphans = 5;
        flawed.cycle_length = roll(dice, 2) * 5;
        Model model = make_model(flawed, dice);
        for (std::size_t i = 0; i <= roll(dice, 10); ++i) {
            ModelRow copy = model.rows[roll(dice, model.rows.size())];
            copy.parent = model.rows[roll(dice, model.rows.size())].key;
            copy.rejected = true;
            model.rows.insert(model.rows.begin() + static_cast<std::ptrdiff_t>(roll(dice, model.rows.size())), copy);
        }
        expect_agreement(model);
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

INSTANTIATE_TEST_SUITE_P(Every, ImageOfShape,
                         testing::Combine(testing::Values(Shape::random_recursive, Shape::wide, Shape::chain,
                                                          Shape::many_roots, Shape::binary),
                                          testing::Values(KeyPattern::dense, KeyPattern::around_zero,
                                                          KeyPattern::sparse, KeyPattern::extreme)),
                         [](const auto& instance) {
                             return std::string(name_of(std::get<0>(instance.param))) + "With" +
                                    name_of(std::get<1>(instance.param)) + "Keys";
                         });

// --- By hand -------------------------------------------------------------------------------------------------------------------

class ImageTest : public testing::Test {
protected:
    void row(std::optional<Key> key, std::optional<Key> parent, bool rejected = false) {
        model.rows.push_back({key, parent, 0, rejected});
    }

    core::Image make(StoredKeys keys = StoredKeys::integers) {
        EXPECT_EQ(image_difference(model, keys, true), "");
        fill(table, model);
        forest.link(core::Start::everywhere());
        forest.sort_everything(true);
        owned = std::make_unique<OwnedImage>(write_image(forest, plan, keys));
        return owned->image();
    }
    static std::vector<core::Rank> below(const core::Image& image, core::Rank anchor) {
        return to_vector(image.children_of_anchor(anchor));
    }

    Model model;
    NoInterrupts interrupts;
    core::NodeTable table{core::pmr::new_delete_resource()};
    core::Forest forest{table, core::pmr::new_delete_resource(), interrupts};
    core::ImagePlan plan{core::pmr::new_delete_resource()};
    std::unique_ptr<OwnedImage> owned;
};

using Ranks = std::vector<core::Rank>;

TEST_F(ImageTest, OfNothing) {
    const core::Image image = make();
    EXPECT_EQ(image.nodes(), 0U);
    EXPECT_EQ(image.header().anchors, 1U) << "the parentless, of whom there are none";
    EXPECT_TRUE(image.children_of_anchor(0).empty());
    for (const Key key : {Key{0}, Key{1}, Key{-1}, std::numeric_limits<Key>::min(), std::numeric_limits<Key>::max()}) {
        EXPECT_EQ(image.find(key), core::no_rank);
    }
}

TEST_F(ImageTest, OfNothingWithHashedKeys) {
    const core::Image image = make(StoredKeys::colliding);
    EXPECT_EQ(image.find_hashed(7, [](Key) { return true; }), core::no_rank);
}

TEST_F(ImageTest, OfOneNode) {
    row(7, std::nullopt);
    const core::Image image = make();
    EXPECT_EQ(image.nodes(), 1U);
    EXPECT_EQ(image.find(7), 0U);
    EXPECT_EQ(image.find(6), core::no_rank);
    EXPECT_EQ(image.find(8), core::no_rank);
    EXPECT_EQ(image.parent(0), 1U);
    EXPECT_TRUE(image.is_root(0));
    EXPECT_EQ(image.end(0), 1U);
}

TEST_F(ImageTest, OfNothingButACycle) {
    row(1, 3);
    row(2, 1);
    row(3, 2);
    row(4, 3);
    row(std::nullopt, 2);
    const core::Image image = make();
    EXPECT_EQ(image.nodes(), 0U) << "what hangs from a cycle is in no image either, with a key or without";
    EXPECT_EQ(image.header().anchors, 5U);
    for (const Key key : {1, 2, 3, 4}) {
        ASSERT_NE(image.find(key), core::no_rank) << key;
        EXPECT_EQ(image.anchor(image.find(key)).kind, core::AnchorKind::cyclic) << key;
    }
    EXPECT_EQ(image.header().has_null_keys, 0U);
}

TEST_F(ImageTest, OfRowsWithoutKeys) {
    row(std::nullopt, std::nullopt);
    row(std::nullopt, 5);
    row(std::nullopt, std::nullopt, true);
    const core::Image image = make();
    EXPECT_EQ(image.nodes(), 2U);
    EXPECT_EQ(image.header().has_null_keys, 1U);
    EXPECT_EQ(below(image, 2), (Ranks{0}));
    ASSERT_EQ(image.find(5), 3U);
    EXPECT_EQ(image.anchor(3).kind, core::AnchorKind::missing);
    EXPECT_EQ(below(image, 3), (Ranks{1}));
}

TEST_F(ImageTest, OfARowThatIsItsOwnParent) {
    row(1, 1);
    row(2, 1);
    const core::Image image = make();
    EXPECT_TRUE(image.is_root(0));
    EXPECT_EQ(image.parent(0), 0U);
    EXPECT_FALSE(image.is_root(1));
    EXPECT_TRUE(image.children_of_anchor(2).empty()) << "it is no child of the parentless";
}

TEST_F(ImageTest, OfWhatStandsBelowRejectedRows) {
    row(1, std::nullopt, true);
    row(2, 1);
    row(3, 2);
    row(4, 3, true);
    row(5, 4);
    row(6, 5, true);
    row(7, std::nullopt);
    const core::Image image = make();
    EXPECT_EQ(image.header().in_tree, 1U);
    EXPECT_EQ(image.nodes(), 4U);
    EXPECT_EQ(image.find(7), 0U);
    EXPECT_EQ(below(image, image.find(1)), (Ranks{1}));
    EXPECT_EQ(image.size(1), 2U) << "and what hangs from the next rejected row stands by itself";
    EXPECT_EQ(below(image, image.find(4)), (Ranks{3}));
    EXPECT_EQ(image.level(3), 0);
    EXPECT_EQ(image.find(6), core::no_rank) << "nothing hangs from it";
}

TEST_F(ImageTest, OfACycleThatTheFilterBreaks) {
    row(1, 3, true);
    row(2, 1);
    row(3, 2);
    const core::Image image = make();
    EXPECT_EQ(image.header().in_tree, 0U);
    EXPECT_EQ(image.nodes(), 2U);
    EXPECT_EQ(image.anchor(image.find(1)).kind, core::AnchorKind::rejected);
    EXPECT_EQ(image.size(image.find(2)), 2U);
}

TEST_F(ImageTest, KeysThatLieDenselyAreFoundByAnArray) {
    for (Key key = -50; key < 50; ++key) {
        row(key, key > -50 ? std::optional(key - 1) : std::nullopt);
    }
    EXPECT_EQ(make().header().index_mask, 0U);
}

TEST_F(ImageTest, KeysThatDoNotAreHashed) {
    for (Key key = 0; key < 100; ++key) {
        row(key * 1000, key > 0 ? std::optional((key - 1) * 1000) : std::nullopt);
    }
    EXPECT_NE(make().header().index_mask, 0U);
}

TEST_F(ImageTest, KeysAtBothEndsOfTheRange) {
    row(std::numeric_limits<Key>::min(), std::nullopt);
    row(std::numeric_limits<Key>::max(), std::numeric_limits<Key>::min());
    const core::Image image = make();
    EXPECT_EQ(image.find(std::numeric_limits<Key>::max()), 1U);
    EXPECT_EQ(image.find(std::numeric_limits<Key>::min()), 0U);
    EXPECT_EQ(image.find(0), core::no_rank);
}

TEST_F(ImageTest, AFarAwayOrphanDoesNotMakeAHugeArray) {
    for (Key key = 0; key < 100; ++key) {
        row(key, std::nullopt);
    }
    row(100, std::numeric_limits<Key>::max() - 1);
    EXPECT_LT(make().header().bytes, 16'384U);
}

// --- Large ones, and those that are disturbed ------------------------------------------------------------------------------------

TEST(LargeImage, AChainOfAMillionNodes) {
    constexpr core::Rank million = 1'000'000;
    Dice dice(63);
    NoInterrupts interrupts;
    core::NodeTable table(core::pmr::new_delete_resource());
    fill_table(table, Shape::chain, KeyPattern::sparse, million, 0, dice);
    core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
    ASSERT_EQ(forest.link(core::Start::everywhere()).second, core::no_node);
    forest.sort_everything(true);
    core::ImagePlan plan(core::pmr::new_delete_resource());
    const OwnedImage owned = write_image(forest, plan, StoredKeys::integers);
    const core::Image image = owned.image();
    ASSERT_EQ(image.header().in_tree, million);
    ASSERT_EQ(image.header().deepest, million - 1);
    for (core::Rank rank = 0; rank < million; ++rank) {
        ASSERT_EQ(image.size(rank), million - rank);
        ASSERT_EQ(image.level(rank), static_cast<std::int32_t>(rank));
        ASSERT_EQ(image.parent(rank), rank == 0 ? million : rank - 1);
        ASSERT_EQ(image.find(table.rows[rank].key), rank);
    }
}

TEST(LargeImage, TenThousandsOfRandomRowsAgree) {
    Dice dice(64);
    for (const KeyPattern keys : {KeyPattern::dense, KeyPattern::sparse}) {
        Recipe large;
        large.keys = keys;
        large.nodes = effort(10'000, 3'000);
        large.null_sort_keys = large.rejected = large.orphans = large.null_keys = large.self_parents =
            large.sentinel_parents = 2;
        large.cycle_length = 3;
        Model model = make_model(large, dice);
        model.bits_beyond_prefix = 5;
        EXPECT_EQ(image_difference(model, StoredKeys::integers, false), "") << name_of(keys);
    }
}

Model disturbed_model(std::size_t nodes) {
    Dice dice(65);
    Recipe recipe;
    recipe.nodes = nodes;
    recipe.keys = KeyPattern::sparse;
    recipe.orphans = recipe.rejected = recipe.null_keys = 5;
    recipe.cycle_length = 10;
    return make_model(recipe, dice);
}

TEST(DisturbedImage, EveryAllocationThatFailsIsBadAllocAndLeaksNothing) {
    const Model model = disturbed_model(600);
    NoInterrupts interrupts;
    std::size_t failures = 0;
    for (bool failed = true; failed;) {
        CountingResource memory;
        memory.fail_at(failures + 1);
        failed = false;
        try {
            ASSERT_EQ(ImageComparison(model, StoredKeys::integers, true).run(&memory, interrupts), "");
        } catch (const std::bad_alloc&) {
            failed = true;
            ++failures;
        }
        ASSERT_EQ(memory.has_failed(), failed) << "the failure of allocation " << failures + 1 << " was swallowed";
        ASSERT_EQ(memory.blocks(), 0U) << "left by allocation " << failures;
        ASSERT_EQ(memory.mismatches(), 0U);
    }
    EXPECT_GT(failures, 60U);
}

TEST(DisturbedImage, ACancelAtEveryPollPassesThroughAndLeaksNothing) {
    Dice dice(66);
    const auto make = [&](core::pmr::memory_resource* memory, core::Interrupts& interrupts) {
        core::NodeTable table(memory);
        Dice same(67);
        fill_table(table, Shape::random_recursive, KeyPattern::sparse, effort(40'000, 20'000), 0, same);
        for (std::size_t i = 0; i < table.rows.size(); i += 7) {
            table.rows[i].parent = std::numeric_limits<Key>::max() - static_cast<Key>(i);  // an orphan
        }
        core::Forest forest(table, memory, interrupts);
        forest.link(core::Start::everywhere());
        forest.sort_everything(true);
        core::ImagePlan plan(memory);
        (void)write_image(forest, plan, StoredKeys::integers);
    };
    std::size_t poll = 1;
    for (bool cancelled = true; cancelled; ++poll) {
        CountingResource memory;
        CancelAt interrupts(poll);
        cancelled = false;
        try {
            make(&memory, interrupts);
        } catch (const Cancelled& cancel) {
            cancelled = true;
            ASSERT_EQ(cancel.at_poll, poll);
        }
        ASSERT_EQ(memory.blocks(), 0U) << "left when cancelled at poll " << poll;
    }
    // Planning, laying out and writing go over all rows several times, after linking and sorting did.
    EXPECT_GT(poll, 100U);
}

// Nothing that is linear in the rows goes without a poll for longer than this.
TEST(DisturbedImage, PollsAllTheTime) {
    Dice dice(68);
    CountPolls interrupts;
    core::NodeTable table(core::pmr::new_delete_resource());
    fill_table(table, Shape::many_roots, KeyPattern::sparse, 400'000, 0, dice);
    core::Forest forest(table, core::pmr::new_delete_resource(), interrupts);
    forest.link(core::Start::everywhere());
    forest.sort_everything(true);
    core::ImagePlan plan(core::pmr::new_delete_resource());
    const std::size_t before = interrupts.polls;
    plan.make(forest);
    const std::size_t made = interrupts.polls;
    plan.lay_out(forest, true, 0);
    const std::size_t laid_out = interrupts.polls;
    OwnedImage owned(plan.bytes());
    plan.write(forest, owned.block());
    EXPECT_GT(made - before, std::size_t{2 * 400'000 / 10'000});
    EXPECT_GT(laid_out - made, std::size_t{400'000 / 10'000});
    EXPECT_GT(interrupts.polls - laid_out, std::size_t{2 * 400'000 / 10'000});
}

}  // namespace
}  // namespace pg_tree::test
