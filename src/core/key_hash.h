#pragma once

#include <cstdint>

namespace pg_tree::core {

/// The finalizer of MurmurHash3 (Austin Appleby, public domain): keys may come in any pattern, an attacker's too.
inline std::uint64_t hash_key(std::int64_t key) {
    auto bits = static_cast<std::uint64_t>(key);
    bits ^= bits >> 33;
    bits *= 0xff51afd7ed558ccdULL;
    bits ^= bits >> 33;
    bits *= 0xc4ceb9fe1a85ec53ULL;
    bits ^= bits >> 33;
    return bits;
}

}  // namespace pg_tree::core
