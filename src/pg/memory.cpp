#include "pg/memory.h"

#include <sys/mman.h>

#include "pg/fault.h"

namespace pg_tree::pg {

namespace {

/// A tree's rows are visited in an order that memory does not have, and over tens of megabytes the look-up of 4 kB pages adds
/// to every miss (measured: a fourteenth of the time of a large read). Where the system offers huge pages on request, large
/// blocks ask for them; where it does not, this changes nothing.
void ask_for_huge_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
    constexpr std::uintptr_t huge_page = std::uintptr_t{2} << 20;
    if (bytes < 2 * huge_page) {
        return;
    }
    const auto begin = (reinterpret_cast<std::uintptr_t>(block) + huge_page - 1) & ~(huge_page - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(block) + bytes) & ~(huge_page - 1);
    if (begin < end) {
        (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
    }
#endif
}

}  // namespace

void* ContextResource::do_allocate(std::size_t bytes, std::size_t alignment) {
    fault_point(Fault::allocation);
    if (bytes > limit_bytes_ - std::min(used_bytes_, limit_bytes_)) {
        throw BuildMemoryExceeded(tree_, limit_bytes_);
    }
    // Beyond these two the server would raise an error of its own, which must not happen in a C++ frame.
    if (alignment > MAXIMUM_ALIGNOF || bytes > MaxAllocHugeSize) {
        throw std::bad_alloc();
    }
    void* block =
        MemoryContextAllocExtended(context_, std::max<std::size_t>(bytes, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    ask_for_huge_pages(block, bytes);
    used_bytes_ += bytes;
    return block;
}

void ContextResource::do_deallocate(void* block, std::size_t bytes, std::size_t) {
    used_bytes_ -= bytes;
    pfree(block);
}

}  // namespace pg_tree::pg
