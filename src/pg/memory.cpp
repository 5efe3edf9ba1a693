#include "pg/memory.h"

#include "pg/fault.h"

namespace pg_tree::pg {

void* ContextResource::do_allocate(std::size_t bytes, std::size_t alignment) {
    fault_point(Fault::allocation);
    if (bytes > limit_bytes_ - std::min(used_bytes_, limit_bytes_)) {
        throw BuildMemoryExceeded(tree_, limit_bytes_);
    }
    // Beyond these two the server would raise an error of its own, which must not happen in a C++ frame.
    if (alignment > MAXIMUM_ALIGNOF || bytes > MaxAllocHugeSize) {
        throw std::bad_alloc();
    }
    void* block = MemoryContextAllocExtended(context_, std::max<std::size_t>(bytes, 1),
                                             MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    used_bytes_ += bytes;
    peak_bytes_ = std::max(peak_bytes_, used_bytes_);
    return block;
}

void ContextResource::do_deallocate(void* block, std::size_t bytes, std::size_t) {
    used_bytes_ -= bytes;
    pfree(block);
}

}  // namespace pg_tree::pg
