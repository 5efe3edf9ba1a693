// Forests of every shape and key pattern, with everything that goes wrong in real tables, against the oracle.
#include <gtest/gtest.h>

#include "agreement.h"
#include "effort.h"
#include "forest_recipe.h"

namespace pg_tree::test {
namespace {

void expect_agreement(const Model& model, const Recipe& recipe, Dice& dice) {
    std::vector<core::Start> starts = {core::Start::everywhere(), core::Start::below(sentinel_of(recipe)),
                                       core::Start::below(0), core::Start::below(std::numeric_limits<Key>::min()),
                                       core::Start::below(std::numeric_limits<Key>::max())};
    for (std::size_t i = 0; i < effort(6, 3); ++i) {
        const ModelRow& row = model.rows[roll(dice, model.rows.size())];
        if (row.key) {
            starts.push_back(core::Start::below(*row.key));
        }
        if (row.parent) {
            starts.push_back(core::Start::below(*row.parent));
        }
    }
    for (const core::Start start : starts) {
        for (const std::int32_t max_level : {-1, 0, 1, 3, core::unlimited - 1, core::unlimited}) {
            for (const bool prefix_decides : {false, true}) {
                if (prefix_decides && model.bits_beyond_prefix > 0) {
                    continue;
                }
                const Question question = {start, max_level, prefix_decides};
                ASSERT_EQ(difference(model, question, max_level == core::unlimited), "")
                    << (start.kind == core::Start::Kind::roots ? "everywhere" : "below " + std::to_string(start.key))
                    << ", max_level " << max_level << ", prefix_decides " << prefix_decides;
            }
        }
    }
}

class ForestOfShape : public testing::TestWithParam<std::tuple<Shape, KeyPattern>> {
protected:
    Recipe recipe(Dice& dice) const {
        Recipe recipe;
        std::tie(recipe.shape, recipe.keys) = GetParam();
        recipe.nodes = 1 + roll(dice, effort(120, 60));
        recipe.sort_values = 1 + roll(dice, 60);
        recipe.shuffled = roll(dice, 4) > 0;
        return recipe;
    }
};

TEST_P(ForestOfShape, InGoodOrder) {
    Dice dice(10);
    for (std::size_t round = 0; round < effort(12, 6); ++round) {
        const Recipe good = recipe(dice);
        Model model = make_model(good, dice);
        model.bits_beyond_prefix = static_cast<unsigned>(roll(dice, 3)) * 2;
        expect_agreement(model, good, dice);
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

TEST_P(ForestOfShape, WithEveryFlaw) {
    Dice dice(11);
    for (std::size_t round = 0; round < effort(25, 12); ++round) {
        Recipe flawed = recipe(dice);
        for (unsigned* share : {&flawed.null_sort_keys, &flawed.null_keys, &flawed.null_parents, &flawed.rejected,
                                &flawed.orphans, &flawed.self_parents, &flawed.sentinel_parents}) {
            *share = roll(dice, 2) == 0 ? 0 : static_cast<unsigned>(roll(dice, 30));
        }
        flawed.cycle_length = roll(dice, 3) == 0 ? roll(dice, 12) : 0;
        Model model = make_model(flawed, dice);
        model.nulls_first = roll(dice, 2) == 0;
        model.bits_beyond_prefix = static_cast<unsigned>(roll(dice, 3)) * 2;
        expect_agreement(model, flawed, dice);
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
}

// Starts on the cycle, hanging from it and beside it are all among those asked for.
TEST_P(ForestOfShape, WithACycleOfEveryLength) {
    Dice dice(12);
    for (std::size_t length = 1; length <= 16; ++length) {
        Recipe cyclic = recipe(dice);
        cyclic.nodes += 16;
        cyclic.cycle_length = length;
        const Model model = make_model(cyclic, dice);
        expect_agreement(model, cyclic, dice);
        ASSERT_FALSE(HasFatalFailure()) << "length " << length;
    }
}

TEST_P(ForestOfShape, WithDuplicates) {
    Dice dice(13);
    int duplicates = 0;
    for (std::size_t round = 0; round < effort(20, 10); ++round) {
        const Recipe good = recipe(dice);
        Model model = make_model(good, dice);
        for (std::size_t i = 0; i <= roll(dice, 3); ++i) {
            ModelRow copy = model.rows[roll(dice, model.rows.size())];
            copy.rejected = roll(dice, 2) == 0;
            model.rows.insert(model.rows.begin() + static_cast<std::ptrdiff_t>(roll(dice, model.rows.size())), copy);
        }
        duplicates += Oracle(model, core::Start::everywhere()).duplicate().has_value() ? 1 : 0;
        expect_agreement(model, good, dice);
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    }
    // Where one of the two is outside the filter there is none, so some rounds have one and some not.
    EXPECT_GT(duplicates, 0);
}

INSTANTIATE_TEST_SUITE_P(Every, ForestOfShape,
                         testing::Combine(testing::Values(Shape::random_recursive, Shape::wide, Shape::chain,
                                                          Shape::many_roots, Shape::binary),
                                          testing::Values(KeyPattern::dense, KeyPattern::around_zero,
                                                          KeyPattern::sparse, KeyPattern::extreme)),
                         [](const auto& instance) {
                             return std::string(name_of(std::get<0>(instance.param))) + "With" +
                                    name_of(std::get<1>(instance.param)) + "Keys";
                         });

TEST(Forest, LargerOnesAgreeToo) {
    Dice dice(14);
    for (const Shape shape : {Shape::random_recursive, Shape::wide, Shape::many_roots, Shape::binary}) {
        Recipe large;
        large.shape = shape;
        large.keys = KeyPattern::sparse;
        large.nodes = effort(20'000, 5'000);
        large.null_sort_keys = large.rejected = large.orphans = large.null_keys = 2;
        Model model = make_model(large, dice);
        model.bits_beyond_prefix = 5;
        for (const core::Start start :
             {core::Start::everywhere(), core::Start::below(key_at(large.keys, 0, large.nodes))}) {
            EXPECT_EQ(difference(model, {start, core::unlimited, false}, false), "") << name_of(shape);
        }
    }
}

}  // namespace
}  // namespace pg_tree::test
