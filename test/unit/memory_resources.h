// Memory that counts what is taken and given back, and fails when told to.
#pragma once

#include <algorithm>
#include <boost/container/pmr/memory_resource.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <unordered_map>

namespace pg_tree::test {

class CountingResource final : public boost::container::pmr::memory_resource {
public:
    /// The n-th allocation from now on fails, counted from 1; 0: none does.
    void fail_at(std::size_t n) { countdown_ = n; }
    bool has_failed() const { return failures_ > 0; }

    std::size_t allocations() const { return allocations_; }
    std::size_t blocks() const { return sizes_.size(); }
    std::size_t used_bytes() const { return used_bytes_; }
    std::size_t peak_bytes() const { return peak_bytes_; }
    /// Blocks given back with another size than they were taken with, or never taken.
    std::size_t mismatches() const { return mismatches_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (countdown_ > 0 && --countdown_ == 0) {
            ++failures_;
            throw std::bad_alloc();
        }
        void* block = ::operator new (bytes, std::align_val_t{alignment});
        sizes_[block] = bytes;
        ++allocations_;
        used_bytes_ += bytes;
        peak_bytes_ = std::max(peak_bytes_, used_bytes_);
        return block;
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
        const auto found = sizes_.find(block);
        if (found == sizes_.end() || found->second != bytes) {
            ++mismatches_;
            return;
        }
        sizes_.erase(found);
        used_bytes_ -= bytes;
        ::operator delete (block, std::align_val_t{alignment});
    }
    bool do_is_equal(const boost::container::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::unordered_map<void*, std::size_t> sizes_;
    std::size_t countdown_ = 0;
    std::size_t failures_ = 0;
    std::size_t allocations_ = 0;
    std::size_t used_bytes_ = 0;
    std::size_t peak_bytes_ = 0;
    std::size_t mismatches_ = 0;
};

}  // namespace pg_tree::test
