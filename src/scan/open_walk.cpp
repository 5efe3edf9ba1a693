// tree_walk.

#include "scan/image_rows.h"
#include "scan/question.h"
#include "scan/rows_out.h"
#include "scan/table_rows.h"

namespace pg_tree::scan {

using core::Key;
using core::Rank;
using fetch::Content;
using fetch::Reading;

namespace {

bool is_breadth_first(FunctionCallInfo fcinfo, int position) {
    const char* search = text_argument(fcinfo, position);
    if (search == nullptr || strcmp(search, "depth") == 0) {
        return false;
    }
    if (strcmp(search, "breadth") == 0) {
        return true;
    }
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown search order \"%s\"", search),
            errhint("Write 'depth' or 'breadth'."));
    pg_unreachable();
}

struct WalkRequest {
    bool breadth_first;
    bool include_start;
    std::int32_t max_distance;  ///< of what comes out; core::unlimited for all
};

ImageWalk walk_from(const core::Image& image, Rank start, const WalkRequest& request) {
    ImageWalk walk;
    walk.start = start;
    walk.include_start = request.include_start;
    walk.breadth_first = request.breadth_first;
    walk.last_level = request.max_distance < 0 ? -1 : std::int64_t{image.level(start)} + request.max_distance;
    walk.distance_base = image.level(start);
    return walk;
}

NodeRows* from_image(const cache::ImageReader& reader, Rank start, const WalkRequest& request, const Wanted& wanted) {
    const core::Image& image = reader.image();
    ImageWalk walk = walk_from(image, start, request);
    if (wanted.places.wants(Column::root_id)) {
        walk.root = image.root_of(start);
    }
    return walk_image(reader, walk, wanted);
}

/// Below the level that is asked for, nobody looks at a node unless something is asked about what stands below.
bool needs_every_level(const fetch::Chain& chain, const Wanted& wanted) {
    if (chain.end != fetch::Chain::End::root || wanted.conditions.leaf != Conditions::Leaf::any) {
        return true;
    }
    for (const Column column : {Column::children, Column::descendants, Column::is_leaf}) {
        if (wanted.places.wants(column)) {
            return true;
        }
    }
    return false;
}

/// Reads below the start of the chain. Null: that was left undone.
Rows* from_table(Reading& above, const fetch::Chain& chain, Reading& below, Key start, fetch::KeyForm form,
                 const WalkRequest& request, const Wanted& wanted) {
    const bool every_level = needs_every_level(chain, wanted);
    const std::int32_t last_level = request.max_distance < 0 || request.max_distance == core::unlimited
                                        ? request.max_distance
                                        : request.max_distance - 1;
    fetch::read_below(below, start, every_level ? core::unlimited : last_level);
    if (below.left_undone) {
        return nullptr;
    }
    fetch::arrange(below, every_level ? core::unlimited : last_level);
    TableWalk walk;
    core::Measures* measures = nullptr;
    if (every_level) {
        measures = pg::make_in_context<core::Measures>(below.context, below.memory);
        const core::Walk* whole = walk_depth_first(below, core::unlimited);
        pg::enter([&] { core::measure(*below.forest, *whole, *measures); });
        walk.walk = whole;
    }
    if (request.breadth_first) {
        walk.walk = walk_breadth_first(below, last_level);
    } else if (!every_level || request.max_distance != core::unlimited) {
        walk.walk = walk_depth_first(below, last_level);
    }
    walk.below = &below;
    walk.form = form;
    if (request.include_start && request.max_distance >= 0) {
        walk.start = &above.table->rows[chain.nodes[0]];
    }
    walk.above = &above;
    walk.has_depth = chain.end == fetch::Chain::End::root;
    walk.depth_base = chain.depth() + 1;
    walk.chain = &chain;
    walk.measures = measures;
    return walk_table(walk, wanted);
}

OpenCall open_walk(FunctionCallInfo fcinfo, const Wanted& wanted) {
    if (PG_ARGISNULL(0)) {
        return {};
    }
    const Question question = ask(fcinfo, 0, 1);
    const WalkRequest request = {is_breadth_first(fcinfo, 2), PG_ARGISNULL(3) || PG_GETARG_BOOL(3),
                                 level_argument(fcinfo, 4)};
    return open_rows(
        question, Content::nodes,
        [&](const cache::ImageReader& reader, Rows*& rows) {
            Rank start;
            if (!find_argument(fcinfo, 0, reader, start)) {
                return false;
            }
            if (is_in_tree(reader, start)) {
                rows = from_image(reader, start, request, wanted);
            }
            return true;
        },
        [&](Reading& below, Rows*& rows) {
            Reading* above = fetch::begin_reading_beside(below, Content::nodes);
            Key start;
            if (!key_argument(fcinfo, 0, question, below, start)) {
                return true;
            }
            const fetch::Chain* chain = fetch::read_chain(*above, start);
            if (above->left_undone || !chain->in_tree()) {
                return !above->left_undone;
            }
            rows = from_table(*above, *chain, below, start, question.form, request, wanted);
            return !below.left_undone;
        });
}

double estimate_walk(const cache::ImageReader& reader, Rank start, const PlannedArgument* arguments,
                     const Conditions& conditions) {
    if (!is_in_tree(reader, start)) {
        return 0;
    }
    WalkRequest request = {false, true, core::unlimited};
    if (arguments[3].known && !arguments[3].null) {
        request.include_start = DatumGetBool(arguments[3].value);
    }
    request.max_distance = limit_of(arguments[4]);
    return count_image(reader, walk_from(reader.image(), start, request), conditions);
}

}  // namespace

constexpr SetFunction tree_walk = {
    "tree_walk",
    stats::Function::walk,
    open_walk,
    13,
    {Column::id, Column::code, Column::name, Column::parent_id, Column::depth, Column::distance, Column::rank,
     Column::children, Column::descendants, Column::is_leaf, Column::is_cycle, Column::root_id, Column::path},
    0,
    1,
    false,
    estimate_walk,
    [](const core::Image& image) { return image.average_level() + 1; },
    Column::rank};

}  // namespace pg_tree::scan
