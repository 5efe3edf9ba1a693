// C++ memory that belongs to a server memory context.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>

#include "pg/error.h"

namespace pg_tree::pg {

/// Allocates from a memory context, never raises a server error: exhaustion is std::bad_alloc, more than the limit is
/// BuildMemoryExceeded. Blocks still held when the context goes, go with it.
class ContextResource final : public boost::container::pmr::memory_resource {
public:
    /// `tree` names what the memory is for in the error; it must outlive the resource.
    ContextResource(MemoryContext context, const char* tree, std::size_t limit_bytes) noexcept
        : context_(context), tree_(tree), limit_bytes_(limit_bytes) {}

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const boost::container::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    MemoryContext context_;
    const char* tree_;
    std::size_t limit_bytes_;
    std::size_t used_bytes_ = 0;
};

/// Makes a T that lives as long as `context`: its destructor runs when the context is reset or deleted, in the middle of
/// an error too. A server frame.
template <class T, class... Arguments>
T* make_in_context(MemoryContext context, Arguments&&... arguments) {
    static_assert(alignof(T) <= MAXIMUM_ALIGNOF);
    void* place = MemoryContextAlloc(context, sizeof(T));
    auto* callback = static_cast<MemoryContextCallback*>(MemoryContextAlloc(context, sizeof(MemoryContextCallback)));
    T* object = enter([&] { return ::new (place) T(std::forward<Arguments>(arguments)...); });
    callback->func = [](void* argument) { static_cast<T*>(argument)->~T(); };
    callback->arg = object;
    MemoryContextRegisterResetCallback(context, callback);
    return object;
}

}  // namespace pg_tree::pg
