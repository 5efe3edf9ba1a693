// Many small blocks that are freed together.
//
// Chunks double up to eight megabytes, enough for huge pages, and then stay so: a doubling without end (as of a monotonic
// buffer) would leave a third of a large tree's string memory unused. Addresses never change.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/polymorphic_allocator.hpp>
#include <boost/container/vector.hpp>
#include <cstddef>
#include <cstdint>

namespace pg_tree::core {

class Arena {
public:
    explicit Arena(boost::container::pmr::memory_resource* memory) : memory_(memory), chunks_(memory) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() { clear(); }

    /// Frees every block.
    void clear();

    /// `bytes` of uninitialised memory, aligned to 8.
    std::byte* allocate(std::size_t bytes) {
        bytes = (bytes + 7) & ~std::size_t{7};
        if (bytes > static_cast<std::size_t>(end_ - next_)) {
            add_chunk(bytes);
        }
        std::byte* block = next_;
        next_ += bytes;
        return block;
    }

private:
    struct Chunk {
        std::byte* begin;
        std::size_t bytes;
    };

    void add_chunk(std::size_t at_least);

    boost::container::pmr::memory_resource* memory_;
    boost::container::vector<Chunk, boost::container::pmr::polymorphic_allocator<Chunk>> chunks_;
    std::byte* next_ = nullptr;
    std::byte* end_ = nullptr;
    std::size_t chunk_bytes_ = 2048;
};

}  // namespace pg_tree::core
