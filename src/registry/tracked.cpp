#include "registry/tracked.h"

namespace pg_tree::registry {

namespace {

bool is_identifier_byte(char byte) {
    return isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_' || byte == '$';
}

/// Does the text have the name in it, as a word of its own? Letters' case is not looked at: the name may be folded, when it was
/// written by hand.
bool mentions(const char* text, const char* name) {
    const std::size_t length = strlen(name);
    for (const char* at = text; *at != '\0'; ++at) {
        if (pg_strncasecmp(at, name, length) == 0 && (at == text || !is_identifier_byte(at[-1])) &&
            !is_identifier_byte(at[length])) {
            return true;
        }
    }
    return false;
}

/// Can names stand in the text in another way than letter by letter? Escapes, and folding beyond ASCII.
bool hides_names(const char* text) {
    for (; *text != '\0'; ++text) {
        if (IS_HIGHBIT_SET(*text) || *text == '\\' || *text == '&') {
            return true;
        }
    }
    return false;
}

/// A name that is quoted with its own quotes doubled is not looked for letter by letter.
bool is_plain_name(const char* name) { return strchr(name, '"') == nullptr; }

struct Collector {
    Relation relation;
    Bitmapset* columns;
};

void add_all(Collector& collector) {
    TupleDesc descriptor = RelationGetDescr(collector.relation);
    for (int i = 0; i < descriptor->natts; ++i) {
        if (!TupleDescAttr(descriptor, i)->attisdropped) {
            collector.columns = bms_add_member(collector.columns, i + 1);
        }
    }
}

void add_column(Collector& collector, const char* name) {
    TupleDesc descriptor = RelationGetDescr(collector.relation);
    for (int i = 0; i < descriptor->natts; ++i) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
        if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0) {
            collector.columns = bms_add_member(collector.columns, i + 1);
            return;
        }
    }
    add_all(collector);  // not the column's name at this moment; then anything may be
}

void add_mentioned(Collector& collector, const char* expression) {
    if (hides_names(expression)) {
        add_all(collector);
        return;
    }
    TupleDesc descriptor = RelationGetDescr(collector.relation);
    for (int i = 0; i < descriptor->natts; ++i) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
        const char* name = NameStr(attribute->attname);
        if (!attribute->attisdropped && (!is_plain_name(name) || mentions(expression, name))) {
            collector.columns = bms_add_member(collector.columns, i + 1);
        }
    }
}

void collect(std::string_view key, const char* value, void* argument) {
    auto& collector = *static_cast<Collector*>(argument);
    if (key == "id" || key == "parent" || key == "code") {
        add_column(collector, value);
    } else if (key == "name" || key == "order_by" || key == "filter") {
        add_mentioned(collector, value);
    }
}

}  // namespace

void for_each_trigger_argument(int count, char** arguments,
                               void (*visit)(std::string_view key, const char* value, void* argument), void* argument) {
    for (int i = 0; i < count; ++i) {
        const char* equals = strchr(arguments[i], '=');
        if (equals != nullptr) {
            visit(std::string_view(arguments[i], static_cast<std::size_t>(equals - arguments[i])), equals + 1,
                  argument);
        }
    }
}

Bitmapset* tracked_columns(Relation relation, int count, char** arguments) {
    Collector collector = {relation, nullptr};
    for_each_trigger_argument(count, arguments, collect, &collector);
    // A column that is worked out from others when it is read has no value of its own to compare.
    TupleDesc descriptor = RelationGetDescr(relation);
    for (int column = -1; (column = bms_next_member(collector.columns, column)) >= 0;) {
        const char generated = TupleDescAttr(descriptor, column - 1)->attgenerated;
        if (generated != '\0' && generated != ATTRIBUTE_GENERATED_STORED) {
            add_all(collector);
            break;
        }
    }
    return collector.columns;
}

}  // namespace pg_tree::registry
