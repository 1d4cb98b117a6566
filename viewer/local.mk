bin_PROGRAMS += looptrace
looptrace_SOURCES = viewer/main.c viewer/command.h \
	$(command_sources) $(symbol_sources) $(model_sources) \
	$(output_sources) $(tui_sources)
looptrace_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(PROTOBUF_C_CFLAGS) -I$(top_builddir)/viewer $(NCURSES_CFLAGS) $(DW_CFLAGS) \
	$(INIH_CFLAGS) $(JANSSON_CFLAGS) $(SAN_CFLAGS)
looptrace_LDADD = libtracecore.la $(UV_LIBS) $(NCURSES_LIBS) $(DW_LIBS) $(PROTOBUF_C_LIBS) -lm \
	$(INIH_LIBS) $(JANSSON_LIBS)
looptrace_LDFLAGS = $(SAN_CFLAGS)

command_sources =
include viewer/command/local.mk
include viewer/cli/local.mk
include viewer/launch/local.mk
include viewer/watch/local.mk
include viewer/symbol/local.mk
include viewer/model/local.mk
include viewer/check/local.mk
include viewer/output/local.mk
include viewer/tui/local.mk
