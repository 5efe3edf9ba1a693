// The one door to the server's headers. Everything on the server's side includes this file first, so that the
// standard headers are read before the server's macros (printf, Min, Max, gettext) can reach them, and so that
// the server's C declarations get C linkage.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

extern "C" {
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

#if PG_VERSION_NUM < 150000
#error "pg_tree needs PostgreSQL 15 or newer"
#endif
