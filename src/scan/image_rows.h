// Rows from an image.
#pragma once

#include "cache/image_reader.h"
#include "scan/rows.h"

namespace pg_tree::scan {

/// Which of an image's nodes a call puts out, and what it says of them.
struct ImageWalk {
    /// The nodes below this node or anchor; no_rank: the whole forest.
    core::Rank start = core::no_rank;
    bool include_start = false;  ///< `start` is a node
    bool breadth_first = false;
    bool only_leaves = false;
    /// Of the levels that come out, the last. Levels are the image's own: 0 for roots.
    std::int64_t last_level = core::unlimited;
    core::Rank except = core::no_rank;  ///< left out
    core::Rank after = core::no_rank;   ///< begin behind this node
    std::size_t most = SIZE_MAX;        ///< end after so many

    std::int32_t level_base = 0;     ///< the level at which Column::level is 0
    std::int32_t distance_base = 0;  ///< the same for Column::distance
    bool has_depth = true;           ///< the nodes are in the tree
    core::Rank root = core::no_rank;
};

/// The last level of a walk below `start` down to `max_level`, which counts the first generation as 0.
std::int64_t last_level_below(const core::Image& image, core::Rank start, std::int32_t max_level);

/// Rows that are nodes of an image.
class NodeRows : public Rows {
public:
    /// The node of the row that came last.
    core::Rank node() const { return node_; }

protected:
    ~NodeRows() = default;
    core::Rank node_ = core::no_rank;
};

/// In pre-order or breadth-first.
NodeRows* walk_image(const cache::ImageReader& reader, const ImageWalk& walk, const Wanted& wanted);

/// The nodes above one that is in the tree, the root first.
NodeRows* climb_image(const cache::ImageReader& reader, core::Rank node, const Wanted& wanted);

/// How many rows walk_image() would give, for the planner: exact where it takes no more than looking at some ten thousand nodes, else from
/// a sample.
double count_image(const cache::ImageReader& reader, const ImageWalk& walk, const Conditions& conditions);

/// The keys from the root down to a node that is in the tree, as an array; in the current context.
Datum path_to(const cache::ImageReader& reader, core::Rank node);

/// Does the node stand below the other, a node or an anchor?
bool is_below(const core::Image& image, core::Rank above, core::Rank node);

}  // namespace pg_tree::scan
