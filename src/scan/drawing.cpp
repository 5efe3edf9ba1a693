#include "scan/drawing.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pg_tree::scan {

using fetch::Reading;

namespace {

constexpr std::int32_t deepest_branches = 40;

struct Strokes {
    const char* child;
    const char* last_child;
    const char* open;    // beside the descendants of a node that has younger siblings
    const char* closed;  // beside those of a last child
};
constexpr Strokes box = {"├── ", "└── ", "│   ", "    "};
constexpr Strokes ascii = {"|-- ", "`-- ", "|   ", "    "};

/// A name is one line in the drawing, whatever is in it.
void append_on_one_line(StringInfo line, const char* label) {
    for (; *label != '\0'; ++label) {
        appendStringInfoChar(line, static_cast<unsigned char>(*label) < ' ' ? ' ' : *label);
    }
}

void put_line(RowsOut& out, const StringInfoData& line) {
    const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
    const Datum value = PointerGetDatum(cstring_to_text_with_len(line.data, line.len));
    const bool null = false;
    out.put(&value, &null);
    MemoryContextSwitchTo(caller);
}

bool is_last_sibling(const core::Forest& forest, core::Node node) {
    std::span<const core::Node> siblings = forest.children_of(forest.table().rows[node].parent_node);
    if (siblings.back() == forest.start_node()) {  // a cycle through the start: it is not drawn again
        siblings = siblings.first(siblings.size() - 1);
    }
    return siblings.back() == node;
}

}  // namespace

void draw(RowsOut& out, const Reading& above, const core::Row& self, const Reading& below, const core::Walk& walk) {
    const Strokes& strokes = GetDatabaseEncoding() == PG_UTF8 ? box : ascii;
    StringInfoData line;
    initStringInfo(&line);
    append_on_one_line(&line, label(above, self));
    put_line(out, line);

    bool last_at[deepest_branches + 1] = {};
    for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
        const core::Node node = walk.nodes[i];
        const std::int32_t level = walk.levels[i];
        const bool is_last = is_last_sibling(*below.forest, node);
        resetStringInfo(&line);
        if (level > deepest_branches) {
            appendStringInfo(&line, "[%d] ", level);
        } else {
            last_at[level] = is_last;
            for (std::int32_t outer = 0; outer < level; ++outer) {
                appendStringInfoString(&line, last_at[outer] ? strokes.closed : strokes.open);
            }
        }
        appendStringInfoString(&line, is_last ? strokes.last_child : strokes.child);
        char* name = label(below, below.table->rows[node]);
        append_on_one_line(&line, name);
        pfree(name);
        put_line(out, line);
    }
}

}  // namespace pg_tree::scan
