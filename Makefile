# Builds, installs and tests pg_tree against the server that PG_CONFIG names:
#
#   make && sudo make install                 build and install
#   make installcheck                         pg_regress and isolation tests on a running server
#   make installcheck-pgtap                   pgTAP tests on a running server
#   make installcheck-tap                     TAP tests, which start servers of their own
#   make PG_TREE_DEBUG=1                      with the fault injection functions that tests call
#
# scripts/check does all of this on throw-away servers. CMakeLists.txt is for developing: the
# core without a server, unit tests, benchmarks, fuzzers, sanitizers.

EXTENSION = pg_tree
MODULE_big = pg_tree

# An out-of-tree build (make -f ../Makefile VPATH=..) finds its sources here.
here := $(patsubst %/,%,$(or $(VPATH),$(dir $(lastword $(MAKEFILE_LIST)))))

# The version is written once, in the control file.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(here)/pg_tree.control)

DATA = $(sort $(notdir $(wildcard $(here)/pg_tree--*.sql)))
OBJS = $(patsubst $(here)/%.cpp,%.o,$(sort $(wildcard $(here)/src/*.cpp $(here)/src/*/*.cpp)))

# The server's headers count as system headers: their warnings are not ours to mend. GCC and
# clang then ignore the -I that PGXS adds for the same folder.
PG_CPPFLAGS = -isystem $(includedir_server) -isystem $(includedir_internal) -I$(srcdir)/src \
	-DPG_TREE_VERSION='"$(EXTVERSION)"'
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -fvisibility=hidden -fvisibility-inlines-hidden

# Before PostgreSQL 16 the macro is empty, and what -fvisibility=hidden hides, no export list
# brings back. A function that SQL calls is defined as `PGDLLEXPORT Datum tree_...`.
PG_CPPFLAGS += '-DPGDLLEXPORT=__attribute__((visibility("default")))'

# Boost's assertions end the process, which for a server means every session; only debug builds have them.
ifdef PG_TREE_DEBUG
PG_CPPFLAGS += -DPG_TREE_DEBUG
else
PG_CPPFLAGS += -DNDEBUG
endif

SHLIB_LINK += -lboost_container -lstdc++

# Only what the server looks up by name leaves the library; the C++ library's and Boost's weak
# symbols must not be shared with other extensions in the same process.
SHLIB_EXPORTS = exports.txt

# JIT inlines operators and functions called per row of an expression. A set-returning function
# gains nothing from it, and bitcode would double the build time and ask for clang.
override with_llvm = no

# The tests. `setup` comes first where there is one; the rest is independent of its order.
regress_names := $(sort $(basename $(notdir $(wildcard $(here)/sql/*.sql))))
REGRESS := $(filter setup,$(regress_names)) $(filter-out setup,$(regress_names))
REGRESS := $(strip $(REGRESS))
ISOLATION := $(sort $(basename $(notdir $(wildcard $(here)/test/isolation/specs/*.spec))))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation --load-extension=pg_tree
tap_tests := $(sort $(wildcard $(here)/test/tap/*.pl))
pgtap_tests := $(sort $(wildcard $(here)/test/pgtap/*.sql))

# Where the tests write. Another folder serves a checkout that the server's user may not write.
ifdef TEST_OUTPUT
REGRESS_OPTS += --outputdir=$(TEST_OUTPUT)
ISOLATION_OPTS += --outputdir=$(TEST_OUTPUT)/isolation
endif

EXTRA_CLEAN = $(OBJS:.o=.d) exports.list

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# A changed header rebuilds what includes it (PGXS does so only if the server was built that way).
%.o: %.cpp
	@$(MKDIR_P) $(@D)
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -c -MMD -MP -MF $(@:.o=.d) -o $@ $<

-include $(OBJS:.o=.d)

# Changed flags rebuild everything: a library half built with PG_TREE_DEBUG is worth nothing.
flags_now := $(CXX) $(CXXFLAGS) $(CPPFLAGS)
ifneq ($(strip $(flags_now)),$(strip $(shell cat .build_flags 2>/dev/null)))
.PHONY: .build_flags
endif
.build_flags:
	$(file >$@,$(flags_now))
$(OBJS): .build_flags
EXTRA_CLEAN += .build_flags

.PHONY: installcheck-regress installcheck-isolation installcheck-pgtap installcheck-tap

# Each half of installcheck on its own.
installcheck-regress:
	$(pg_regress_installcheck) $(REGRESS_OPTS) $(REGRESS)

installcheck-isolation:
	$(pg_isolation_regress_installcheck) $(ISOLATION_OPTS) $(ISOLATION)

installcheck-pgtap:
	pg_prove $(PROVE_FLAGS) $(pgtap_tests)

installcheck-tap: PROVE_TESTS = $(abspath $(tap_tests))
installcheck-tap:
	$(prove_installcheck)

print-%:
	@echo '$($*)'
