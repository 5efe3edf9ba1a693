#include "scan/json.h"

extern "C" {
#include "utils/json.h"
}

namespace pg_tree::scan {

using fetch::KeyForm;

namespace {

void write_string(StringInfo json, Datum value, bool null) {
    if (null) {
        appendStringInfoString(json, "null");
        return;
    }
    char* plain = TextDatumGetCString(value);
    escape_json(json, plain);
    pfree(plain);
}

void write_key(StringInfo json, Datum value, bool null, KeyForm form) {
    if (null) {
        appendStringInfoString(json, "null");
    } else if (form == KeyForm::bigint) {
        appendStringInfo(json, INT64_FORMAT, DatumGetInt64(value));
    } else {
        char* plain = key_text(value, form);
        escape_json(json, plain);
        pfree(plain);
    }
}

/// Leaves the list of children open.
void open_node(StringInfo json, const Datum* values, const bool* nulls, KeyForm form) {
    appendStringInfoString(json, "{\"id\":");
    write_key(json, values[0], nulls[0], form);
    appendStringInfoString(json, ",\"code\":");
    write_string(json, values[1], nulls[1]);
    appendStringInfoString(json, ",\"name\":");
    write_string(json, values[2], nulls[2]);
    appendStringInfoString(json, ",\"children\":[");
}

}  // namespace

template <class Source>
text* write_json(Source& source) {
    StringInfoData json;
    initStringInfo(&json);
    const MemoryContext row_memory =
        AllocSetContextCreate(CurrentMemoryContext, "pg_tree json row", ALLOCSET_SMALL_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(row_memory);
    Datum values[4];
    bool nulls[4];
    source.fill_start(values, nulls);
    open_node(&json, values, nulls, source.form());
    std::int32_t open_level = -1;  // of the node whose list of children is being written
    while (source.next()) {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(row_memory);
        const std::int32_t level = source.level();
        const bool is_next_sibling = level <= open_level;
        for (; open_level >= level; --open_level) {
            appendStringInfoString(&json, "]}");
        }
        if (is_next_sibling) {
            appendStringInfoChar(&json, ',');
        }
        source.fill(values, nulls);
        open_node(&json, values, nulls, source.form());
        open_level = level;
    }
    for (; open_level >= -1; --open_level) {
        appendStringInfoString(&json, "]}");
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(row_memory);
    return cstring_to_text_with_len(json.data, json.len);
}

template text* write_json(TableSource&);
template text* write_json(ImageSource&);

}  // namespace pg_tree::scan
