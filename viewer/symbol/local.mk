symbol_sources = viewer/symbol/aside.h viewer/symbol/aside.c \
	viewer/symbol/symbol.h viewer/symbol/symbol.c \
	viewer/symbol/module.h viewer/symbol/module.c \
	viewer/symbol/table.h viewer/symbol/table.c \
	viewer/symbol/jit.h viewer/symbol/jit.c \
	viewer/symbol/demangle.h viewer/symbol/demangle.c \
	viewer/symbol/jumps.h viewer/symbol/jumps.c \
	viewer/symbol/lines.h viewer/symbol/lines.c

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_symbol
tests_unit_check_symbol_SOURCES = tests/unit/check_symbol.c $(symbol_sources)
tests_unit_check_symbol_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(DW_CFLAGS) \
	$(SAN_CFLAGS)
tests_unit_check_symbol_LDADD = $(CHECK_LIBS) $(DW_LIBS)
tests_unit_check_symbol_LDFLAGS = $(SAN_CFLAGS)
endif
