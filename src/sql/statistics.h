// What the functions behind the statistics views have in common.
#pragma once

#include "registry/registration.h"

namespace pg_tree::sql {

/// A row, column by column.
struct Row {
    Datum values[20] = {};
    bool nulls[20] = {};
    int count = 0;

    void put(Datum value) { values[count++] = value; }
    void put_null() { nulls[count++] = true; }
    void put_text(const char* value) { value == nullptr ? put_null() : put(CStringGetTextDatum(value)); }
    void put_count(uint64 value) { put(Int64GetDatum(static_cast<int64>(value))); }
    void put_float(double value) { put(Float8GetDatum(value)); }
    /// Null where a negative number says that there is none.
    void put_float_if_any(double value) { value < 0 ? put_null() : put_float(value); }
    void put_time(int64 value) { value == 0 ? put_null() : put(Int64GetDatum(value)); }
};

/// The trees of this database as they are called now.
class TreeNames {
public:
    explicit TreeNames(FunctionCallInfo fcinfo)
        : registrations_(registry::read_registrations(registry::track_function(fcinfo->flinfo->fn_oid))) {}

    const registry::Registration* find(Oid database, Oid trigger) const {
        for (const registry::Registration& registration : registrations_) {
            if (database == MyDatabaseId && registration.trigger_oid == trigger) {
                return &registration;
            }
        }
        return nullptr;
    }
    std::span<registry::Registration> all() const { return registrations_; }

private:
    std::span<registry::Registration> registrations_;
};

}  // namespace pg_tree::sql
