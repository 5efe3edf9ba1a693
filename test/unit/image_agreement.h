// Makes an image of a model's whole forest and compares all that can be asked of it with the oracle. As in agreement.h an empty string is
// agreement.
#pragma once

#include <cstring>
#include <memory>

#include "agreement.h"
#include "core/image.h"

namespace pg_tree::test {

/// How the index is made, and what is put where an image has room for its writer.
enum class StoredKeys {
    integers,  ///< keys are themselves
    colliding  ///< found by a hash that many keys share; stored turned round, as only their writer knows them
};

inline Key stored_form(StoredKeys keys, Key key) { return keys == StoredKeys::integers ? key : ~key; }
inline std::uint64_t colliding_hash(Key key) { return static_cast<std::uint64_t>(key) % 5; }

/// An image in memory that ends where the image does, so that a sanitizer sees what is written or read behind it.
class OwnedImage {
public:
    explicit OwnedImage(std::size_t bytes) : words_(new std::uint64_t[bytes / sizeof(std::uint64_t)]) {
        std::memset(words_.get(), 0xaa, bytes);
    }
    std::byte* block() { return reinterpret_cast<std::byte*>(words_.get()); }
    core::Image image() const { return core::Image(reinterpret_cast<const std::byte*>(words_.get())); }

private:
    std::unique_ptr<std::uint64_t[]> words_;
};

/// Each node's payload: its row's number, in as many bytes as the number's last digit and four.
inline std::size_t payload_size(Node node) { return sizeof(Node) + node % 10; }

/// Plans, lays out and writes, as the writer of images does. The forest was linked everywhere and sorted.
inline OwnedImage write_image(const core::Forest& forest, core::ImagePlan& plan, StoredKeys keys) {
    plan.make(forest);
    std::uint64_t payload_bytes = 0;
    for (const Node node : plan.order()) {
        payload_bytes += payload_size(node);
    }
    plan.lay_out(forest, keys == StoredKeys::integers, payload_bytes);
    OwnedImage owned(plan.bytes());
    plan.write(forest, owned.block());
    core::ImageArrays arrays(owned.block());
    const core::Vector<core::Row>& rows = forest.table().rows;
    const auto enter = [&](core::Rank rank, Key key) {
        arrays.keys[rank] = stored_form(keys, key);
        if (keys == StoredKeys::integers) {
            arrays.enter_key(rank, key);
        } else {
            arrays.enter_hashed(rank, colliding_hash(key));
        }
    };
    std::uint32_t offset = 0;
    for (core::Rank rank = 0; rank < plan.order().size(); ++rank) {
        const Node node = plan.order()[rank];
        if (rows[node].has_key()) {
            enter(rank, rows[node].key);
        } else {
            arrays.keys[rank] = 0;
        }
        arrays.payloads[rank] = offset;
        std::memset(arrays.payload + offset, 0xff, payload_size(node));
        std::memcpy(arrays.payload + offset, &node, sizeof node);
        offset += static_cast<std::uint32_t>(payload_size(node));
    }
    arrays.keys[plan.order().size()] = 0;
    for (std::size_t anchor = 1; anchor < plan.anchors(); ++anchor) {
        enter(static_cast<core::Rank>(plan.order().size() + anchor), plan.anchor_key(anchor));
    }
    return owned;
}

class ImageComparison {
public:
    ImageComparison(const Model& model, StoredKeys keys, bool prefix_decides)
        : model_(model), keys_(keys), prefix_decides_(prefix_decides), oracle_(model, core::Start::everywhere()) {
        for (Node node = 0; node < model.rows.size(); ++node) {
            const ModelRow& row = model.rows[node];
            if (row.parent && !row.rejected && !row.is_its_own_parent()) {
                below_[*row.parent].push_back(node);
            }
        }
    }

    /// The model has no duplicates inside its filter.
    std::string run(core::pmr::memory_resource* memory, core::Interrupts& interrupts) {
        core::NodeTable table(memory);
        fill(table, model_);
        core::Forest forest(table, memory, interrupts);
        check("duplicates", core::no_node, forest.link(core::Start::everywhere()).second);
        if (!difference_.empty()) {
            return difference_;
        }
        settle(forest, forest.sort_everything(prefix_decides_), oracle_);
        core::ImagePlan plan(memory);
        const OwnedImage owned = write_image(forest, plan, keys_);
        expect_nodes();
        check("rows in the order of ranks", nodes_, to_vector({plan.order().data(), plan.order().size()}));
        if (difference_.empty()) {
            check_header(plan, owned.image());
            check_nodes(owned.image());
            check_anchors(owned.image());
            check_finding(owned.image());
        }
        return difference_;
    }

private:
    template <class T>
    void check(const char* what, const T& expected, const T& actual, std::optional<Key> at = std::nullopt) {
        if (difference_.empty() && !(expected == actual)) {
            std::ostringstream out;
            out << what;
            if (at) {
                out << " of " << *at;
            }
            out << ": expected ";
            print(out, expected);
            out << ", got ";
            print(out, actual);
            difference_ = out.str();
        }
    }
    template <class T>
    static void print(std::ostream& out, const T& value) {
        if constexpr (std::is_enum_v<T>) {
            out << static_cast<std::uint32_t>(value);
        } else {
            out << value;
        }
    }
    template <class T>
    static void print(std::ostream& out, const std::vector<T>& values) {
        out << '[';
        for (std::size_t i = 0; i < values.size() && i < 16; ++i) {
            out << (i > 0 ? " " : "") << values[i];
        }
        out << (values.size() > 16 ? " ...]" : "]");
    }

