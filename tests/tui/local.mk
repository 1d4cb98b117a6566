# A terminal for test_real_terminal.py and test_fuzz.py; they are skipped without.
if HAVE_VTERM
noinst_PROGRAMS += tests/tui/vtscreen
tests_tui_vtscreen_SOURCES = tests/tui/vtscreen.c
tests_tui_vtscreen_CFLAGS = $(AM_CFLAGS) $(VTERM_CFLAGS)
tests_tui_vtscreen_LDADD = $(VTERM_LIBS)
endif
