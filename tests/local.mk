include tests/unit/format.mk
include tests/unit/read.mk
include tests/unit/record.mk
include tests/unit/model.mk
include tests/unit/tui.mk
include tests/unit/task.mk

EXTRA_DIST += tests/run $(wildcard $(srcdir)/tests/*/*.*) \
	$(wildcard $(srcdir)/tests/*/golden/*)
CLEANFILES += tests/programs.list

# All that tests/run needs; the list tells it which Check programs there are.
# `all` descends into a make of its own (automake's BUILT_SOURCES), so what else
# is to be made has to wait for its end: two makes would write the same files.
.PHONY: tests-ready
tests-ready: all
	@$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS) $(check_LTLIBRARIES) \
		$(bench_programs)
	@$(MKDIR_P) tests
	@printf '%s\n' $(filter tests/unit/check_%,$(check_PROGRAMS)) \
		> tests/programs.list

check-local: tests-ready
	BUILDDIR=$(abs_builddir) SRCDIR=$(abs_srcdir) \
		python3 $(srcdir)/tests/run
include tests/programs/local.mk
include tests/tui/local.mk
