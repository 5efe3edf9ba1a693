// Bytes become rows with few different keys, so that cycles, orphans and duplicates are common; core and the oracle
// must agree about them.
#include <cstdio>

#include "../unit/agreement.h"
#include "../unit/forest_recipe.h"
#include "../unit/memory_resources.h"
#include "byte_reader.h"

namespace {

using namespace pg_tree;
using namespace pg_tree::test;

constexpr std::size_t most_rows = 200;
constexpr std::size_t keys_in_use = 40;

namespace bit {
constexpr unsigned null_key = 1;
constexpr unsigned null_parent = 2;
constexpr unsigned null_sort_key = 4;
constexpr unsigned rejected = 8;
}  // namespace bit

void stop_on_difference(const Model& model, const Question& question) {
    CountingResource memory;
    NoInterrupts interrupts;
    const std::string found = Comparison(model, question).run(&memory, interrupts, true);
    if (!found.empty() || memory.blocks() != 0 || memory.mismatches() != 0) {
        std::fprintf(stderr, "%s; %zu blocks left\n", found.c_str(), memory.blocks());
        __builtin_trap();
    }
}

void remove_duplicates(Model& model) {
    while (const auto duplicate = Oracle(model, core::Start::everywhere()).duplicate()) {
        model.rows.erase(model.rows.begin() + duplicate->second);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader bytes(data, size);
    const std::uint8_t options = bytes.byte();
    const std::uint8_t start = bytes.byte();
    const std::uint8_t level = bytes.byte();

    Model model;
    model.nulls_first = (options & 1) != 0;
    model.bits_beyond_prefix = (options & 2) != 0 ? 3 : 0;
    const auto pattern = static_cast<KeyPattern>(options >> 4 & 3);
    const auto key = [&](std::uint8_t byte) { return key_at(pattern, byte % keys_in_use, keys_in_use); };

    Question question;
    question.start = (options & 8) != 0 ? core::Start::everywhere() : core::Start::below(key(start));
    question.max_level = level >= 128 ? core::unlimited : static_cast<std::int32_t>(level % 16) - 1;
    question.prefix_decides = (options & 4) != 0 && model.bits_beyond_prefix == 0;

    while (!bytes.at_end() && model.rows.size() < most_rows) {
        ModelRow row;
        const std::uint8_t flags = bytes.byte();
        const Key own = key(bytes.byte());
        const Key parent = key(bytes.byte());
        if ((flags & bit::null_key) == 0) {
            row.key = own;
        }
        if ((flags & bit::null_parent) == 0) {
            row.parent = parent;
        }
        if ((flags & bit::null_sort_key) == 0) {
            row.sort_key = flags >> 4;
        } else {
            row.sort_key.reset();
        }
        row.rejected = (flags & bit::rejected) != 0;
        model.rows.push_back(row);
    }
    stop_on_difference(model, question);
    remove_duplicates(model);
    stop_on_difference(model, question);
    return 0;
}
