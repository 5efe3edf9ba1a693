// What a pre-order walk says about each node it met.
#pragma once

#include "core/forest.h"

namespace pg_tree::core {

/// Indexed by node; nodes that the walk did not meet have 0 descendants and are on no cycle.
struct Measures {
    explicit Measures(pmr::memory_resource* memory) : descendants(memory), on_cycle(memory) {}

    /// Distinct nodes below, the node itself not among them.
    Vector<std::uint32_t> descendants;
    /// The node lies on the cycle through the walk's start. Empty when there is no such cycle.
    Vector<bool> on_cycle;

    bool cyclic() const { return !on_cycle.empty(); }
};

/// `walk` is the forest's whole pre-order. One sweep backwards, linear.
void measure(const Forest& forest, const Walk& walk, Measures& measures);

}  // namespace pg_tree::core
