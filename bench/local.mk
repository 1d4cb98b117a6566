EXTRA_DIST += $(wildcard $(srcdir)/bench/*.*)

# What bench/*.py run beside the tool; not built by make alone.
bench_programs = bench/task_bench bench/task_switch bench/task_echo
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
bench_task_bench_SOURCES = bench/task_bench.c
bench_task_bench_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -O2
bench_task_bench_LDADD = liblooptrace.la $(UV_LIBS)
bench_task_bench_LDFLAGS = -no-install
bench_task_switch_SOURCES = bench/task_switch.c
bench_task_switch_CFLAGS = $(AM_CFLAGS) $(SAN_CFLAGS) -O2
bench_task_switch_LDADD = libtaskcore.la
bench_task_switch_LDFLAGS = $(SAN_CFLAGS)
if HAVE_FCONTEXT
bench_task_switch_CFLAGS += -DLT_HAVE_FCONTEXT
bench_task_switch_LDADD += -lboost_context
endif
bench_task_echo_SOURCES = bench/task_echo.c
bench_task_echo_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -O2
bench_task_echo_LDADD = liblooptrace.la $(UV_LIBS)
bench_task_echo_LDFLAGS = -no-install
.PHONY: bench-programs
bench-programs: $(bench_programs)
