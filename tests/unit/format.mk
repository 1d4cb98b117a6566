# Noinst, but used by everybody's tests: a trace from a text.
check_PROGRAMS += tests/support/make_trace
tests_support_make_trace_SOURCES = tests/support/make_trace.c
tests_support_make_trace_CFLAGS = $(AM_CFLAGS) $(SAN_CFLAGS)
tests_support_make_trace_LDADD = libtracecore.la
tests_support_make_trace_LDFLAGS = $(SAN_CFLAGS)

# A trace of any size; also for bench/run.py.
check_PROGRAMS += tests/support/make_big
tests_support_make_big_SOURCES = tests/support/make_big.c
tests_support_make_big_CFLAGS = $(AM_CFLAGS) $(SAN_CFLAGS)
tests_support_make_big_LDADD = libtracecore.la
tests_support_make_big_LDFLAGS = $(SAN_CFLAGS)

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_arena tests/unit/check_format \
	tests/unit/check_trace tests/unit/check_drain tests/unit/check_switch
drain_fixture = tests/unit/drain_fixture.h tests/unit/drain_fixture.c
check_PROGRAMS += tests/unit/check_window
tests_unit_check_window_SOURCES = tests/unit/check_window.c
tests_unit_check_window_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_window_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_window_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_flight
tests_unit_check_flight_SOURCES = tests/unit/check_flight.c $(drain_fixture)
tests_unit_check_flight_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_flight_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_flight_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_switch_SOURCES = tests/unit/check_switch.c $(drain_fixture)
tests_unit_check_switch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_switch_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_switch_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_arena_SOURCES = tests/unit/check_arena.c
tests_unit_check_arena_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_arena_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_arena_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_format_SOURCES = tests/unit/check_format.c
tests_unit_check_format_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_format_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_format_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_trace_SOURCES = tests/unit/check_trace.c
tests_unit_check_trace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_trace_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_trace_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_drain_SOURCES = tests/unit/check_drain.c $(drain_fixture)
tests_unit_check_drain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_drain_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_drain_LDFLAGS = $(SAN_CFLAGS)
endif
