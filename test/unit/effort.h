// How much the random tests do. Under the sanitizers everything takes many times longer, so there they do a part: the same kinds of
// cases, but fewer of each and smaller ones.
#pragma once

#include <cstddef>

namespace pg_tree::test {

#ifdef PG_TREE_LESS_EFFORT
inline constexpr bool less_effort = true;
#else
inline constexpr bool less_effort = false;
#endif

/// `all`, or `few` under the sanitizers.
constexpr std::size_t effort(std::size_t all, std::size_t few) { return less_effort ? few : all; }

}  // namespace pg_tree::test
