# Prints a trace as tests/support/lt_decode.py does.
noinst_PROGRAMS += tests/support/dump_trace
tests_support_dump_trace_SOURCES = tests/support/dump_trace.c
tests_support_dump_trace_CFLAGS = $(AM_CFLAGS) $(SAN_CFLAGS)
tests_support_dump_trace_LDADD = libtracecore.la
tests_support_dump_trace_LDFLAGS = $(SAN_CFLAGS)
