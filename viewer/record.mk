command_sources += viewer/cmd_record.c viewer/cmd_recover.c viewer/cmd_tasks.c \
	viewer/live.h viewer/live.c viewer/cmd_ctl.c \
	viewer/control.h viewer/control.c viewer/steer.h viewer/steer.c \
	viewer/program.h viewer/program.c \
	viewer/launch.h viewer/launch.c \
	viewer/locate.h viewer/locate.c \
	viewer/waker.h viewer/waker.c viewer/stops.h viewer/stops.c \
	viewer/selftest.h viewer/selftest.c viewer/cmd_selftest.c \
	viewer/child.h viewer/child.c \
	viewer/why.h viewer/why.c

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_duration
tests_unit_check_duration_SOURCES = tests/unit/check_duration.c
tests_unit_check_duration_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_duration_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_duration_LDFLAGS = $(SAN_CFLAGS)
check_PROGRAMS += tests/unit/check_progress
tests_unit_check_progress_SOURCES = tests/unit/check_progress.c \
	viewer/progress.h viewer/progress.c
tests_unit_check_progress_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_progress_LDADD = $(CHECK_LIBS)
tests_unit_check_progress_LDFLAGS = $(SAN_CFLAGS)
endif
