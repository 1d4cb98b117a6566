if HAVE_CHECK
check_PROGRAMS += tests/unit/check_record tests/unit/check_stops
tests_unit_check_record_SOURCES = tests/unit/check_record.c
tests_unit_check_record_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_record_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_record_LDFLAGS = $(SAN_CFLAGS)
tests_unit_check_stops_SOURCES = tests/unit/check_stops.c \
	viewer/launch/stops.h viewer/launch/stops.c
tests_unit_check_stops_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_stops_LDADD = libtracecore.la $(CHECK_LIBS)
tests_unit_check_stops_LDFLAGS = $(SAN_CFLAGS)
endif
