model_test_sources = tests/unit/trace_text.h tests/unit/trace_text.c \
	$(model_sources) $(symbol_sources) \
	viewer/output/inert.h viewer/output/inert.c \
	viewer/output/units.h viewer/output/units.c
model_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(DW_CFLAGS) $(SAN_CFLAGS)
model_test_ldadd = libtracecore.la $(DW_LIBS) $(CHECK_LIBS)
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_model tests/unit/check_finding \
	tests/unit/check_trouble tests/unit/check_model_task \
	tests/unit/check_cause tests/unit/check_writer tests/unit/check_paced
tests_unit_check_paced_SOURCES = tests/unit/check_paced.c \
	viewer/model/paced.h viewer/model/paced.c
tests_unit_check_paced_CFLAGS = $(model_test_cflags)
tests_unit_check_paced_LDADD = $(CHECK_LIBS)
tests_unit_check_paced_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_writer_SOURCES = tests/unit/check_writer.c \
	viewer/output/writer.h viewer/output/writer.c
tests_unit_check_writer_CFLAGS = $(model_test_cflags)
tests_unit_check_writer_LDADD = $(CHECK_LIBS)
tests_unit_check_writer_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_model_task_SOURCES = tests/unit/check_model_task.c \
	$(model_test_sources)
tests_unit_check_model_task_CFLAGS = $(model_test_cflags)
tests_unit_check_model_task_LDADD = $(model_test_ldadd)
tests_unit_check_model_task_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_cause_SOURCES = tests/unit/check_cause.c $(model_test_sources)
tests_unit_check_cause_CFLAGS = $(model_test_cflags)
tests_unit_check_cause_LDADD = $(model_test_ldadd)
tests_unit_check_cause_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_model_SOURCES = tests/unit/check_model.c $(model_test_sources)
tests_unit_check_model_CFLAGS = $(model_test_cflags)
tests_unit_check_model_LDADD = $(model_test_ldadd)
tests_unit_check_model_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_finding_SOURCES = tests/unit/check_finding.c \
	$(model_test_sources)
tests_unit_check_finding_CFLAGS = $(model_test_cflags)
tests_unit_check_finding_LDADD = $(model_test_ldadd)
tests_unit_check_finding_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_trouble_SOURCES = tests/unit/check_trouble.c \
	$(model_test_sources) viewer/output/say.h viewer/output/say.c \
	viewer/output/say_trouble.h viewer/output/say_trouble.c \
	viewer/output/excerpt.h viewer/output/excerpt.c
tests_unit_check_trouble_CFLAGS = $(model_test_cflags)
tests_unit_check_trouble_LDADD = $(model_test_ldadd)
tests_unit_check_trouble_LDFLAGS = $(SAN_CFLAGS)
endif
EXTRA_DIST += $(wildcard $(srcdir)/tests/cli/golden/*)

# The model's stalls, for tests in Python.
noinst_PROGRAMS += tests/support/dump_stalls
tests_support_dump_stalls_SOURCES = tests/support/dump_stalls.c \
	$(model_sources) $(symbol_sources) \
	viewer/output/inert.h viewer/output/inert.c \
	viewer/output/json.h viewer/output/json.c \
	viewer/output/place.h viewer/output/place.c \
	viewer/output/units.h viewer/output/units.c
tests_support_dump_stalls_CFLAGS = $(AM_CFLAGS) $(DW_CFLAGS) $(SAN_CFLAGS)
tests_support_dump_stalls_LDADD = libtracecore.la $(DW_LIBS)
tests_support_dump_stalls_LDFLAGS = $(SAN_CFLAGS)
