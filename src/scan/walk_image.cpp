// tree_walk's rows from an image.

#include "scan/walk_out.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;
using namespace walk_column;

namespace {

struct Writer {
    RowsOut& out;
    const ImageReader& reader;
    Rank start;
    Rank root;
    int64 rank;
};

std::int32_t count_children(const Image& image, Rank node) {
    std::int32_t count = 0;
    for (Rank child = node + 1; child < image.end(node); child = image.end(child)) {
        ++count;
    }
    return count;
}

/// The keys from the root down to the node; in the current context.
Datum path_to(const ImageReader& reader, Rank node) {
    const auto count = static_cast<std::size_t>(reader.image().level(node)) + 1;
    auto* keys = static_cast<Datum*>(MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(Datum)));
    for (std::size_t i = count; i-- > 0; node = reader.image().parent(node)) {
        bool null;
        reader.key(node, keys[i], null);
    }
    const Datum array = array_of_keys(keys, count, reader.form());
    pfree(keys);
    return array;
}

void put(Writer& writer, Rank node) {
    const MemoryContext caller = MemoryContextSwitchTo(writer.out.row_memory());
    const ImageReader& reader = writer.reader;
    const Image& image = reader.image();
    Datum values[columns];
    bool nulls[columns] = {};
    reader.fill_node(node, values, nulls);
    values[depth] = Int32GetDatum(image.level(node));
    values[distance] = Int32GetDatum(image.level(node) - image.level(writer.start));
    values[rank] = Int64GetDatum(++writer.rank);
    values[children] = Int32GetDatum(count_children(image, node));
    values[descendants] = Int64GetDatum(static_cast<int64>(image.size(node)) - 1);
    values[is_leaf] = BoolGetDatum(image.size(node) == 1);
    values[is_cycle] = BoolGetDatum(false);
    reader.key(writer.root, values[root_id], nulls[root_id]);
    nulls[path] = !reader.has_key(node);
    values[path] = nulls[path] ? 0 : path_to(reader, node);
    writer.out.put(values, nulls);
    MemoryContextSwitchTo(caller);
}

/// One level after the other: what of a level was put out becomes the parents of the next.
void put_breadth_first(Writer& writer, const WalkRequest& request) {
    const Image& image = writer.reader.image();
    struct List {
        Rank* items;
        std::size_t count;
    };
    // A level has no more nodes than there are below the start.
    const std::size_t most = image.size(writer.start);
    auto make = [most] {
        return List{static_cast<Rank*>(MemoryContextAllocHuge(CurrentMemoryContext, most * sizeof(Rank))), 0};
    };
    List level = make();
    List next = make();
    level.items[level.count++] = writer.start;
    for (std::int32_t distance = 1; level.count > 0 && distance <= request.max_distance; ++distance) {
        next.count = 0;
        for (std::size_t i = 0; i < level.count; ++i) {
            for (Rank child = level.items[i] + 1; child < image.end(level.items[i]); child = image.end(child)) {
                put(writer, child);
                next.items[next.count++] = child;
            }
        }
        std::swap(level, next);
        if (distance == INT32_MAX) {
            break;
        }
    }
    pfree(level.items);
    pfree(next.items);
}

}  // namespace

void put_image_walk(RowsOut& out, const ImageReader& reader, Rank start, const WalkRequest& request) {
    Rank root = start;
    while (!reader.image().is_root(root)) {
        root = reader.image().parent(root);
    }
    Writer writer = {out, reader, start, root, 0};
    if (request.include_start && request.max_distance >= 0) {
        put(writer, start);
    }
    if (request.breadth_first) {
        put_breadth_first(writer, request);
        return;
    }
    ImageSource source(reader, start, request.max_distance == INT32_MIN ? -1 : request.max_distance - 1);
    while (source.next()) {
        put(writer, source.rank());
    }
}

}  // namespace pg_tree::scan
