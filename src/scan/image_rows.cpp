// Streams over an image: what they share, and which one it is.

#include "scan/image_streams.h"
#include "scan/rows_out.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;

std::int32_t count_children(const Image& image, Rank node) {
    std::int32_t count = 0;
    for (Rank child = node + 1; child < image.end(node); child = image.end(child)) {
        ++count;
    }
    return count;
}

Datum path_to(const ImageReader& reader, Rank node) {
    const auto count = static_cast<std::size_t>(reader.image().level(node)) + 1;
    auto* keys = static_cast<Datum*>(MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(Datum)));
    for (std::size_t i = count; i-- > 0; node = reader.image().parent(node)) {
        CHECK_FOR_INTERRUPTS();
        bool null;
        reader.key(node, keys[i], null);
    }
    const Datum array = array_of_keys(keys, count, reader.form());
    pfree(keys);
    return array;
}

std::int64_t rank_in_call(const Image& image, const ImageWalk& walk, Rank node) {
    if (walk.start == core::no_rank) {
        return std::int64_t{node} + 1;
    }
    if (image.is_node(walk.start)) {
        return std::int64_t{node} - walk.start + (walk.include_start ? 1 : 0);
    }
    std::int64_t before = 0;
    for (const Rank child : image.children_of_anchor(walk.start)) {
        if (node < image.end(child)) {
            return before + (node - child) + 1;
        }
        before += image.size(child);
    }
    return 0;
}

bool is_in_call(const Image& image, const ImageWalk& walk, Rank node) {
    if (image.level(node) > walk.last_level) {
        return false;
    }
    return walk.start == core::no_rank
               ? image.in_tree(node)
               : is_below(image, walk.start, node) || (walk.include_start && node == walk.start);
}

std::uint64_t nodes_of_call(const Image& image, const ImageWalk& walk) {
    if (walk.start == core::no_rank) {
        return image.header().in_tree;
    }
    if (image.is_node(walk.start)) {
        return std::uint64_t{image.size(walk.start)} - (walk.include_start ? 0 : 1);
    }
    std::uint64_t nodes = 0;
    for (const Rank child : image.children_of_anchor(walk.start)) {
        nodes += image.size(child);
    }
    return nodes;
}

std::int64_t last_level_below(const Image& image, Rank start, std::int32_t max_level) {
    return max_level < 0                                     ? -1
           : start == core::no_rank || !image.is_node(start) ? max_level
                                                             : std::int64_t{image.level(start)} + 1 + max_level;
}

NodeRows* walk_image(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    if (NodeRows* rows = pick(reader, walk, wanted)) {
        return rows;
    }
    return walk.breadth_first ? walk_breadth_first(reader, walk, wanted) : walk_in_pre_order(reader, walk, wanted);
}

bool is_below(const Image& image, Rank above, Rank node) {
    if (image.is_node(above)) {
        return node > above && node < image.end(above);
    }
    const std::span<const Rank> children = image.children_of_anchor(above);
    const auto behind = std::upper_bound(children.begin(), children.end(), node);
    return behind != children.begin() && node < image.end(*(behind - 1));
}

}  // namespace pg_tree::scan
