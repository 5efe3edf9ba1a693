#include "stats/visible.h"

#include "pg/compat.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/syscache.h"
}

namespace pg_tree::stats {

bool sees_everything() { return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS); }

bool may_see(Oid database, Oid relation) {
    return sees_everything() ||
           (database == MyDatabaseId && get_rel_name(relation) != nullptr &&
            (pg::may_select(relation, GetUserId()) ||
             pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK));
}

namespace {

/// Negative: there is no such database.
int encoding_of(Oid database) {
    if (database == MyDatabaseId) {
        return GetDatabaseEncoding();
    }
    const HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
    if (!HeapTupleIsValid(tuple)) {
        return -1;
    }
    const int encoding = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->encoding;
    ReleaseSysCache(tuple);
    return encoding;
}

/// Null: not all of it can be converted.
char* converted(char* text, int length, int from, int to) {
    if (from < 0 || from == PG_SQL_ASCII || to == PG_SQL_ASCII) {
        return nullptr;
    }
    const Oid conversion = FindDefaultConversionProc(from, to);
    if (!OidIsValid(conversion)) {
        return nullptr;
    }
    const int room = length * MAX_CONVERSION_GROWTH + 1;
    auto* result = static_cast<char*>(palloc0(static_cast<std::size_t>(room)));
    const int done = pg_do_encoding_conversion_buf(conversion, from, to, reinterpret_cast<unsigned char*>(text), length,
                                                   reinterpret_cast<unsigned char*>(result), room, true);
    return done == length ? result : nullptr;
}

}  // namespace

char* readable(const char* text, std::size_t most, Oid database) {
    char* copy = pnstrdup(text, most);
    const int length = static_cast<int>(strlen(copy));
    const int from = encoding_of(database);
    const int to = GetDatabaseEncoding();
    if (from != to && length > 0) {
        if (char* result = converted(copy, length, from, to); result != nullptr) {
            return result;
        }
    }
    const int valid = from == to ? pg_encoding_verifymbstr(to, copy, length) : 0;
    for (int i = valid; i < length; ++i) {
        copy[i] = IS_HIGHBIT_SET(copy[i]) ? '?' : copy[i];
    }
    return copy;
}

}  // namespace pg_tree::stats
