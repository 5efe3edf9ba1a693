#include "core/arena.h"

#include <algorithm>

namespace pg_tree::core {

namespace {
constexpr std::size_t largest_chunk = std::size_t{8} << 20;
}

void Arena::clear() {
    for (const Chunk& chunk : chunks_) {
        memory_->deallocate(chunk.begin, chunk.bytes, 8);
    }
    chunks_.clear();
    next_ = end_ = nullptr;
}

void Arena::add_chunk(std::size_t at_least) {
    const std::size_t bytes = std::max(chunk_bytes_, at_least);
    chunks_.reserve(chunks_.size() + 1);  // so that push_back cannot fail once the chunk is ours
    chunks_.push_back({static_cast<std::byte*>(memory_->allocate(bytes, 8)), bytes});
    next_ = chunks_.back().begin;
    end_ = next_ + bytes;
    chunk_bytes_ = std::min(chunk_bytes_ * 2, largest_chunk);
}

}  // namespace pg_tree::core
