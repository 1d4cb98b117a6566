if HAVE_CHECK
check_PROGRAMS += tests/unit/check_tui
tests_unit_check_tui_SOURCES = tests/unit/check_tui.c \
	tests/unit/check_tui.h tests/unit/check_tui_slices.c \
	tests/unit/trace_text.h tests/unit/trace_text.c \
	$(tui_sources) $(model_sources) $(symbol_sources) \
	viewer/check/rule.h viewer/check/rule.c viewer/cli/near.h viewer/cli/near.c \
	viewer/cli/filter.h viewer/cli/filter.c \
	viewer/check/suppress.h viewer/check/suppress.c viewer/check/suppress_read.c \
	viewer/model/diff.h viewer/model/diff.c \
	viewer/output/inert.h viewer/output/inert.c \
	viewer/output/info.h viewer/output/info_text.c \
	viewer/output/units.h viewer/output/units.c \
	viewer/output/excerpt.h viewer/output/excerpt.c
tests_unit_check_tui_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(NCURSES_CFLAGS) \
	$(DW_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_tui_LDADD = libtracecore.la $(NCURSES_LIBS) $(DW_LIBS) \
	$(CHECK_LIBS) -lm
tests_unit_check_tui_LDFLAGS = $(SAN_CFLAGS)
endif
