// From rows that were read to an image.
#pragma once

#include "core/image.h"
#include "fetch/reading.h"

namespace pg_tree::cache {

/// Measures, then writes. Made in the memory of a reading that read_everything() filled. Functions are C++ frames: they may
/// throw, and call nothing of the server's that can raise an error.
class ImageWriter {
public:
    explicit ImageWriter(const fetch::Reading& reading);

    /// Plans everything. False: the strings are too many for an image (4 GB).
    bool measure();
    std::uint64_t bytes() const { return plan_.bytes(); }
    std::uint64_t nodes() const { return plan_.order().size(); }

    /// Fills a block of bytes(), aligned to 8.
    void write(std::byte* block);

private:
    std::uint64_t node_bytes(std::uint64_t offset, core::Node node) const;
    std::uint64_t key_bytes(std::uint64_t offset, core::Key key) const;

    const fetch::Reading& reading_;
    core::ImagePlan plan_;
    bool integer_keys_;
};

}  // namespace pg_tree::cache
