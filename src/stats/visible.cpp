#include "stats/visible.h"

#include "pg/compat.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
}

namespace pg_tree::stats {

bool sees_everything() { return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS); }

bool may_see(Oid database, Oid relation) {
    return sees_everything() ||
           (database == MyDatabaseId && get_rel_name(relation) != nullptr &&
            (pg::may_select(relation, GetUserId()) ||
             pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK));
}

char* readable(const char* text, std::size_t most) {
    char* copy = pnstrdup(text, most);
    const int length = static_cast<int>(strlen(copy));
    const int valid = pg_encoding_verifymbstr(GetDatabaseEncoding(), copy, length);
    for (int i = valid; i < length; ++i) {
        copy[i] = IS_HIGHBIT_SET(copy[i]) ? '?' : copy[i];
    }
    return copy;
}

}  // namespace pg_tree::stats
