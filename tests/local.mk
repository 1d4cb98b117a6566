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
.PHONY: tests-ready
tests-ready: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	@$(MKDIR_P) tests
	@printf '%s\n' $(filter tests/unit/check_%,$(check_PROGRAMS)) \
		> tests/programs.list

check-local: tests-ready
	BUILDDIR=$(abs_builddir) SRCDIR=$(abs_srcdir) \
		python3 $(srcdir)/tests/run
include tests/programs/local.mk