    /// The row that its key stands for, if it has one.
    bool is_found_by_its_key(Node node) const {
        const auto& key = model_.rows[node].key;
        return key && oracle_.find(*key) == node;
    }

    /// First the forest, then what hangs from each rejected row, in the order in which those arrived.
    void expect_nodes() {
        const auto add = [&](const Visit& visit, bool in_tree) {
            rank_of_[visit.node] = static_cast<core::Rank>(nodes_.size());
            nodes_.push_back(visit.node);
            levels_.push_back(visit.level);
            in_tree_ += in_tree ? 1 : 0;
        };
        for (const Visit& visit : oracle_.depth_first(core::unlimited)) {
            add(visit, true);
        }
        for (Node node = 0; node < model_.rows.size(); ++node) {
            const ModelRow& row = model_.rows[node];
            if (row.rejected && is_found_by_its_key(node)) {
                for (const Visit& visit : Oracle(model_, core::Start::below(*row.key)).depth_first(core::unlimited)) {
                    add(visit, false);
                }
            }
        }
    }

    void check_header(const core::ImagePlan& plan, const core::Image& image) {
        const core::ImageHeader& header = image.header();
        std::int32_t deepest = 0;
        bool null_keys = false;
        for (std::size_t rank = 0; rank < nodes_.size(); ++rank) {
            deepest = std::max(deepest, levels_[rank]);
            null_keys = null_keys || !model_.rows[nodes_[rank]].key;
        }
        check("nodes", nodes_.size(), std::size_t{image.nodes()});
        check("nodes in the tree", in_tree_, header.in_tree);
        check("nodes in the tree, of the plan", in_tree_, plan.in_tree());
        check("bytes", plan.bytes(), header.bytes);
        check("deepest", static_cast<std::uint32_t>(deepest), header.deepest);
        check("has_null_keys", null_keys, header.has_null_keys != 0);
        std::uint32_t roots = 0;
        std::uint32_t leaves = 0;
        std::uint64_t level_sum = 0;
        std::uint64_t leaf_level_sum = 0;
        for (std::size_t rank = 0; rank < in_tree_; ++rank) {
            const bool leaf = oracle_.below(nodes_[rank]).empty();
            roots += levels_[rank] == 0 ? 1 : 0;
            leaves += leaf ? 1 : 0;
            level_sum += static_cast<std::uint64_t>(levels_[rank]);
            leaf_level_sum += leaf ? static_cast<std::uint64_t>(levels_[rank]) : 0;
        }
        check("roots", roots, header.roots);
        check("leaves", leaves, header.leaves);
        check("sum of levels", level_sum, header.level_sum);
        check("sum of the leaves' levels", leaf_level_sum, header.leaf_level_sum);
    }

    /// The children's ranks, in order.
    std::vector<core::Rank> ranks_of_children(Node node) const {
        std::vector<core::Rank> ranks;
        for (const Node child : oracle_.in_order(oracle_.children(node))) {
            ranks.push_back(rank_of_.at(child));
        }
        return ranks;
    }

    void check_nodes(const core::Image& image) {
        for (core::Rank rank = 0; rank < nodes_.size() && difference_.empty(); ++rank) {
            const Node node = nodes_[rank];
            const ModelRow& row = model_.rows[node];
            check("key", row.key ? stored_form(keys_, *row.key) : 0, image.key(rank), node);
            check("is_node", true, image.is_node(rank), node);
            check("in_tree", rank < in_tree_, image.in_tree(rank), node);
            check("level", levels_[rank], image.level(rank), node);
            check("size", static_cast<std::uint32_t>(oracle_.below(node).size()) + 1, image.size(rank), node);
            check("end", rank + image.size(rank), image.end(rank), node);
            Node payload;
            std::memcpy(&payload, image.payload(rank), sizeof payload);
            check("payload", node, payload, node);
            image.prefetch(rank);

            std::vector<core::Rank> children;
            for (core::Rank child = rank + 1; child < image.end(rank); child = image.end(child)) {
                children.push_back(child);
            }
            check("children by hopping over sizes", ranks_of_children(node), children, node);
            for (const core::Rank child : children) {
                check("parent", rank, image.parent(child), nodes_[child]);
                check("is_root", false, image.is_root(child), nodes_[child]);
            }
            if (levels_[rank] == 0) {
                check("is_root of a node at level 0", true, image.is_root(rank), node);
                check("parent of one that is its own", row.is_its_own_parent(), image.parent(rank) == rank, node);
                if (!row.is_its_own_parent()) {
                    check_parent_anchor(image, row.parent, image.parent(rank), node);
                }
            }
        }
    }

