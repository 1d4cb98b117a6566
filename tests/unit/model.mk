if HAVE_CHECK
check_PROGRAMS += tests/unit/check_model
tests_unit_check_model_SOURCES = tests/unit/check_model.c \
	tests/unit/trace_text.h tests/unit/trace_text.c \
	$(model_sources) $(symbol_sources) \
	viewer/output/inert.h viewer/output/inert.c \
	viewer/output/units.h viewer/output/units.c \
	viewer/output/json.h viewer/output/json.c
tests_unit_check_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(DW_CFLAGS) \
	$(SAN_CFLAGS)
tests_unit_check_model_LDADD = libtracecore.la $(DW_LIBS) $(CHECK_LIBS)
tests_unit_check_model_LDFLAGS = $(SAN_CFLAGS)
endif
EXTRA_DIST += $(wildcard $(srcdir)/tests/cli/golden/*)
