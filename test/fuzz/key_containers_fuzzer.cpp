// KeyIndex, KeySet and Interner beside the standard library's containers.
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "../unit/memory_resources.h"
#include "../unit/test_interrupts.h"
#include "byte_reader.h"
#include "core/interner.h"
#include "core/key_index.h"
#include "core/key_set.h"

namespace {

using namespace pg_tree;
using namespace pg_tree::test;
using core::Key;
using core::Node;

void must(bool truth) {
    if (!truth) {
        __builtin_trap();
    }
}

/// Near each other, near the ends of the range, or anything.
std::vector<Key> read_keys(ByteReader& bytes) {
    std::vector<Key> keys;
    while (!bytes.at_end()) {
        const std::uint8_t kind = bytes.byte();
        switch (kind % 4) {
            case 0:
                keys.push_back(bytes.byte());
                break;
            case 1:
                keys.push_back(INT64_MIN + bytes.byte());
                break;
            case 2:
                keys.push_back(INT64_MAX - bytes.byte());
                break;
            default:
                keys.push_back(static_cast<Key>(bytes.word()));
        }
        // A run of neighbours: growth and dense ranges within reach of short inputs.
        for (std::uint64_t i = 1; i < std::uint64_t{kind} / 8; ++i) {
            keys.push_back(static_cast<Key>(static_cast<std::uint64_t>(keys.back()) + 1));
        }
    }
    return keys;
}

void check_key_set(const std::vector<Key>& keys, CountingResource& memory) {
    core::KeySet seen(&memory);
    std::unordered_set<Key> expected;
    for (const Key key : keys) {
        must(seen.insert(key) == expected.insert(key).second);
    }
    for (const Key key : keys) {
        must(!seen.insert(key));
    }
}

/// `with_nulls`: every third row has no key.
void check_key_index(const std::vector<Key>& keys, bool with_nulls, CountingResource& memory) {
    NoInterrupts interrupts;
    core::Poller poller(interrupts);
    core::Vector<core::Row> rows(&memory);
    std::unordered_map<Key, Node> expected;
    Node first = core::no_node;
    Node second = core::no_node;
    for (Node node = 0; node < keys.size(); ++node) {
        core::Row row = {};
        const bool has_key = !with_nulls || node % 3 != 0;
        row.key = has_key ? keys[node] : 0;
        row.flags = has_key ? core::flag::has_key : 0;
        rows.push_back(row);
        if (has_key) {
            const auto [place, is_new] = expected.emplace(row.key, node);
            if (!is_new && second == core::no_node) {
                first = place->second;
                second = node;
            }
        }
    }
    core::KeyIndex index(&memory);
    const core::KeyIndex::Duplicate duplicate = index.build(rows, poller);
    must(duplicate.first == first && duplicate.second == second);
    if (second != core::no_node) {
        return;
    }
    for (const Key key : keys) {
        for (const std::uint64_t distance : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX, std::uint64_t{1} << 63}) {
            const Key near = static_cast<Key>(static_cast<std::uint64_t>(key) + distance);
            const auto found = expected.find(near);
            must(index.find(rows, near) == (found != expected.end() ? found->second : core::no_node));
        }
    }
}

/// `hash_mask`: the fewer bits, the more collisions.
void check_interner(const std::vector<Key>& keys, std::uint32_t hash_mask, CountingResource& memory) {
    core::Interner interner(&memory);
    std::unordered_map<Key, Key> expected;
    const auto hash = [&](Key key) {
        return static_cast<std::uint32_t>(static_cast<std::uint64_t>(key) >> 3) & hash_mask;
    };
    const auto find = [&](Key key) {
        return interner.find(hash(key), [&](core::Word word) { return static_cast<Key>(word) == key; });
    };
    for (const Key key : keys) {
        const auto known = expected.find(key);
        must(find(key) == (known != expected.end() ? known->second : core::Interner::absent));
        if (known == expected.end()) {
            const auto number = static_cast<Key>(expected.size());
            must(interner.add(hash(key), static_cast<core::Word>(key)) == number);
            expected.emplace(key, number);
        }
        must(interner.size() == expected.size());
    }
    for (const auto& [key, number] : expected) {
        must(find(key) == number && static_cast<Key>(interner.word(number)) == key);
    }
}

std::vector<Key> without_duplicates(const std::vector<Key>& keys) {
    std::vector<Key> distinct;
    std::unordered_set<Key> seen;
    for (const Key key : keys) {
        if (seen.insert(key).second) {
            distinct.push_back(key);
        }
    }
    return distinct;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    CountingResource memory;
    ByteReader bytes(data, size);
    const std::uint8_t options = bytes.byte();
    const std::vector<Key> keys = read_keys(bytes);
    check_key_set(keys, memory);
    check_key_index(keys, (options & 1) != 0, memory);
    check_key_index(without_duplicates(keys), (options & 1) != 0, memory);
    check_interner(keys, (options & 2) != 0 ? UINT32_MAX : (1U << (options >> 4)) - 1, memory);
    must(memory.blocks() == 0 && memory.mismatches() == 0);
    return 0;
}
