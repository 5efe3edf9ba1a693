// Forests made by rule and dice: a shape, a pattern of keys, and how much of what real tables contain goes wrong in
// them.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "oracle.h"

namespace pg_tree::test {

enum class Shape { random_recursive, wide, chain, many_roots, binary };
enum class KeyPattern { dense, around_zero, sparse, extreme };

inline const char* name_of(Shape shape) {
    constexpr const char* names[] = {"RandomRecursive", "Wide", "Chain", "ManyRoots", "Binary"};
    return names[static_cast<int>(shape)];
}
inline const char* name_of(KeyPattern keys) {
    constexpr const char* names[] = {"Dense", "AroundZero", "Sparse", "Extreme"};
    return names[static_cast<int>(keys)];
}

using Dice = std::mt19937_64;
inline std::size_t roll(Dice& dice, std::size_t sides) { return static_cast<std::size_t>(dice() % sides); }

/// Different for different positions.
inline Key key_at(KeyPattern keys, std::size_t position, std::size_t nodes) {
    switch (keys) {
        case KeyPattern::dense:
            return static_cast<Key>(position) + 100;
        case KeyPattern::around_zero:
            return static_cast<Key>(position) - static_cast<Key>(nodes / 2);
        case KeyPattern::sparse:
            return static_cast<Key>(position * 0x9e3779b97f4a7c15ULL);
        case KeyPattern::extreme:
            break;
    }
    const auto step = static_cast<Key>(position / 2);
    return position % 2 == 0 ? std::numeric_limits<Key>::min() + step : std::numeric_limits<Key>::max() - step;
}

constexpr std::size_t no_parent = SIZE_MAX;

/// The position of a node's parent, always an earlier one.
inline std::size_t parent_at(Shape shape, std::size_t position, Dice& dice) {
    if (position == 0) {
        return no_parent;
    }
    switch (shape) {
        case Shape::random_recursive:
            return roll(dice, position);
        case Shape::wide:
            return 0;
        case Shape::chain:
            return position - 1;
        case Shape::many_roots:
            return roll(dice, 3) == 0 ? roll(dice, position) : no_parent;
        case Shape::binary:
            break;
    }
    return (position - 1) / 2;
}

/// Shares are in percent of the rows.
struct Recipe {
    Shape shape = Shape::random_recursive;
    KeyPattern keys = KeyPattern::dense;
    std::size_t nodes = 100;
    std::size_t sort_values = 1000;  ///< how many different ones there are
    unsigned null_sort_keys = 0;
    unsigned null_keys = 0;
    unsigned null_parents = 0;
    unsigned rejected = 0;
    unsigned orphans = 0;
    unsigned self_parents = 0;
    unsigned sentinel_parents = 0;
    std::size_t cycle_length = 0;  ///< 0: none
    bool shuffled = true;          ///< children may arrive before their parents
};

/// A key that no row of the recipe has.
inline Key sentinel_of(const Recipe& recipe) { return key_at(recipe.keys, recipe.nodes + 1, recipe.nodes); }

inline Model make_model(const Recipe& recipe, Dice& dice) {
    Model model;
    const auto chance = [&](unsigned percent) { return percent > 0 && roll(dice, 100) < percent; };
    const auto key = [&](std::size_t position) { return key_at(recipe.keys, position, recipe.nodes); };
    for (std::size_t position = 0; position < recipe.nodes; ++position) {
        ModelRow row;
        row.key = key(position);
        const std::size_t parent = parent_at(recipe.shape, position, dice);
        if (parent != no_parent) {
            row.parent = key(parent);
        }
        row.sort_key = roll(dice, recipe.sort_values);
        if (chance(recipe.null_sort_keys)) {
            row.sort_key.reset();
        }
        if (chance(recipe.orphans)) {
            row.parent = key(recipe.nodes + 10 + roll(dice, 1000));
        }
        if (chance(recipe.sentinel_parents)) {
            row.parent = sentinel_of(recipe);
        }
        if (chance(recipe.self_parents)) {
            row.parent = row.key;
        }
        if (chance(recipe.null_parents)) {
            row.parent.reset();
        }
        if (chance(recipe.null_keys)) {
            row.key.reset();
        }
        row.rejected = chance(recipe.rejected);
        model.rows.push_back(row);
    }
    // Random members in random order, so that the cycle runs through several branches.
    std::vector<std::size_t> members(recipe.nodes);
    for (std::size_t i = 0; i < members.size(); ++i) {
        members[i] = i;
    }
    std::shuffle(members.begin(), members.end(), dice);
    members.resize(std::min(recipe.cycle_length, recipe.nodes));
    for (std::size_t i = 0; i < members.size(); ++i) {
        ModelRow& row = model.rows[members[i]];
        row.key = key(members[i]);
        row.parent = key(members[(i + 1) % members.size()]);
        row.rejected = false;
    }
    if (recipe.shuffled) {
        std::shuffle(model.rows.begin(), model.rows.end(), dice);
    }
    return model;
}

/// A row for each node with nothing wrong in it; made straight in the table, for sizes at which a model is slow.
inline void fill_table(core::NodeTable& table, Shape shape, KeyPattern keys, std::size_t nodes, unsigned payload_words,
                       Dice& dice) {
    for (std::size_t position = 0; position < nodes; ++position) {
        core::Row row = {};
        row.key = key_at(keys, position, nodes);
        row.flags = core::flag::has_key;
        const std::size_t parent = parent_at(shape, position, dice);
        if (parent != no_parent) {
            row.parent = key_at(keys, parent, nodes);
            row.flags |= core::flag::has_parent;
        }
        row.parent_node = core::no_node;
        if (payload_words > 0) {
            auto* words = reinterpret_cast<core::Word*>(table.arena.allocate(payload_words * sizeof(core::Word)));
            std::fill(words, words + payload_words, position);
            row.payload = words;
        }
        table.rows.push_back(row);
        table.prefixes.push_back(dice());
    }
}

}  // namespace pg_tree::test
