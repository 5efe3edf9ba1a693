// What stands in a block of shared memory: who may read the image, then the image.
#pragma once

#include "core/image.h"
#include "track/snapshot_list.h"

namespace pg_tree::cache {

struct BlockHead {
    std::uint64_t seal;       ///< of the watch that it was published under
    std::uint64_t published;  ///< the watch's change count then, for Rule::statement_count
    track::FullXid xmin;      ///< the snapshot that it was built with
    track::FullXid xmax;
    std::uint32_t running;  ///< how many were running
    std::uint32_t ground_bytes;
    std::uint64_t running_at;  ///< offsets from the beginning
    std::uint64_t ground_at;
    std::uint64_t image_at;
};

/// Reads a block. Trivially copyable.
class Block {
public:
    explicit Block(const std::byte* bytes) : bytes_(bytes) {}

    const BlockHead& head() const { return *reinterpret_cast<const BlockHead*>(bytes_); }
    track::SnapshotList snapshot() const {
        return {head().xmin, head().xmax, head().running,
                reinterpret_cast<const track::FullXid*>(bytes_ + head().running_at)};
    }
    std::string_view ground() const {
        return {reinterpret_cast<const char*>(bytes_ + head().ground_at), head().ground_bytes};
    }
    core::Image image() const { return core::Image(bytes_ + head().image_at); }

private:
    const std::byte* bytes_;
};

}  // namespace pg_tree::cache
