# Prints a trace as tests/support/lt_decode.py does.
noinst_PROGRAMS += tests/support/dump_trace
tests_support_dump_trace_SOURCES = tests/support/dump_trace.c
tests_support_dump_trace_CFLAGS = $(AM_CFLAGS) $(SAN_CFLAGS)
tests_support_dump_trace_LDADD = libtracecore.la
tests_support_dump_trace_LDFLAGS = $(SAN_CFLAGS)

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_read
tests_unit_check_read_SOURCES = tests/unit/check_read.c \
	tests/unit/read_fixture.h tests/unit/read_fixture.c
tests_unit_check_read_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_read_LDADD = libtracecore.la $(CHECK_LIBS) $(ZLIB_LIBS)
tests_unit_check_read_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_merge
tests_unit_check_merge_SOURCES = tests/unit/check_merge.c \
	tests/unit/read_fixture.h tests/unit/read_fixture.c
tests_unit_check_merge_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_merge_LDADD = libtracecore.la $(CHECK_LIBS) $(ZLIB_LIBS)
tests_unit_check_merge_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_ahead
tests_unit_check_ahead_SOURCES = tests/unit/check_ahead.c \
	tests/unit/read_fixture.h tests/unit/read_fixture.c
tests_unit_check_ahead_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_ahead_LDADD = libtracecore.la $(CHECK_LIBS) $(ZLIB_LIBS)
tests_unit_check_ahead_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_damage
tests_unit_check_damage_SOURCES = tests/unit/check_damage.c \
	tests/unit/read_fixture.h tests/unit/read_fixture.c
tests_unit_check_damage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_damage_LDADD = libtracecore.la $(CHECK_LIBS) $(ZLIB_LIBS)
tests_unit_check_damage_LDFLAGS = $(SAN_CFLAGS)
endif

EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/seeds.py tests/fuzz/fuzz.h \
	tests/fuzz/fuzz_reader.c tests/fuzz/fuzz_chunk.c tests/fuzz/fuzz_index.c
