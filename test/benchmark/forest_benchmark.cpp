// What the steps of a read cost in core alone, without a server: random recursive trees whose rows come in random order
// of sort keys.
#include <benchmark/benchmark.h>

#include <memory>

#include "../unit/forest_recipe.h"
#include "../unit/test_interrupts.h"
#include "core/forest.h"

namespace {

using namespace pg_tree;
using namespace pg_tree::test;

class RandomTree {
public:
    explicit RandomTree(const benchmark::State& state) : table_(memory_), forest_(table_, memory_, interrupts_) {
        Dice dice(1);
        fill_table(table_, Shape::random_recursive, state.range(1) == 0 ? KeyPattern::dense : KeyPattern::sparse,
                   static_cast<std::size_t>(state.range(0)), 0, dice);
    }

    core::NodeTable& table() { return table_; }
    core::Forest& forest() { return forest_; }
    core::pmr::memory_resource* memory() { return memory_; }
    core::Interrupts& interrupts() { return interrupts_; }

private:
    core::pmr::memory_resource* memory_ = core::pmr::new_delete_resource();
    NoInterrupts interrupts_;
    core::NodeTable table_;
    core::Forest forest_;
};

void count_nodes(benchmark::State& state) { state.SetItemsProcessed(state.iterations() * state.range(0)); }

void link(benchmark::State& state) {
    RandomTree tree(state);
    for (auto _ : state) {
        core::Forest forest(tree.table(), tree.memory(), tree.interrupts());
        benchmark::DoNotOptimize(forest.link(core::Start::everywhere()));
    }
    count_nodes(state);
}

void sort_children(benchmark::State& state) {
    RandomTree tree(state);
    for (auto _ : state) {
        // Each time from the order of arrival: what is sorted already sorts faster.
        state.PauseTiming();
        auto forest = std::make_unique<core::Forest>(tree.table(), tree.memory(), tree.interrupts());
        forest->link(core::Start::everywhere());
        state.ResumeTiming();
        benchmark::DoNotOptimize(forest->sort_children(true, core::unlimited).size());
        state.PauseTiming();
        forest.reset();
        state.ResumeTiming();
    }
    count_nodes(state);
}

void walk_depth_first(benchmark::State& state) {
    RandomTree tree(state);
    tree.forest().link(core::Start::everywhere());
    tree.forest().sort_children(true, core::unlimited);
    for (auto _ : state) {
        core::Walk walk(tree.memory());
        tree.forest().walk_depth_first(core::unlimited, walk);
        benchmark::DoNotOptimize(walk.nodes.data());
    }
    count_nodes(state);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"nodes", "sparse"})
        ->ArgsProduct({{10'000, 100'000, 1'000'000}, {0, 1}})
        ->Unit(benchmark::kMillisecond);
}

BENCHMARK(link)->Apply(sizes);
BENCHMARK(sort_children)->Apply(sizes);
BENCHMARK(walk_depth_first)->Apply(sizes);

}  // namespace
