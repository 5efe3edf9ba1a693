// Everything that core does for one read, from the first row to the measures, as one call: for tests that disturb it.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "agreement.h"
#include "core/interner.h"
#include "core/key_set.h"
#include "forest_recipe.h"

namespace pg_tree::test {

/// What came out, in memory of its own.
struct PipelineAnswer {
    std::vector<Key> numbers;       ///< of the rows' keys as text, with most hashes colliding
    std::vector<bool> first_times;  ///< whether the key set had not seen the parent's key
    std::vector<Visit> depth_first;
    std::vector<Visit> breadth_first;
    std::vector<std::uint32_t> descendants;
    std::vector<bool> on_cycle;
    std::vector<core::Word> payload;
    bool operator==(const PipelineAnswer&) const = default;
};

inline void fill_with_payload(core::NodeTable& table, const Model& model) {
    for (Node node = 0; node < model.rows.size(); ++node) {
        core::Row row = to_row(model, node);
        auto* words = reinterpret_cast<core::Word*>(table.arena.allocate(2 * sizeof(core::Word)));
        words[0] = node;
        words[1] = ~core::Word{node};
        row.payload = words;
        table.rows.push_back(row);
        table.prefixes.push_back(model.prefix(node).value_or(0));
        table.null_sort_keys = table.null_sort_keys || !model.rows[node].sort_key;
    }
}

/// Throws what the memory or the interrupts throw.
inline PipelineAnswer run_pipeline(const Model& model, core::Start start, core::pmr::memory_resource* memory,
                                   core::Interrupts& interrupts) {
    PipelineAnswer answer;
    core::Interner interner(memory);
    core::KeySet seen(memory);
    core::NodeTable table(memory);
    core::Forest forest(table, memory, interrupts);
    core::Walk depth_first(memory);
    core::Walk breadth_first(memory);
    core::Measures measures(memory);

    for (const ModelRow& row : model.rows) {
        const std::string text = std::to_string(row.key.value_or(0));
        const auto hash = static_cast<std::uint32_t>(row.key.value_or(0)) / 8;
        Key number = interner.find(hash, [&](core::Word word) { return text == reinterpret_cast<const char*>(word); });
        if (number == core::Interner::absent) {
            std::byte* copy = interner.arena().allocate(text.size() + 1);
            std::memcpy(copy, text.c_str(), text.size() + 1);
            number = interner.add(hash, reinterpret_cast<core::Word>(copy));
        }
        answer.numbers.push_back(number);
        answer.first_times.push_back(seen.insert(row.parent.value_or(0)));
    }

    fill_with_payload(table, model);
    forest.link(start);
    const Oracle oracle(model, start);
    settle(forest, forest.sort_children(false, core::unlimited), oracle);
    forest.walk_depth_first(core::unlimited, depth_first);
    forest.walk_breadth_first(core::unlimited, breadth_first);
    core::measure(forest, depth_first, measures);

    answer.depth_first = to_visits(depth_first);
    answer.breadth_first = to_visits(breadth_first);
    answer.descendants.assign(measures.descendants.begin(), measures.descendants.end());
    answer.on_cycle.assign(measures.on_cycle.begin(), measures.on_cycle.end());
    for (const core::Row& row : table.rows) {
        answer.payload.insert(answer.payload.end(), {row.payload[0], row.payload[1]});
    }
    return answer;
}

}  // namespace pg_tree::test
