// tree_walk.

#include "scan/walk_out.h"
#include "sql/call.h"

namespace pg_tree::sql {

using core::Key;
using fetch::Content;

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

}  // namespace

PG_TREE_FUNCTION(tree_walk) {
    scan::RowsOut out(fcinfo);
    if (PG_ARGISNULL(0)) {
        return Datum{0};
    }
    const Question question = ask(fcinfo, 0, 1);
    const scan::WalkRequest request = {is_breadth_first(fcinfo, 2), PG_ARGISNULL(3) || PG_GETARG_BOOL(3),
                                       level_argument(fcinfo, 4), question.form};
    answer(
        question, Content::nodes,
        [&](const cache::ImageReader& reader) {
            core::Rank start;
            if (!find_argument(fcinfo, 0, reader, start)) {
                return false;
            }
            if (is_in_tree(reader, start)) {
                scan::put_image_walk(out, reader, start, request);
            }
            return true;
        },
        [&](bool leave_undone) {
            fetch::Reading* below = read(question, Content::nodes, leave_undone);
            fetch::Reading* above = fetch::begin_reading_beside(*below, Content::nodes);
            if (Key start; key_argument(fcinfo, 0, question, *below, start)) {
                const fetch::Chain* chain = fetch::read_chain(*above, start);
                if (!above->left_undone && chain->in_tree()) {
                    fetch::read_below(*below, start, core::unlimited);
                    if (!below->left_undone) {
                        fetch::arrange(*below, core::unlimited);
                        scan::put_walk(out, *above, *chain, *below, request);
                    }
                }
            }
            const bool done = !below->left_undone && !above->left_undone;
            fetch::end_reading(below);
            return done;
        });
    return Datum{0};
}

}  // namespace pg_tree::sql
