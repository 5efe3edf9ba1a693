#include "scan/json.h"

extern "C" {
#include "utils/json.h"
}

namespace pg_tree::scan {

using core::Row;
using fetch::KeyForm;
using fetch::Reading;

namespace {

void write_string(StringInfo json, const Row& row, int word) {
    if (row.word_is_null(static_cast<unsigned>(word))) {
        appendStringInfoString(json, "null");
        return;
    }
    char* plain = TextDatumGetCString(static_cast<Datum>(row.payload[word]));
    escape_json(json, plain);
    pfree(plain);
}

void write_key(StringInfo json, const Reading& reading, const Row& row, KeyForm form) {
    if (!row.has_key()) {
        appendStringInfoString(json, "null");
    } else if (form == KeyForm::bigint) {
        appendStringInfo(json, INT64_FORMAT, static_cast<int64>(row.key));
    } else {
        char* plain = TextDatumGetCString(reading.keys->to_caller(row.key, KeyForm::text));
        escape_json(json, plain);
        pfree(plain);
    }
}

/// Leaves the list of children open.
void open_node(StringInfo json, const Reading& reading, const Row& row, KeyForm form) {
    appendStringInfoString(json, "{\"id\":");
    write_key(json, reading, row, form);
    appendStringInfoString(json, ",\"code\":");
    write_string(json, row, fetch::code_word);
    appendStringInfoString(json, ",\"name\":");
    write_string(json, row, fetch::name_word);
    appendStringInfoString(json, ",\"children\":[");
}

}  // namespace

text* write_json(const Reading& above, const Row& self, const Reading& below, const core::Walk& walk, KeyForm form) {
    StringInfoData json;
    initStringInfo(&json);
    open_node(&json, above, self, form);
    std::int32_t open_level = -1;  // of the node whose list of children is being written
    for (std::size_t i = 0; i < walk.nodes.size(); ++i) {
        CHECK_FOR_INTERRUPTS();
        const bool is_next_sibling = walk.levels[i] <= open_level;
        for (; open_level >= walk.levels[i]; --open_level) {
            appendStringInfoString(&json, "]}");
        }
        if (is_next_sibling) {
            appendStringInfoChar(&json, ',');
        }
        open_node(&json, below, below.table->rows[walk.nodes[i]], form);
        open_level = walk.levels[i];
    }
    for (; open_level >= -1; --open_level) {
        appendStringInfoString(&json, "]}");
    }
    return cstring_to_text_with_len(json.data, json.len);
}

}  // namespace pg_tree::scan
