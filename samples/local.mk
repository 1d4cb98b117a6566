# Samples: one lesson a file.  -g, so that a trace knows file and line.
noinst_PROGRAMS += samples/hello samples/stall
EXTRA_DIST += samples/README.md samples/demo.lua

# liblooptrace stands before -luv: the first definition of a name wins.
samples_hello_SOURCES = samples/hello.c
samples_hello_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -g
samples_hello_LDADD = liblooptrace.la $(UV_LIBS)
samples_hello_LDFLAGS = -no-install

# Knows nothing of looptrace.
samples_stall_SOURCES = samples/stall.c
samples_stall_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -g
samples_stall_LDADD = $(UV_LIBS) -lpthread
samples_stall_LDFLAGS = -no-install
include samples/tasks.mk
