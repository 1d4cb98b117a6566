# Inside the traced program, in this order: hook, record.  Everywhere: base.
# Outside it, or in its recorder thread: format, drain.  Later: read.
include libtrace/base/local.mk
include libtrace/record/local.mk
include libtrace/hook/local.mk
include libtrace/format/local.mk
include libtrace/drain/local.mk
include libtrace/read/local.mk
include libtrace/task/local.mk

pkginclude_HEADERS = \
	libtrace/include/looptrace/status.h \
	libtrace/include/looptrace/event.h \
	libtrace/include/looptrace/trace.h \
	libtrace/include/looptrace/task.h \
	libtrace/include/looptrace/expect.h \
	libtrace/include/looptrace/reader.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = libtrace/looptrace.pc

# What a program links: everything but the viewer.
lib_LTLIBRARIES += liblooptrace.la
liblooptrace_la_SOURCES = $(base_sources) $(begin_sources) $(record_sources) $(linked_sources) \
	$(hook_sources) $(format_sources) $(drain_sources) $(read_sources) \
	$(task_sources)
liblooptrace_la_CPPFLAGS = $(AM_CPPFLAGS)
liblooptrace_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS) $(UV_CFLAGS) -fexceptions -foptimize-sibling-calls
liblooptrace_la_LDFLAGS = -version-info 0:0:0 -Wl,-z,nodelete -no-undefined \
	-Wl,--version-script=$(top_srcdir)/libtrace/looptrace.map
liblooptrace_la_LIBADD = $(ZLIB_LIBS) $(UV_LIBS)
EXTRA_liblooptrace_la_DEPENDENCIES = libtrace/looptrace.map
EXTRA_DIST += libtrace/looptrace.map

# What is loaded into an unmodified program: no libuv, no zlib.  What the hooks hand
# on they hand on with a jump (decision 0032).
pkglib_LTLIBRARIES = liblooptrace-preload.la
liblooptrace_preload_la_SOURCES = $(base_sources) $(record_sources) \
	$(hook_sources)
liblooptrace_preload_la_CPPFLAGS = $(AM_CPPFLAGS)
liblooptrace_preload_la_CFLAGS = $(AM_CFLAGS) -fexceptions -foptimize-sibling-calls
liblooptrace_preload_la_LDFLAGS = -module -avoid-version -shared \
	-Wl,-z,nodelete -no-undefined \
	-Wl,--version-script=$(top_srcdir)/libtrace/looptrace.map
EXTRA_liblooptrace_preload_la_DEPENDENCIES = libtrace/looptrace.map

# What the tools and unit tests link: the same code but for the hooks.
noinst_LTLIBRARIES += libtracecore.la
libtracecore_la_SOURCES = $(base_sources) $(begin_sources) $(record_sources) $(format_sources) \
	$(drain_sources) $(read_sources)
libtracecore_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS) $(SAN_CFLAGS)
libtracecore_la_LIBADD = $(ZLIB_LIBS)
