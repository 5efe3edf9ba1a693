#include "scan/drawing.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pg_tree::scan {

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

/// The name as a line of its own, after what is in the line already.
template <class Source>
void put_label(RowsOut& out, StringInfo line, const Source& source, const Datum* values, const bool* nulls) {
    char* name = label_of(values, nulls, source.form());
    append_on_one_line(line, name);
    pfree(name);
    put_line(out, *line);
}

}  // namespace

template <class Source>
void draw(RowsOut& out, Source& source) {
    const Strokes& strokes = GetDatabaseEncoding() == PG_UTF8 ? box : ascii;
    StringInfoData line;
    initStringInfo(&line);
    const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
    Datum values[4];
    bool nulls[4];
    source.fill_start(values, nulls);
    put_label(out, &line, source, values, nulls);

    bool last_at[deepest_branches + 1] = {};
    while (source.next()) {
        const std::int32_t level = source.level();
        const bool is_last = source.is_last_sibling();
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
        source.fill(values, nulls);
        put_label(out, &line, source, values, nulls);
    }
    MemoryContextSwitchTo(caller);
}

template void draw(RowsOut&, TableSource&);
template void draw(RowsOut&, ImageSource&);

}  // namespace pg_tree::scan
