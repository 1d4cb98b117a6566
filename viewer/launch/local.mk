command_sources += viewer/launch/child.h viewer/launch/child.c \
	viewer/launch/control.h viewer/launch/control.c viewer/launch/launch.h \
	viewer/launch/launch.c viewer/launch/locate.h viewer/launch/locate.c \
	viewer/launch/program.h viewer/launch/program.c viewer/launch/steer.h \
	viewer/launch/steer.c viewer/launch/stops.h viewer/launch/stops.c \
	viewer/launch/waker.h viewer/launch/waker.c viewer/launch/why.h \
	viewer/launch/why.c

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_duration
tests_unit_check_duration_SOURCES = tests/unit/check_duration.c
tests_unit_check_duration_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_duration_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_duration_LDFLAGS = $(SAN_CFLAGS)
check_PROGRAMS += tests/unit/check_progress
tests_unit_check_progress_SOURCES = tests/unit/check_progress.c \
	viewer/cli/progress.h viewer/cli/progress.c
tests_unit_check_progress_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_progress_LDADD = $(CHECK_LIBS)
tests_unit_check_progress_LDFLAGS = $(SAN_CFLAGS)
endif