    void check_parent_anchor(const core::Image& image, const std::optional<Key>& parent, core::Rank rank, Node node) {
        check("the parent is an anchor", true, rank >= image.nodes() && rank < image.nodes() + image.header().anchors,
              node);
        if (difference_.empty() && parent) {
            check("key of the parent's anchor", stored_form(keys_, *parent), image.key(rank), node);
        } else if (difference_.empty()) {
            check("rank of the parentless", image.nodes(), rank, node);
        }
    }

    core::Rank find(const core::Image& image, Key key) const {
        return keys_ == StoredKeys::integers ? image.find(key)
                                             : image.find_hashed(colliding_hash(key), [&](Key stored) {
                                                   return stored == stored_form(keys_, key);
                                               });
    }

    /// Those of a generation that are nodes, as ranks in order; what is rejected never is.
    std::vector<core::Rank> ranks_in_order(std::vector<Node> generation) const {
        std::vector<core::Rank> ranks;
        for (const Node node : oracle_.in_order(std::move(generation))) {
            ranks.push_back(rank_of_.at(node));
        }
        return ranks;
    }

    void check_anchors(const core::Image& image) {
        std::vector<Node> parentless;
        for (Node node = 0; node < model_.rows.size(); ++node) {
            if (!model_.rows[node].rejected && !model_.rows[node].parent) {
                parentless.push_back(node);
            }
        }
        check("kind of the first anchor", core::AnchorKind::parentless, image.anchor(image.nodes()).kind);
        check("the parentless", ranks_in_order(parentless), to_vector(image.children_of_anchor(image.nodes())));
        std::size_t children = 0;
        for (core::Rank rank = image.nodes(); rank < image.nodes() + image.header().anchors; ++rank) {
            check("is_node of an anchor", false, image.is_node(rank));
            check("in_tree of an anchor", false, image.in_tree(rank));
            children += image.children_of_anchor(rank).size();
            if (rank > image.nodes() && difference_.empty()) {
                check("an anchor is found by its key", rank,
                      find(image, keys_ == StoredKeys::integers ? image.key(rank) : ~image.key(rank)), rank);
            }
        }
        check("children of anchors", std::size_t{image.header().anchor_children}, children);
    }

    /// Every key that some row speaks of, and those beside them.
    std::set<Key> questions() const {
        std::set<Key> keys = {0, 1, -1, std::numeric_limits<Key>::min(), std::numeric_limits<Key>::max()};
        for (const ModelRow& row : model_.rows) {
            for (const std::optional<Key>& key : {row.key, row.parent}) {
                for (const std::uint64_t distance : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
                    if (key) {
                        keys.insert(static_cast<Key>(static_cast<std::uint64_t>(*key) + distance));
                    }
                }
            }
        }
        return keys;
    }

    void check_finding(const core::Image& image) {
        for (const Key key : questions()) {
            const core::Rank found = find(image, key);
            const std::optional<Node> node = oracle_.find(key);
            const auto named = below_.find(key);
            const std::vector<Node> below = named != below_.end() ? named->second : std::vector<Node>{};
            if (node && rank_of_.contains(*node)) {
                check("rank", rank_of_.at(*node), found, key);
            } else if (node && !model_.rows[*node].rejected) {
                check_anchor(image, key, found, core::AnchorKind::cyclic, {});
            } else if (below.empty()) {
                check("rank of what there is not", core::no_rank, found, key);
            } else {
                check_anchor(image, key, found, node ? core::AnchorKind::rejected : core::AnchorKind::missing, below);
            }
        }
    }

    void check_anchor(const core::Image& image, Key key, core::Rank found, core::AnchorKind kind,
                      const std::vector<Node>& below) {
        check("is an anchor", true,
              found != core::no_rank && found > image.nodes() && found < image.nodes() + image.header().anchors, key);
        if (!difference_.empty()) {
            return;
        }
        check("kind", kind, image.anchor(found).kind, key);
        check("what stands right below", ranks_in_order(below), to_vector(image.children_of_anchor(found)), key);
        for (const core::Rank child : image.children_of_anchor(found)) {
            check("parent of what stands right below", found, image.parent(child), key);
        }
    }

    const Model& model_;
    StoredKeys keys_;
    bool prefix_decides_;
    Oracle oracle_;
    std::map<Key, std::vector<Node>> below_;  ///< those who name a key as their parent's
    // What is expected:
    std::vector<Node> nodes_;  ///< by rank
    std::vector<std::int32_t> levels_;
    std::map<Node, core::Rank> rank_of_;
    core::Rank in_tree_ = 0;
    std::string difference_;
};

inline std::string image_difference(const Model& model, StoredKeys keys, bool prefix_decides) {
    NoInterrupts interrupts;
    return ImageComparison(model, keys, prefix_decides).run(core::pmr::new_delete_resource(), interrupts);
}

}  // namespace pg_tree::test
